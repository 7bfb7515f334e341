"""The local platform: an app's services as supervised processes of this machine.

Implements `platforms.protocol.Platform` by handing each verb to the module that knows it.
"""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from slipway.app.model import App, Service
from slipway.errors import NotFoundError, PlatformError
from slipway.plan.observed import Observed
from slipway.plan.release import Artifact, Release
from slipway.plan.rollout.verdict import Counters
from slipway.platforms.local import (
    build,
    instances,
    logs,
    mounts,
    observation,
    precheck,
    probing,
)
from slipway.platforms.local.backing.kinds import kind_of
from slipway.platforms.local.build.dockerfile.stages import Healthcheck
from slipway.platforms.local.launchfile import LaunchFile
from slipway.platforms.local.proxy import counters, manage
from slipway.platforms.local.runtime import Runtime, in_thread, make_runtime
from slipway.platforms.local.steps import backing, jobs, proxy, ready, removal, services, volumes
from slipway.platforms.local.steps import build as build_step
from slipway.platforms.protocol import Capabilities, Context, LogLine, Outcome, StepContext
from slipway.support.filestore import FileStore
from slipway.support.health.model import Answer, Probe
from slipway.support.store import Store

Apply = Callable[[Runtime, StepContext], Awaitable[Outcome]]
Undo = Callable[[Runtime, StepContext, Outcome], Awaitable[None]]

_STEPS: Mapping[str, tuple[Apply, Undo]] = {
    "build": (build_step.apply, services.nothing),
    "volume": (volumes.make, volumes.undo),
    "backing": (backing.apply, backing.undo),
    "proxy": (proxy.ensure, proxy.undo_ensure),
    "start": (services.start, services.undo_start),
    "ready": (ready.wait, services.nothing),
    "job": (jobs.run, jobs.undo),
    "route": (proxy.route, proxy.undo_route),
    "drain": (services.drain, services.undo_drain),
    "stop": (services.stop, services.nothing),
    "remove": (removal.remove, services.nothing),
    "teardown": (removal.teardown, services.nothing),
}


class LocalPlatform:
    """Bound to one app's environment. Making one reads and changes nothing."""

    name = "local"

    def __init__(self, context: Context) -> None:
        self._runtime = make_runtime(context)

    def capabilities(self) -> Capabilities:
        return Capabilities()

    def store(self) -> Store:
        return FileStore(self._runtime.store_folder)

    def resolve(self, app: App) -> Mapping[str, Artifact]:
        found = {}
        for name, service in app.services.items():
            artifact = self._artifact(service)
            if artifact is not None:
                found[name] = artifact
        return found

    def _artifact(self, service: Service) -> Artifact | None:
        """None for PostgreSQL and Redis, which are this machine's own programs."""
        if service.role == "backing" and kind_of(service) != "custom":
            return None
        context = self._runtime.context
        plan = build.plan_build(service, project=context.project, cache=context.cache)
        over = [m for m in service.mounts if mounts.covers(m.target, plan.workdir)]
        hidden = tuple(
            f"the mount over the code ({m.target}) is left out: a release runs its own snapshot"
            for m in over
        )
        notes = (*plan.notes, *hidden, *_untold(service, plan))
        return Artifact(
            kind="snapshot",
            id=plan.id,
            notes=notes,
            reads=plan.mentions,
            healthcheck=_healthcheck(plan.healthcheck),
        )

    async def observe(self) -> Observed:
        return await in_thread(observation.observe, self._runtime)

    def precheck(self, app: App, observed: Observed) -> None:
        precheck.precheck(self._runtime, app, observed)

    async def apply(self, context: StepContext) -> Outcome:
        return await self._verbs(context)[0](self._runtime, context)

    async def undo(self, context: StepContext, outcome: Outcome) -> None:
        await self._verbs(context)[1](self._runtime, context, outcome)

    def _verbs(self, context: StepContext) -> tuple[Apply, Undo]:
        kind = context.step.kind
        if kind not in _STEPS:
            raise PlatformError(f"the local platform has no step {kind}: it is the engine's own")
        return _STEPS[kind]

    async def probe(self, release: Release, service: str, probe: Probe) -> list[Answer]:
        return await in_thread(probing.ask_all, self._runtime, self._set(release, service), probe)

    async def counters(self) -> Mapping[int, Counters]:
        return await in_thread(counters.counters, manage.read(self._runtime).api)

    def address(self, release: Release, service: str) -> tuple[str, int] | None:
        for launch in self._set(release, service):
            if launch.address is not None and launch.port is not None:
                return launch.address, launch.port
        return None

    def logs(
        self, services: tuple[str, ...], *, lines: int, follow: bool
    ) -> AsyncIterator[LogLine]:
        return logs.read(self._runtime.layout, services, lines=lines, follow=follow)

    def execute(self, release: Release, service: str, command: tuple[str, ...]) -> int:
        found = self._set(release, service)
        if not found:
            raise NotFoundError(
                f"{service} has no instance to run a command in", hint="see `deploy status`"
            )
        return subprocess.run(probing.beside(found[0], command), check=False).returncode

    def _set(self, release: Release, service: str) -> list[LaunchFile]:
        if service not in release.services:
            raise NotFoundError(f"release {release.number} has no service {service}")
        return instances.of(self._runtime, service, release.services[service].key)


def _untold(service: Service, plan: build.BuildPlan) -> tuple[str, ...]:
    """A note on mounts that the code cannot find here, for the plan."""
    parts = (service.entrypoint, service.command, plan.entrypoint, plan.command)
    words = [word for part in parts for word in part or ()]
    words += [*service.environment.values(), *plan.environment.values(), plan.run or ""]
    found = mounts.unnamed(service, plan.workdir, words)
    if not found:
        return ()
    return (
        f"{', '.join(found)}: elsewhere on this machine. Code that has the path written out does"
        " not find it; let it read the path from a variable",
    )


def _healthcheck(found: Healthcheck | None) -> Mapping[str, Any] | None:
    """A Dockerfile's HEALTHCHECK in Compose's words; its option names differ by the hyphen."""
    if found is None or not found.command:
        return None
    options = {name.replace("-", "_"): value for name, value in found.options.items()}
    return {"test": ["CMD", *found.command], **options}
