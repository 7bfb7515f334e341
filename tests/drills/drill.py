"""What all drills share: scenarios, ways to go on after a kill, and what must hold afterwards."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from slipway.app.model import App, Canary, Rollout, Strategy
from slipway.engine.cleanup import cleanup
from slipway.engine.deploy import RunOptions
from slipway.engine.resume import resume, revert_interrupted
from slipway.engine.rollback import rollback
from slipway.engine.start import start
from slipway.errors import NotFoundError, RefusedError, SlipwayError
from slipway.journal.lease import holder, is_live
from slipway.plan.model import Step
from slipway.plan.rollout.verdict import Counters
from slipway.testing.apps import KilledError, Site, agree, inbox
from slipway.testing.clock import JumpingClock
from slipway.testing.fake_platform import FakeWorld

Survived = Callable[[str, int], None]
"""The `survived` fixture: a drill's name, and how many kills or failures it came through."""

Act = Callable[[Site], Awaitable[object]]
CRITERIA = Canary(steps=(10, 50), bake=2.0, min_requests=20, patience=30.0)


class Traffic(JumpingClock):
    """A clock that lets requests come in to `world` as time goes by; each one succeeds."""

    def __init__(self, world: FakeWorld) -> None:
        super().__init__()
        self.world = world

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        for number, weight in self.world.weights.items():
            before = self.world.counters.get(int(number), Counters()).requests
            total = before + round(10 * seconds * weight)
            self.world.counters[int(number)] = Counters(requests=total, buckets={"0.01": total})


def app_with(strategy: Strategy = "blue-green", *, replicas: int = 1, **code: str) -> App:
    """The inbox app; `code` changes a service's source."""
    app = inbox(**code)
    web = msgspec.structs.replace(app.services["web"], replicas=replicas)
    return msgspec.structs.replace(
        app,
        services={**app.services, "web": web},
        rollout=Rollout(strategy=strategy, canary=CRITERIA),
    )


def new_backing(app: App) -> App:
    """The same with another major version of its database: an interruption."""
    db = msgspec.structs.replace(app.services["db"], image="postgres:17")
    return msgspec.structs.replace(app, services={**app.services, "db": db})


def without_model(app: App) -> App:
    """The same with one service less, and nobody who depends on it."""
    worker = msgspec.structs.replace(
        app.services["worker"],
        depends_on=tuple(d for d in app.services["worker"].depends_on if d.service != "model"),
    )
    services = {n: s for n, s in app.services.items() if n != "model"}
    return msgspec.structs.replace(app, services={**services, "worker": worker})


@dataclass(frozen=True)
class Scenario:
    """`act` is what is killed, on a site that went through `before`.

    `again` is the app that a later deploy wants; `outage`: the strategy stops what serves first.
    """

    name: str
    before: tuple[Act, ...]
    act: Act
    again: App
    outage: bool = False


def deploying(app: App, verb: str = "upgrade") -> Act:
    async def act(site: Site) -> None:
        await site.deploy(app, verb=verb)

    return act


def upgraded(name: str, old: App, new: App, **more: Any) -> Scenario:
    return Scenario(name, (deploying(old, "install"),), deploying(new), new, **more)


async def go_back(site: Site) -> None:
    await rollback(
        site.workspace, to=None, force=False, verify=True, approve=agree, options=RunOptions()
    )


async def clean(site: Site) -> None:
    await cleanup(site.workspace, volumes=False, approve=agree, options=RunOptions())


async def start_again(site: Site) -> None:
    await start(site.workspace, verify=True, approve=agree, options=RunOptions())


async def reboot(site: Site) -> None:
    """Everything that ran is gone; records, volumes and artifacts are on the disk."""
    world = site.world
    world.running.clear()
    world.ready.clear()
    world.backing.clear()
    world.proxy = False
    world.weights = {}
    world.listens = ()


async def go_on(site: Site) -> None:
    await resume(site.workspace, approve=agree, options=RunOptions())


async def take_back(site: Site) -> None:
    await revert_interrupted(site.workspace)


CHANGED = {"web": "2", "migrate": "2", "model": "2"}
ONE = app_with()
TWO = app_with(**CHANGED)


def scenarios() -> Iterator[Scenario]:
    """Every verb and strategy."""
    yield Scenario("install", (), deploying(ONE, "install"), ONE)
    yield upgraded("upgrade blue-green", ONE, TWO)
    yield upgraded("upgrade recreate", ONE, app_with("recreate", **CHANGED), outage=True)
    yield upgraded(
        "upgrade rolling, 3 replicas",
        app_with("rolling", replicas=3),
        app_with("rolling", replicas=3, **CHANGED),
    )
    yield upgraded("upgrade canary", app_with("canary"), app_with("canary", **CHANGED))
    yield upgraded("upgrade to 3 replicas", ONE, app_with(replicas=3))
    yield upgraded("upgrade to 1 replica of 3", app_with(replicas=3), ONE)
    yield upgraded("upgrade with a new database", ONE, new_backing(TWO))
    yield upgraded("upgrade with a service less", ONE, without_model(TWO))
    prepared = (deploying(ONE, "install"), deploying(TWO))
    yield Scenario("rollback", prepared, go_back, TWO)
    yield Scenario("start", (deploying(ONE, "install"), reboot), start_again, ONE)
    yield Scenario("cleanup", (deploying(ONE, "install"),), clean, ONE)


SCENARIOS = {scenario.name: scenario for scenario in scenarios()}


class Copies:
    """Sites that went through a scenario's `before`, made once and copied."""

    def __init__(self, folder: Path, scenario: Scenario) -> None:
        self.scenario = scenario
        self._made = Site(folder)
        anyio.run(self._prepare)

    async def _prepare(self) -> None:
        site = with_traffic(self._made)
        for act in self.scenario.before:
            await act(site)
        site.world.log.clear()
        self._made = site

    def site(self) -> Site:
        """One more, as a fresh process finds it."""
        return with_traffic(self._made.after_kill())


def with_traffic(site: Site, **parts: Any) -> Site:
    """The same site with requests coming in as time goes by, and other `parts`."""
    clock = parts.pop("clock", None) or Traffic(site.world)
    store = parts.pop("store", site.store)
    return Site(site.folder, world=site.world, store=store, clock=clock, **parts)


class Killer:
    """Counts every moment a tool can die at: around and inside each step and its undo, and
    before and after each write of its records. At number `at` it takes a snapshot and kills.

    `kinds` is the part of the moments that counts; `fail` (a step's id, a moment) fails that step.
    """

    def __init__(
        self, at: int, *, fail: tuple[str, str] | None = None, undo_only: bool = False
    ) -> None:
        self.at = at
        self.seen = 0
        self.fail = fail
        self.failed = False
        self.undo_only = undo_only
        self.site: Site | None = None
        self.snapshot: Site | None = None
        self.moment = ""

    def watch(self, site: Site) -> Site:
        """The site, watched: for the process that is to be killed."""
        watched = site.store.copy()
        watched._watch = self._written
        self.site = with_traffic(site, store=watched, hook=self._reached)
        return self.site

    def _reached(self, step: Step, moment: str) -> None:
        if self.fail == (step.id, moment) and not self.failed:
            self.failed = True
            raise SlipwayError("told to fail")
        if not self.undo_only or (self.failed and moment.startswith("und")):
            self._moment(f"{moment} {step.id}")

    def _written(self, key: str, moment: str) -> None:
        if not self.undo_only:
            self._moment(f"{moment} writing {key}")

    def _moment(self, what: str) -> None:
        if self.snapshot is not None:
            raise KilledError
        if self.seen == self.at:
            assert self.site is not None
            self.snapshot = with_traffic(self.site.after_kill())
            self.moment = what
            raise KilledError
        self.seen += 1


def killed(copies: Site, act: Act, killer: Killer) -> Site | None:
    """What is there after `act` was killed; None if it ended before."""

    async def run() -> None:
        await act(killer.watch(copies))

    try:
        anyio.run(run)
    except BaseException as error:
        if not was_killed(error) and not (killer.failed and isinstance(error, SlipwayError)):
            raise
    return killer.snapshot


def was_killed(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(was_killed(e) for e in error.exceptions)
    return isinstance(error, KilledError)


def state(world: FakeWorld) -> dict[str, Any]:
    """What a user could notice of the world."""
    return copy.deepcopy(
        {
            "running": world.running,
            "ready": world.ready,
            "weights": world.weights,
            "backing": world.backing,
            "volumes": world.volumes,
            "proxy": world.proxy,
            "listens": world.listens,
        }
    )


# ---- ways to go on ----------------------------------------------------------------------


async def again(site: Site, scenario: Scenario) -> None:
    """A fresh process deploys what was wanted."""
    await site.deploy(scenario.again)


async def another(site: Site, scenario: Scenario) -> None:
    """A fresh process deploys something else."""
    await site.deploy(app_with(web="9"))


async def resumed(site: Site, scenario: Scenario) -> None:
    """`deploy resume` to the end; where there is nothing to go on with, it says what to do."""
    head = site.workspace.journal.head()
    wanted = head.interrupted.opened.release if head.interrupted else None
    ran = len(site.world.jobs)
    try:
        await go_on(site)
    except NotFoundError:
        await take_back(site)
        return
    if wanted is not None:
        assert site.workspace.journal.head().current == wanted
    assert len(site.world.jobs) - ran <= 1


async def reverted(site: Site, scenario: Scenario) -> None:
    """`deploy resume --revert`."""
    await take_back(site)


async def cleaned(site: Site, scenario: Scenario) -> None:
    """`deploy cleanup`: all that the run left goes with the rest."""
    await clean(site)
    assert site.workspace.journal.head().current is None


THEN = {
    "again": again,
    "another": another,
    "resume": resumed,
    "revert": reverted,
    "cleanup": cleaned,
}
IN_TURN = "each way in turn"
WAYS = [IN_TURN, *(pytest.param(name, marks=pytest.mark.thorough) for name in THEN)]

QUICK = [
    pytest.param(True, id="some"),
    pytest.param(False, id="all", marks=pytest.mark.thorough),
]


def way(then: str, number: int) -> str:
    """How to go on after kill number `number`."""
    return list(THEN)[number % len(THEN)] if then == IN_TURN else then


# ---- what must hold ---------------------------------------------------------------------


def serving_while_dead(site: Site) -> None:
    """Between the kill and the next command, traffic goes only to what runs and is ready."""
    world = site.world
    if not world.proxy:
        return
    for number in world.weights:
        for at in world.routed[number]:
            assert at in world.ready, f"traffic to {at}, which is not ready"
            assert world.running[at] > 0


def consistent(site: Site) -> None:
    """The site serves exactly the current release, and nothing else is there."""
    world, journal = site.world, site.workspace.journal
    head = journal.head()
    assert head.interrupted is None
    lease = holder(site.store)
    assert lease is None or not is_live(
        lease, now=site.workspace.clock.now(), host=lease.owner.host
    )
    assert all(run.closed is not None for run in journal.runs())
    if head.current is None:
        empty = {**state(FakeWorld()), "volumes": world.volumes}
        assert state(world) == empty
        return
    release = site.workspace.releases.get(head.current)
    entries = release.services
    wanted = {
        (name, entry.key): entry.service.replicas
        for name, entry in entries.items()
        if entry.service.role in ("web", "worker")
    }
    assert world.running == wanted
    assert world.ready == set(wanted)
    assert world.backing == {
        n: e.fingerprint for n, e in entries.items() if e.service.role == "backing"
    }
    assert world.weights == {str(head.current): 100}
    assert world.routed[str(head.current)] == tuple(
        sorted({(r.service, entries[r.service].key) for r in release.routes})
    )
    assert (world.proxy, world.listens) == (True, (8000,))
    assert world.volumes == {"data"}
    assert {e.artifact.id for e in entries.values() if e.artifact} <= world.artifacts


def true_history(site: Site, marked: Collection[int] = ()) -> None:
    """Every run is closed as what it came to; what is verified was verified, in a run that held,
    or is of those that `deploy verify` `marked`.
    """
    journal = site.workspace.journal
    passed: set[int] = set()
    for run in journal.runs():
        closed, plan = run.closed, journal.plan_of(run.opened.run)
        assert closed is not None
        assert plan is not None
        kinds = {step.id: step.kind for step in plan.steps}
        done = {kinds[r.step] for r in journal.steps_of(run.opened.run) if r.phase == "done"}
        succeeded = closed.outcome == "succeeded"
        if "activate" in kinds.values():
            assert succeeded == ("activate" in done)
        expected = run.opened.release if succeeded else run.opened.base
        assert closed.current == expected
        if succeeded and "verify" in done and closed.current is not None:
            passed.add(closed.current)
    assert set(journal.head().verified) == passed | set(marked)


def nothing_to_do(site: Site) -> None:
    """The next `deploy start` finds all in order: what is recorded is what is there."""
    if site.workspace.journal.head().current is None:
        return
    before = state(site.world)
    anyio.run(_nothing_to_do, site)
    assert state(site.world) == before


async def _nothing_to_do(site: Site) -> None:
    try:
        result = await start(site.workspace, verify=True, approve=agree, options=RunOptions())
    except RefusedError:
        return
    assert not result.changed


def mended(site: Site, scenario: Scenario, then: str, before: dict[str, Any]) -> None:
    """Go on after a kill, and look at what came of it. `before` is the state before all."""
    interrupted = site.workspace.journal.head().interrupted is not None
    found = state(site.world)

    async def go() -> None:
        await THEN[then](site, scenario)

    anyio.run(go)
    if not interrupted and then in ("resume", "revert"):
        assert state(site.world) == found
        return
    if not site.workspace.journal.runs():
        assert state(site.world) == found == before
        return
    last = site.workspace.journal.runs()[-1].closed
    assert last is not None
    true_history(site)
    if then == "revert" and last.outcome != "succeeded":
        assert state(site.world) == before
        return
    consistent(site)
    nothing_to_do(site)
    if not scenario.outage:
        assert site.world.dropped == []
