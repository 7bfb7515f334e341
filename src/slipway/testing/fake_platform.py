"""A fake platform in memory: strict about order and idempotence, and failing where it is told.

For the engine's tests and drills. It holds to the same contract suite as the real ones, and
is called a fake wherever it is used. Its world survives a "killed" engine: make a new
Workspace over the same `FakeWorld` and `MemoryStore`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import anyio

from slipway.app.model import App
from slipway.errors import (
    CrashedError,
    InputError,
    JobError,
    NotReadyError,
    PlatformError,
    RefusedError,
)
from slipway.plan.model import Step
from slipway.plan.observed import Instance, Observed
from slipway.plan.release import Artifact, Release
from slipway.plan.rollout.verdict import Counters
from slipway.platforms.protocol import Capabilities, LogLine, Outcome, StepContext
from slipway.support.health.model import Answer, Probe
from slipway.support.store import Store

Hook = Callable[[Step, str], None]
"""Called as (step, moment): `before`, `inside`, `after` or `undo`; raises to fail or kill."""


class FakeWorld:
    """What is "there": plain sets and dicts that tests may look at and change."""

    def __init__(self) -> None:
        self.artifacts: set[str] = set()
        self.volumes: set[str] = set()
        self.backing: dict[str, str] = {}
        self.running: dict[tuple[str, str], int] = {}
        self.ready: set[tuple[str, str]] = set()
        self.weights: dict[str, int] = {}
        self.listens: tuple[int, ...] = ()
        self.proxy = False
        self.jobs: list[tuple[str, str]] = []
        self.unhealthy: set[str] = set()
        self.failing_jobs: set[str] = set()
        self.log: list[str] = []
        self.counters: dict[int, Counters] = {}


class FakePlatform:
    """Implements `platforms.protocol.Platform` over a FakeWorld."""

    name = "fake"

    def __init__(self, world: FakeWorld, store: Store, hook: Hook | None = None) -> None:
        self.world = world
        self._store = store
        self._hook = hook or (lambda _step, _moment: None)
        self.refuse: InputError | None = None
        self.cannot_run: set[str] = set()

    def capabilities(self) -> Capabilities:
        return Capabilities()

    def store(self) -> Store:
        return self._store

    def resolve(self, app: App) -> Mapping[str, Artifact]:
        for name in sorted(self.cannot_run & app.services.keys()):
            raise RefusedError(f"the fake platform cannot run {name}")
        return {
            name: Artifact(
                kind="fake",
                id=f"{name}:{service.environment.get('CODE', '1')}",
                reads=("DEPLOY_VERSION",) if service.environment.get("READS_VERSION") else (),
            )
            for name, service in app.services.items()
            if service.role != "backing"
        }

    async def observe(self) -> Observed:
        world = self.world
        instances = [
            Instance(service=name, key="", index=1, state="ready", fingerprint=fingerprint)
            for name, fingerprint in sorted(world.backing.items())
        ]
        for (name, key), count in sorted(world.running.items()):
            state: Any = "ready" if (name, key) in world.ready else "starting"
            instances += [
                Instance(service=name, key=key, index=i, state=state) for i in range(1, count + 1)
            ]
        return Observed(
            instances=tuple(instances),
            weights=dict(world.weights),
            urls={"web": "http://fake.invalid"} if world.proxy else {},
            volumes=tuple(sorted(world.volumes)),
            artifacts=tuple(sorted(world.artifacts)),
            proxy=world.proxy,
            listens=world.listens,
        )

    def precheck(self, app: App, observed: Observed) -> None:
        del app, observed
        if self.refuse is not None:
            raise self.refuse

    async def apply(self, context: StepContext) -> Outcome:
        step = context.step
        self._hook(step, "before")
        await anyio.sleep(0)
        self.world.log.append(f"apply {step.id}")
        before = self._do(step, context.release, lambda: self._hook(step, "inside"))
        self._hook(step, "after")
        return before

    def _do(self, step: Step, release: Release | None, inside: Callable[[], None]) -> Outcome:
        handler: Callable[..., Outcome] = getattr(self, f"_{step.kind}")
        return handler(step, release, inside)

    def _build(self, step: Step, release: Release | None, inside: Callable[[], None]) -> Outcome:
        inside()
        self.world.artifacts.add(_artifact(step, release))
        return {}

    def _volume(self, step: Step, release: Release | None, inside: Callable[[], None]) -> Outcome:
        del release
        made = step.service not in self.world.volumes
        inside()
        self.world.volumes.add(str(step.service))
        return {"made": made}

    def _backing(self, step: Step, release: Release | None, inside: Callable[[], None]) -> Outcome:
        del release
        name = str(step.service)
        before = self.world.backing.get(name)
        inside()
        self.world.backing[name] = step.args["fingerprint"]
        return {"before": before}

    def _proxy(self, step: Step, release: Release | None, inside: Callable[[], None]) -> Outcome:
        del release
        inside()
        self.world.proxy = True
        self.world.listens = tuple(x["port"] for x in step.args["listens"] if x["port"])
        return {}

    def _start(self, step: Step, release: Release | None, inside: Callable[[], None]) -> Outcome:
        self._need_dependencies(step, release)
        at = (str(step.service), step.args["key"])
        before = self.world.running.get(at, 0)
        if release is not None and _artifact(step, release) not in self.world.artifacts:
            raise PlatformError(f"{step.service} is started before it was built")
        inside()
        self.world.running[at] = step.args["replicas"]
        return {"before": before}

    def _need_dependencies(self, step: Step, release: Release | None) -> None:
        """Strict: what it depends on must be ready by now."""
        assert release is not None
        for dependency in release.services[str(step.service)].service.depends_on:
            other = release.services[dependency.service]
            if other.service.role == "backing" and dependency.service not in self.world.backing:
                raise PlatformError(f"{step.service} is started before {dependency.service}")
            at = (dependency.service, other.key)
            if other.service.role in ("web", "worker") and at not in self.world.ready:
                raise PlatformError(f"{step.service} is started before {at[0]} is ready")

    def _ready(self, step: Step, release: Release | None, inside: Callable[[], None]) -> Outcome:
        del release
        name, key = str(step.service), step.args["key"]
        inside()
        if name in self.world.unhealthy:
            raise NotReadyError(f"{name} never got ready", details=["last answer: 503"])
        if key and (name, key) not in self.world.running:
            raise CrashedError(f"{name} does not run")
        self.world.ready.add((name, key))
        return {}

    def _job(self, step: Step, release: Release | None, inside: Callable[[], None]) -> Outcome:
        del release
        name = str(step.service)
        inside()
        if name in self.world.failing_jobs:
            raise JobError(f"{name} ended with exit code 1")
        self.world.jobs.append((name, step.args["key"]))
        return {}

    def _route(self, step: Step, release: Release | None, inside: Callable[[], None]) -> Outcome:
        assert release is not None
        before = dict(self.world.weights)
        for route in release.routes:
            key = release.services[route.service].key
            if (route.service, key) not in self.world.ready:
                raise PlatformError(f"traffic to {route.service}, which is not ready")
        inside()
        self.world.weights = dict(step.args["weights"])
        return {"before": before}

    def _drain(self, step: Step, release: Release | None, inside: Callable[[], None]) -> Outcome:
        del release
        at = (str(step.service), step.args["key"])
        before = self.world.running.get(at, 0)
        leave = step.args.get("leave", 0)
        inside()
        if leave:
            self.world.running[at] = leave
            return {"before": before}
        self.world.running.pop(at, None)
        self.world.ready.discard(at)
        return {"before": before}

    def _stop(self, step: Step, release: Release | None, inside: Callable[[], None]) -> Outcome:
        del release
        inside()
        return {"before": self.world.backing.pop(str(step.service), None)}

    def _remove(self, step: Step, release: Release | None, inside: Callable[[], None]) -> Outcome:
        del release
        inside()
        self.world.artifacts -= set(step.args["artifacts"])
        return {}

    def _teardown(self, step: Step, release: Release | None, inside: Callable[[], None]) -> Outcome:
        del release
        self.world.running.clear()
        self.world.ready.clear()
        inside()
        self.world.backing.clear()
        self.world.weights = {}
        self.world.proxy = False
        self.world.listens = ()
        self.world.artifacts.clear()
        if step.args.get("volumes"):
            self.world.volumes.clear()
        return {}

    async def undo(self, context: StepContext, outcome: Outcome) -> None:
        step = context.step
        self._hook(step, "undo")
        await anyio.sleep(0)
        self.world.log.append(f"undo {step.id}")
        undoing: Callable[..., None] | None = getattr(self, f"_undo_{step.kind}", None)
        if undoing is not None:
            undoing(step, outcome)

    def _undo_volume(self, step: Step, outcome: Outcome) -> None:
        if outcome.get("made", True):
            self.world.volumes.discard(str(step.service))

    def _undo_backing(self, step: Step, outcome: Outcome) -> None:
        before = outcome.get("before", step.args["before"])
        if not before:
            self.world.backing.pop(str(step.service), None)
        else:
            self.world.backing[str(step.service)] = before

    def _undo_proxy(self, step: Step, outcome: Outcome) -> None:
        del outcome
        before = tuple(step.args["before"])
        self.world.proxy = bool(before)
        self.world.listens = before

    def _undo_start(self, step: Step, outcome: Outcome) -> None:
        at = (str(step.service), step.args["key"])
        before = outcome.get("before", step.args["before"])
        if before:
            self.world.running[at] = before
        else:
            self.world.running.pop(at, None)
            self.world.ready.discard(at)

    def _undo_route(self, step: Step, outcome: Outcome) -> None:
        self.world.weights = dict(outcome.get("before", step.args["before"]))

    def _undo_drain(self, step: Step, outcome: Outcome) -> None:
        at = (str(step.service), step.args["key"])
        before = outcome.get("before", step.args["replicas"])
        if before:
            self.world.running[at] = before
            self.world.ready.add(at)

    async def probe(self, release: Release, service: str, probe: Probe) -> list[Answer]:
        del probe
        key = release.services[service].key
        up = (service, key) in self.world.running or service in self.world.backing
        ok = up and service not in self.world.unhealthy
        return [Answer(ok=ok, saw="200 OK" if ok else "refused")]

    async def counters(self) -> Mapping[int, Counters]:
        return dict(self.world.counters)

    def address(self, release: Release, service: str) -> tuple[str, int] | None:
        del release, service
        return None

    async def logs(
        self, services: tuple[str, ...], *, lines: int, follow: bool
    ) -> AsyncIterator[LogLine]:
        del follow
        for service in services[:lines]:
            yield LogLine(service=service, instance=f"{service}-1", text="hello")

    def execute(self, release: Release, service: str, command: tuple[str, ...]) -> int:
        del release, service, command
        return 0


def _artifact(step: Step, release: Release | None) -> str:
    assert release is not None
    artifact = release.services[str(step.service)].artifact
    assert artifact is not None
    return artifact.id
