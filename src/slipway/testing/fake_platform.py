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
from slipway.plan.observed import Deviation, Instance, Observed
from slipway.plan.release import Artifact, Release
from slipway.plan.rollout.verdict import Counters
from slipway.platforms.protocol import Capabilities, LogLine, Outcome, StepContext
from slipway.support.health.model import Answer, Probe
from slipway.support.store import Store

Hook = Callable[[Step, str], None]
"""Called as (step, moment): `before`, `inside`, `after`, `undo`, `undoing` (half undone) or
`undone`; raises to fail or kill."""


class FakeWorld:
    """What is "there": plain sets and dicts that tests may look at and change.

    `routed` is what the proxy knows of each release that ever had a route; `dropped` says when
    something was stopped, or not ready any more, while it had traffic. `migrated` are jobs
    whose work is in the volumes, and lost with them.
    """

    def __init__(self) -> None:
        self.artifacts: set[str] = set()
        self.volumes: set[str] = set()
        self.backing: dict[str, str] = {}
        self.running: dict[tuple[str, str], int] = {}
        self.ready: set[tuple[str, str]] = set()
        self.weights: dict[str, int] = {}
        self.routed: dict[str, tuple[tuple[str, str], ...]] = {}
        self.dropped: list[str] = []
        self.listens: tuple[int, ...] = ()
        self.proxy = False
        self.jobs: list[tuple[str, str]] = []
        self.migrated: set[tuple[str, str]] = set()
        self.unhealthy: set[str] = set()
        self.failing_jobs: set[str] = set()
        self.log: list[str] = []
        self.counters: dict[int, Counters] = {}
        self.deviations: set[Deviation] = set()

    def has_traffic(self, at: tuple[str, str]) -> bool:
        """True if some of the traffic goes to this running set."""
        return any(w > 0 and at in self.routed.get(n, ()) for n, w in self.weights.items())

    def mend(self, kind: str, subject: str) -> None:
        """Nobody's hand shows in this any more."""
        found = {d for d in self.deviations if (d.kind, d.subject) == (kind, subject)}
        self.deviations -= found

    def restart(self, at: tuple[str, str], step: Step, before: int) -> None:
        """Start instances anew, as they were made; with traffic and no other one it is a drop.
        What is over `before` was just started.
        """
        again = set(step.args.get("restart", ()))
        if again and len(again) >= self.running[at] and self.has_traffic(at):
            self.dropped.append(f"{step.id} restarted all of {at[0]}, which had traffic")
        self.deviations = {
            d
            for d in self.deviations
            if (d.subject, d.key) != at or (d.index not in again and d.index <= before)
        }

    def take(self, at: tuple[str, str], why: str, left: int = 0) -> None:
        """Stop instances of a set until `left` are left; with traffic that is a drop."""
        if not left:
            if self.has_traffic(at) and self.running.get(at):
                self.dropped.append(f"{why} stopped {at[0]}, which had traffic")
            self.ready.discard(at)
            self.running.pop(at, None)
        else:
            self.running[at] = left


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
            deviations=tuple(sorted(world.deviations, key=lambda d: (d.kind, d.subject, d.index))),
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
        self.world.mend("instance", name)
        return {"before": before}

    def _proxy(self, step: Step, release: Release | None, inside: Callable[[], None]) -> Outcome:
        del release
        inside()
        self.world.proxy = True
        self.world.listens = tuple(x["port"] for x in step.args["listens"] if x["port"])
        self.world.mend("proxy", "proxy")
        return {}

    def _start(self, step: Step, release: Release | None, inside: Callable[[], None]) -> Outcome:
        self._need_dependencies(step, release)
        at = (str(step.service), step.args["key"])
        before = self.world.running.get(at, 0)
        if release is not None and _artifact(step, release) not in self.world.artifacts:
            raise PlatformError(f"{step.service} is started before it was built")
        wanted = step.args["replicas"]
        if wanted < before:
            raise PlatformError(f"{step.service} is started with fewer than run: drain them")
        self.world.running[at] = before + (wanted - before + 1) // 2
        inside()
        self.world.running[at] = wanted
        self.world.restart(at, step, before)
        return {"before": before}

    def _need_dependencies(self, step: Step, release: Release | None) -> None:
        """Strict: what it depends on must be ready by now."""
        assert release is not None
        for dependency in release.services[str(step.service)].service.depends_on:
            other = release.services[dependency.service]
            if other.service.role == "backing" and dependency.service not in self.world.backing:
                raise PlatformError(f"{step.service} is started before {dependency.service}")
            at = (dependency.service, other.key)
            if other.service.role == "job" and at not in self.world.migrated:
                raise PlatformError(f"{step.service} is started before {at[0]} ran")
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
        if not key and name not in self.world.backing:
            raise CrashedError(f"{name} does not run")
        if key:
            self.world.ready.add((name, key))
        return {}

    def _job(self, step: Step, release: Release | None, inside: Callable[[], None]) -> Outcome:
        del release
        name = str(step.service)
        inside()
        if name in self.world.failing_jobs:
            raise JobError(f"{name} ended with exit code 1")
        self.world.jobs.append((name, step.args["key"]))
        self.world.migrated.add((name, step.args["key"]))
        return {}

    def _route(self, step: Step, release: Release | None, inside: Callable[[], None]) -> Outcome:
        assert release is not None
        world = self.world
        before = dict(world.weights)
        sets = {(r.service, release.services[r.service].key) for r in release.routes}
        for service, _ in sorted(sets - world.ready):
            raise PlatformError(f"traffic to {service}, which is not ready")
        if not world.proxy:
            raise PlatformError("traffic without a proxy")
        world.routed[str(release.number)] = tuple(sorted(sets))
        self._shift(step.args["weights"], inside)
        world.mend("route", "proxy")
        return {"before": before}

    def _shift(self, weights: Mapping[str, int], inside: Callable[[], None]) -> None:
        """First what grows, then what shrinks, as real proxies are told."""
        world = self.world
        unknown = [n for n, weight in weights.items() if weight and n not in world.routed]
        if unknown:
            raise PlatformError(f"the proxy knows no routes of release {unknown[0]}")
        there = world.weights
        world.weights = {
            n: max(weights.get(n, 0), there.get(n, 0)) for n in sorted({*weights, *there})
        }
        inside()
        world.weights = dict(weights)

    def _drain(self, step: Step, release: Release | None, inside: Callable[[], None]) -> Outcome:
        del release
        at = (str(step.service), step.args["key"])
        before = self.world.running.get(at, 0)
        leave = step.args.get("leave", 0)
        if before <= leave:
            return {"before": before}
        half = leave + (before - leave) // 2
        self.world.take(at, step.id, half)
        inside()
        self.world.take(at, step.id, leave)
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
        self.world.routed.clear()
        self.world.proxy = False
        self.world.listens = ()
        self.world.artifacts.clear()
        if step.args.get("volumes"):
            self.world.volumes.clear()
            self.world.migrated.clear()
        return {}

    async def undo(self, context: StepContext, outcome: Outcome) -> None:
        step = context.step
        self._hook(step, "undo")
        await anyio.sleep(0)
        self.world.log.append(f"undo {step.id}")
        undoing: Callable[..., None] | None = getattr(self, f"_undo_{step.kind}", None)
        if undoing is not None:
            undoing(context, outcome, lambda: self._hook(step, "undoing"))
        self._hook(step, "undone")

    def _undo_volume(
        self, context: StepContext, outcome: Outcome, inside: Callable[[], None]
    ) -> None:
        inside()
        if outcome.get("made", True):
            self.world.volumes.discard(str(context.step.service))
            self.world.migrated.clear()

    def _undo_backing(
        self, context: StepContext, outcome: Outcome, inside: Callable[[], None]
    ) -> None:
        name = str(context.step.service)
        before = outcome.get("before", context.step.args["before"])
        self.world.backing.pop(name, None)
        inside()
        if before:
            self.world.backing[name] = before

    def _undo_proxy(
        self, context: StepContext, outcome: Outcome, inside: Callable[[], None]
    ) -> None:
        del outcome
        before = tuple(context.step.args["before"])
        inside()
        self.world.proxy = bool(before)
        self.world.listens = before

    def _undo_start(
        self, context: StepContext, outcome: Outcome, inside: Callable[[], None]
    ) -> None:
        step = context.step
        at = (str(step.service), step.args["key"])
        before = outcome.get("before", step.args["before"])
        there = self.world.running.get(at, 0)
        if there > before:
            self.world.take(at, f"undo {step.id}", before + (there - before) // 2)
            inside()
            self.world.take(at, f"undo {step.id}", before)

    def _undo_route(
        self, context: StepContext, outcome: Outcome, inside: Callable[[], None]
    ) -> None:
        self._shift(outcome.get("before", context.step.args["before"]), inside)

    def _undo_drain(
        self, context: StepContext, outcome: Outcome, inside: Callable[[], None]
    ) -> None:
        """Only of the release that was current before: how anything else runs is not known."""
        step = context.step
        at = (str(step.service), step.args["key"])
        entry = context.base.services.get(at[0]) if context.base is not None else None
        if entry is None or entry.key != at[1]:
            return
        before = outcome.get("before", step.args["replicas"])
        there = self.world.running.get(at, 0)
        if before and (before > there or at not in self.world.ready):
            self.world.running[at] = there + (max(0, before - there) + 1) // 2
            inside()
            self.world.running[at] = max(before, there)
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
