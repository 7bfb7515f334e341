"""Drift is seen and said, and `deploy reconcile` repairs exactly that, without an outage."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from slipway.app.model import App
from slipway.cli.deploying import question_needed
from slipway.cli.render.plan import plan_lines
from slipway.cli.render.status import status_lines
from slipway.engine.deploy import Result, RunOptions
from slipway.engine.reconcile import reconcile
from slipway.engine.resume import resume
from slipway.errors import NotReadyError, RefusedError
from slipway.plan.observed import Deviation
from slipway.status.build import read_status
from slipway.testing.apps import Site, agree, inbox, kill_at
from slipway.testing.fake_platform import FakeWorld

pytestmark = pytest.mark.anyio
Break = Callable[[FakeWorld], None]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def two_webs(app: App) -> App:
    web = msgspec.structs.replace(app.services["web"], replicas=2)
    return msgspec.structs.replace(app, services={**app.services, "web": web})


@pytest.fixture
async def site(tmp_path: Path) -> Site:
    """v1 of inbox, installed."""
    made = Site(tmp_path)
    await made.deploy(two_webs(inbox()), label="v1", verb="install")
    made.world.log.clear()
    return made


def key_of(site: Site, service: str) -> str:
    return site.workspace.releases.get(1).services[service].key


async def mend(site: Site, *, dry_run: bool = False) -> Result:
    return await reconcile(
        site.workspace, verify=True, approve=agree, options=RunOptions(dry_run=dry_run)
    )


async def drifted(site: Site) -> list[str]:
    """What status says, as `SUBJECT: WHAT`."""
    status = await read_status(site.workspace)
    lines = status_lines(status, now=0.0)
    assert max(map(len, lines)) <= 100
    return [f"{d.subject}: {d.what}" for d in status.drift]


def state(world: FakeWorld) -> tuple[object, ...]:
    """All that a repair is to bring back."""
    return (
        dict(world.running), set(world.ready), dict(world.backing), dict(world.weights),
        world.proxy, world.listens, set(world.volumes), set(world.deviations),
    )  # fmt: skip


async def test_without_drift_there_is_nothing_to_do(site: Site) -> None:
    assert await drifted(site) == []
    result = await mend(site)
    assert (result.changed, result.plan.steps, site.world.log) == (False, (), [])
    assert "Nothing to do: what is there is what the release says." in plan_lines(result.plan)
    assert len(site.workspace.journal.runs()) == 1


def without(service: str) -> Break:
    def change(world: FakeWorld) -> None:
        world.running = {at: n for at, n in world.running.items() if at[0] != service}
        world.ready = {at for at in world.ready if at[0] != service}

    return change


def count_of(service: str, count: int) -> Break:
    def change(world: FakeWorld) -> None:
        at = next(at for at in world.running if at[0] == service)
        world.running[at] = count

    return change


def deviation(kind: str, subject: str, what: str) -> Break:
    def change(world: FakeWorld) -> None:
        key = next((at[1] for at in world.running if at[0] == subject), "")
        world.deviations.add(
            Deviation(kind=kind, subject=subject, what=what, key=key, index=1)  # type: ignore[arg-type]
        )

    return change


def setting(**values: object) -> Break:
    def change(world: FakeWorld) -> None:
        for name, value in values.items():
            setattr(world, name, value)

    return change


def an_old_set(world: FakeWorld) -> None:
    world.running["web", "of-another-release"] = 1


def another_database(world: FakeWorld) -> None:
    world.backing["search"] = "x"


DRIFTS: dict[str, tuple[Break, str]] = {
    "a service is gone": (without("worker"), "worker: does not run"),
    "all of web is gone": (without("web"), "web: 0 of 2 instances run"),
    "one of two is gone": (count_of("web", 1), "web: 1 of 2 instances run"),
    "one too many": (count_of("web", 3), "web: 3 instances run, 2 wanted"),
    "the database is gone": (setting(backing={}), "db: does not run"),
    "another database": (
        setting(backing={"db": "x"}), "db: runs with another configuration than release 1 has"),
    "a database of nobody": (another_database, "search: runs, and release 1 has no such service"),
    "an old set": (an_old_set, "web: a set of it that is not of release 1 still runs"),
    "the volume is gone": (setting(volumes=set()), "volume data: is gone, with its data"),
    "the proxy is gone": (setting(proxy=False, weights={}), "proxy: does not run"),
    "another port": (setting(listens=(9999,)), "proxy: does not listen on port 8000"),
    "other weights": (
        setting(weights={"1": 60, "7": 40}),
        "traffic: release 1 has 60%, release 7 has 40%; release 1 is to have all"),
    "edited routes": (deviation("route", "proxy", "routes changed"), "proxy: routes changed"),
    "an edited proxy": (deviation("proxy", "proxy", "ports changed"), "proxy: ports changed"),
    "an edited web": (deviation("instance", "web", "X changed"), "web: X changed"),
    "an edited worker": (deviation("instance", "worker", "X changed"), "worker: X changed"),
    "an edited database": (deviation("instance", "db", "X changed"), "db: X changed"),
}  # fmt: skip


@pytest.mark.parametrize("name", DRIFTS)
async def test_each_drift_is_said_planned_and_repaired(site: Site, name: str) -> None:
    before = state(site.world)
    change, said = DRIFTS[name]
    change(site.world)
    assert await drifted(site) == [said]

    planned = await mend(site, dry_run=True)
    changed = [c for c in planned.plan.changes if c.action != "keep"]
    assert [f"{c.subject}: {c.summary}" for c in changed] == [said]
    assert site.world.log == []

    result = await mend(site)
    assert result.changed
    assert [s.id for s in result.plan.steps] == [s.id for s in planned.plan.steps]
    assert state(site.world) == before
    assert await drifted(site) == []
    assert not (await mend(site)).changed
    head = site.workspace.journal.head()
    assert (head.current, site.workspace.releases.numbers()) == (1, (1,))


async def test_everything_at_once(site: Site) -> None:
    before = state(site.world)
    for change, _ in list(DRIFTS.values())[::-1]:
        change(site.world)
    assert len(await drifted(site)) >= 8
    await mend(site)
    assert state(site.world) == before


@pytest.mark.parametrize("replicas", [1, 2])
async def test_an_edited_web_is_restarted_while_another_has_its_requests(
    tmp_path: Path, replicas: int
) -> None:
    site = Site(tmp_path)
    await site.deploy(inbox() if replicas == 1 else two_webs(inbox()), label="v1")
    for index in range(1, replicas + 1):
        site.world.deviations.add(
            Deviation(
                kind="instance", subject="web", what="X", key=key_of(site, "web"), index=index
            )
        )
    result = await mend(site)
    assert site.world.dropped == []
    assert not any(step.interrupts for step in result.plan.steps)
    assert not site.world.deviations


async def test_a_restarted_database_is_an_interruption_that_is_asked_about(site: Site) -> None:
    DRIFTS["an edited database"][0](site.world)
    plan = (await mend(site, dry_run=True)).plan
    assert [c.action for c in plan.changes if c.subject == "db"] == ["interrupt"]
    assert question_needed(plan, protected=False)


async def test_only_what_drifted_is_touched(site: Site) -> None:
    without("worker")(site.world)
    await mend(site)
    started = [line for line in site.world.log if "start" in line or "backing" in line]
    assert started == ["apply start:worker"]
    assert not any("route" in line for line in site.world.log)


async def test_a_repair_that_fails_keeps_what_it_repaired(site: Site) -> None:
    before = state(site.world)
    setting(proxy=False, weights={})(site.world)
    without("model")(site.world)
    without("worker")(site.world)
    site.world.unhealthy.add("worker")
    with pytest.raises(NotReadyError, match="worker never got ready"):
        await mend(site)
    head = site.workspace.journal.head()
    assert (head.interrupted, head.current) == (None, 1)
    assert not any(line.startswith("undo") for line in site.world.log)
    site.world.unhealthy.clear()
    await mend(site)
    assert state(site.world) == before


async def test_killed_anywhere_it_takes_nothing_back_and_the_next_one_finishes(
    site: Site,
) -> None:
    before = state(site.world)
    for name in ("an edited web", "a service is gone", "the proxy is gone", "an old set"):
        DRIFTS[name][0](site.world)
    for number in range(200):
        start = site.after_kill()
        killed = start.after_kill(hook=kill_at(number, lambda: None))
        with contextlib.suppress(BaseExceptionGroup):
            await mend(killed)
        if killed.workspace.journal.head().interrupted is None and number > 2:
            break
        after = killed.after_kill()
        assert await drifted(after) == []  # it waits for `resume`, or the next command
        if number % 2:
            await mend(after)
        else:
            await resume(after.workspace, approve=agree, options=RunOptions())
        assert state(after.world) == before, f"killed at call {number}"
        assert await drifted(after) == []
    assert number > 20


async def test_drift_is_not_said_while_a_run_is_open(site: Site) -> None:
    killed = Site(site.folder, world=site.world, store=site.store, hook=kill_at(3, lambda: None))
    with pytest.raises(BaseExceptionGroup, match="unhandled"):
        await killed.deploy(two_webs(inbox(web="2")), label="v2")
    assert await drifted(killed.after_kill()) == []


async def test_nothing_is_installed(tmp_path: Path) -> None:
    site = Site(tmp_path)
    assert await drifted(site) == []
    with pytest.raises(RefusedError, match="nothing is installed"):
        await mend(site)
