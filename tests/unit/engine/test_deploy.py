"""The verbs on the fake platform: what runs afterwards, and what history says."""

from __future__ import annotations

from pathlib import Path

import anyio
import msgspec
import pytest

from slipway.app.model import App, PlatformOverride, Rollout, Route, SecretNeed, Service
from slipway.engine.cleanup import cleanup
from slipway.engine.deploy import Result, RunOptions
from slipway.engine.rollback import rollback
from slipway.engine.start import start
from slipway.engine.verify import verify
from slipway.errors import (
    DriftError,
    JobError,
    LeaseHeldError,
    NotFoundError,
    NotReadyError,
    RefusedError,
    RevertError,
    SlipwayError,
    StorageError,
    UnhealthyError,
    UsageError,
)
from slipway.journal.lease import Lease
from slipway.plan.model import Plan
from slipway.support.health.model import Answer
from slipway.support.telemetry.events import RunEnded
from slipway.testing.apps import Site, agree, inbox
from slipway.testing.fake_platform import FakeWorld
from slipway.testing.memory_store import MemoryStore

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def current(site: Site) -> int | None:
    return site.workspace.journal.head().current


async def back(site: Site, to: str | None = None, *, force: bool = False) -> Result:
    return await rollback(
        site.workspace, to=to, force=force, verify=True, approve=agree,
        options=RunOptions(),
    )  # fmt: skip


def running(world: FakeWorld) -> set[str]:
    return {name for name, _ in world.running} | set(world.backing)


async def test_install_starts_everything_in_order_and_gives_it_the_traffic(site: Site) -> None:
    await site.deploy(inbox(), verb="install")
    assert running(site.world) == {"db", "model", "worker", "web"}
    assert [name for name, _ in site.world.jobs] == ["migrate"]
    assert site.world.weights == {"1": 100}
    head = site.workspace.journal.head()
    assert (head.current, head.verified) == (1, (1,))


async def test_what_the_platform_skips_need_not_be_something_that_it_can_run(site: Site) -> None:
    app = inbox()
    skip = {"fake": PlatformOverride(skip=True)}
    search = Service(name="search", role="web", image="search:1", overrides=skip)
    routes = (*app.routes, Route(service="search", port=7700, listen=7700))
    site.platform.cannot_run.add("search")
    await site.deploy(
        msgspec.structs.replace(app, services={**app.services, "search": search}, routes=routes)
    )
    assert running(site.world) == {"db", "model", "worker", "web"}
    assert site.workspace.releases.get(1).routes == app.routes


async def test_install_again_changes_nothing_and_says_so(site: Site) -> None:
    await site.deploy(inbox())
    before = list(site.world.log)
    result = await site.deploy(inbox())
    assert not result.changed
    assert result.plan.steps == ()
    assert all(check.ok for check in result.checks)
    assert site.world.log == before
    assert site.workspace.releases.numbers() == (1,)


async def test_nothing_changed_but_unhealthy_is_exit_3(site: Site) -> None:
    await site.deploy(inbox())
    site.world.unhealthy.add("web")
    with pytest.raises(UnhealthyError, match="web ready: refused"):
        await site.deploy(inbox())


async def test_upgrading_web_restarts_nothing_else(site: Site) -> None:
    await site.deploy(inbox())
    before = set(site.world.running)
    result = await site.deploy(inbox(web="2"), label="v2")
    after = set(site.world.running)
    assert {name for name, _ in before - after} == {"web"}
    assert {name for name, _ in after - before} == {"web"}
    assert len(site.world.jobs) == 1
    assert site.world.weights == {"2": 100}
    kept = {c.subject for c in result.plan.changes if c.action == "keep"}
    assert kept == {"db", "migrate", "model", "worker"}


async def test_a_changed_migration_runs_once_before_traffic(site: Site) -> None:
    await site.deploy(inbox())
    site.world.log.clear()
    await site.deploy(inbox(migrate="2"))
    assert [name for name, _ in site.world.jobs] == ["migrate", "migrate"]
    assert site.world.log.index("apply job:migrate") < site.world.log.index("apply route")


async def test_a_failed_upgrade_puts_everything_back(site: Site) -> None:
    await site.deploy(inbox())
    before = (dict(site.world.running), dict(site.world.weights), dict(site.world.backing))
    site.world.unhealthy.add("web")
    with pytest.raises(NotReadyError, match="web never got ready"):
        await site.deploy(inbox(web="2"))
    assert (site.world.running, site.world.weights, site.world.backing) == before
    run = site.workspace.journal.runs()[-1]
    assert run.closed is not None
    assert (run.closed.outcome, run.closed.current) == ("reverted", 1)
    assert run.closed.reason == "web never got ready"


async def test_a_failed_first_install_leaves_nothing(site: Site) -> None:
    site.world.failing_jobs.add("migrate")
    with pytest.raises(JobError):
        await site.deploy(inbox())
    assert running(site.world) == set()
    assert (site.world.weights, site.world.proxy, site.world.volumes) == ({}, False, set())
    assert current(site) is None


async def test_no_rollback_leaves_the_failed_revision_for_a_look(site: Site) -> None:
    site.world.unhealthy.add("web")
    with pytest.raises(NotReadyError):
        await site.deploy(inbox(), revert=False)
    assert "web" in running(site.world)
    site.world.unhealthy.clear()
    await site.deploy(inbox())
    assert site.world.weights == {str(current(site)): 100}


async def test_an_undo_that_fails_is_exit_5_and_stays_open(tmp_path: Path) -> None:
    site = Site(tmp_path)
    await site.deploy(inbox())

    def hook(step: object, moment: str) -> None:
        if moment == "undo" and getattr(step, "kind", "") == "start":
            raise StorageError("disk full")

    broken = Site(tmp_path, world=site.world, store=site.store, hook=hook)
    broken.world.unhealthy.add("web")
    with pytest.raises(SlipwayError) as caught:
        await broken.deploy(inbox(web="2"))
    assert caught.value.exit_code == 5
    assert "disk full" in caught.value.details[0]
    healed = Site(tmp_path, world=site.world, store=site.store)
    healed.world.unhealthy.clear()
    await healed.deploy(inbox(web="3"))
    assert {name for name, _ in healed.world.running} == {"model", "worker", "web"}
    assert len(healed.world.running) == 3


async def test_traffic_that_cannot_be_moved_back_keeps_its_revision(tmp_path: Path) -> None:
    site = Site(tmp_path)
    await site.deploy(inbox())

    def hook(step: object, moment: str) -> None:
        kind = getattr(step, "kind", "")
        if (kind, moment) == ("drain", "before"):
            raise AssertionError("activated though it was not verified")
        if (kind, moment) == ("route", "undo"):
            raise StorageError("disk full")

    broken = Site(tmp_path, world=site.world, store=site.store, hook=hook)
    broken.workspace.platform.probe = never_healthy  # type: ignore[method-assign]
    with pytest.raises(RevertError) as caught:
        await broken.deploy(inbox(web="2"))
    assert caught.value.exit_code == 5
    assert "nothing more was stopped" in caught.value.details[-1]
    assert site.world.weights == {"2": 100}
    assert len([name for name, _ in site.world.running if name == "web"]) == 2


async def never_healthy(*given: object) -> list[Answer]:
    return [Answer(ok=False, saw="503")]


async def test_a_journal_that_cannot_be_written_keeps_nothing_from_being_undone(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    await site.deploy(inbox())
    before = dict(site.world.running)

    class Full(MemoryStore):
        full = False

        def append(self, key: str, line: bytes) -> None:
            if self.full:
                raise StorageError("disk full")
            super().append(key, line)

    store = Full()
    for key in site.store.keys():
        store.write(key, site.store.read(key) or b"")

    def hook(step: object, moment: str) -> None:
        store.full = store.full or (getattr(step, "kind", ""), moment) == ("ready", "after")

    broken = Site(tmp_path, world=site.world, store=store, hook=hook)
    with pytest.raises(RevertError) as caught:
        await broken.deploy(inbox(web="2"))
    assert caught.value.details == ("the journal: disk full",)
    assert site.world.running == before
    store.full = False
    healed = Site(tmp_path, world=site.world, store=store)
    await healed.deploy(inbox(web="3"))
    assert site.world.weights == {str(current(healed)): 100}


async def test_a_cleanup_that_fails_stays_open_and_is_finished(tmp_path: Path) -> None:
    site = Site(tmp_path)
    await site.deploy(inbox())

    def hook(step: object, moment: str) -> None:
        if moment == "inside":
            raise StorageError("a folder could not be removed")

    async def clean(at: Site) -> Result:
        return await cleanup(at.workspace, volumes=False, approve=agree, options=RunOptions())

    broken = Site(tmp_path, world=site.world, store=site.store, hook=hook)
    with pytest.raises(RevertError, match="not everything is taken away yet"):
        await clean(broken)
    assert current(broken) == 1
    assert running(site.world) == {"db"}
    await clean(Site(tmp_path, world=site.world, store=site.store))
    assert running(site.world) == set()
    assert current(site) is None


async def test_rollback_goes_to_the_last_verified_release(site: Site) -> None:
    await site.deploy(inbox(), label="v1")
    await site.deploy(inbox(web="2"), label="v2")
    site.world.unhealthy.add("web")
    with pytest.raises(NotReadyError):
        await site.deploy(inbox(web="3"), label="v3")
    site.world.unhealthy.clear()
    await site.deploy(inbox(web="4"), label="v4")
    result = await back(site)
    assert result.plan.release is not None
    assert result.plan.release.label == "v2"
    assert site.world.weights == {"2": 100}
    assert len(site.world.jobs) == 1


async def test_failed_upgrades_do_not_push_out_what_one_can_go_back_to(site: Site) -> None:
    await site.deploy(inbox(), label="v1")
    await site.deploy(inbox(web="2"), label="v2")
    site.world.unhealthy.add("web")
    for number in range(3, 9):
        with pytest.raises(NotReadyError):
            await site.deploy(inbox(web=str(number)))
    site.world.unhealthy.clear()
    await site.deploy(inbox(web="9"), label="v9")
    assert {a for a in site.world.artifacts if a.startswith("web")} == {"web:1", "web:2", "web:9"}
    await back(site, "v1")
    assert site.world.weights == {"1": 100}


async def test_rollback_does_not_lead_to_a_release_that_somebody_left(site: Site) -> None:
    await site.deploy(inbox(), label="v1")
    await site.deploy(inbox(web="2"), label="v2")
    await site.deploy(inbox(web="3"), label="v3")
    await back(site)
    assert current(site) == 2
    await site.deploy(inbox(web="4"), label="v4")
    await back(site)
    assert current(site) == 2
    await back(site)
    assert current(site) == 1


async def test_rollback_to_a_label_or_number(site: Site) -> None:
    await site.deploy(inbox(), label="v1")
    await site.deploy(inbox(web="2"), label="v2")
    await site.deploy(inbox(web="3"), label="v3")
    await back(site, "v1")
    assert current(site) == 1
    await back(site, "3")
    assert current(site) == 3


async def test_rollback_refuses_what_is_not_there_or_not_verified(site: Site) -> None:
    with pytest.raises(RefusedError, match="nothing is installed"):
        await back(site)
    await site.deploy(inbox(), label="v1")
    with pytest.raises(RefusedError, match="no verified release before"):
        await back(site)
    with pytest.raises(NotFoundError, match="release v9 does not exist") as caught:
        await back(site, "v9")
    assert caught.value.details == ("1  v1",)
    site.world.unhealthy.add("web")
    with pytest.raises(NotReadyError):
        await site.deploy(inbox(web="2"), label="v2")
    site.world.unhealthy.clear()
    with pytest.raises(RefusedError, match="never verified"):
        await back(site, "v2")
    await back(site, "v2", force=True)
    assert current(site) == 2


async def test_releases_beyond_what_is_kept_lose_their_artifacts(site: Site) -> None:
    for number in range(1, 8):
        await site.deploy(inbox(web=str(number)), label=f"v{number}")
    webs = {a for a in site.world.artifacts if a.startswith("web:")}
    assert webs == {"web:4", "web:5", "web:6", "web:7"}
    with pytest.raises(NotFoundError, match="no longer kept"):
        await back(site, "v1")


async def test_a_label_names_one_release_for_ever(site: Site) -> None:
    await site.deploy(inbox(), label="v1")
    with pytest.raises(UsageError, match="v1 already names release 1"):
        await site.deploy(inbox(web="2"), label="v1")
    assert site.workspace.releases.numbers() == (1,)


async def test_a_label_whose_release_never_served_may_be_tried_again(site: Site) -> None:
    await site.deploy(inbox(), label="v1")
    site.world.unhealthy.add("web")
    with pytest.raises(NotReadyError):
        await site.deploy(inbox(web="broken"), label="v2")
    site.world.unhealthy.clear()
    result = await site.deploy(inbox(web="mended"), label="v2")
    assert result.plan.release is not None
    assert (result.plan.release.number, result.plan.release.label) == (3, "v2")
    assert "web:mended" in site.world.artifacts
    await site.deploy(inbox(web="4"), label="v4")
    await back(site, "v2")
    assert current(site) == 3


async def test_a_dry_run_shows_the_plan_and_touches_nothing(site: Site) -> None:
    shown: list[Plan] = []
    writes = site.store.writes
    result = await site.deploy(inbox(), dry_run=True)
    shown.append(result.plan)
    assert result.dry_run
    assert site.store.writes == writes
    assert site.world.log == []
    real = await site.deploy(inbox())
    assert real.plan.steps == shown[0].steps


async def test_a_world_that_changed_during_the_question_stops_the_run(site: Site) -> None:
    from slipway.testing.clock import JumpingClock

    clock = JumpingClock()
    slow = Site(site.folder, world=site.world, store=site.store, clock=clock)

    def approve(plan: Plan) -> None:
        clock.jump(60.0)
        site.world.backing["db"] = "someone else started it"

    from slipway.app.assemble import Loaded
    from slipway.engine.deploy import deploy
    from slipway.engine.prepare import Wanted

    loaded = Loaded(app=inbox(), sealed={}, needs=())
    with pytest.raises(DriftError):
        await deploy(slow.workspace, loaded, Wanted(verb="install"), approve, RunOptions())
    assert site.world.log == []


async def test_a_second_deploy_is_told_who_holds_the_lease(site: Site) -> None:
    with (
        Lease(site.store, site.workspace.clock, "upgrade"),
        pytest.raises(LeaseHeldError, match="runs `deploy upgrade` here"),
    ):
        await site.deploy(inbox())
    await site.deploy(inbox())


async def test_missing_secrets_are_listed_all_at_once(site: Site) -> None:
    needs = (
        SecretNeed(name="API_KEY", generate=False, reason="used by web"),
        SecretNeed(name="TOKEN", generate=False),
    )
    app = msgspec.structs.replace(inbox(), secrets=needs)
    with pytest.raises(UsageError, match="2 secrets have no value") as caught:
        await site.deploy(app)
    assert caught.value.details == ("API_KEY: used by web", "TOKEN")
    assert site.world.log == []


async def test_generated_secrets_are_kept_and_pinned(site: Site) -> None:
    app = msgspec.structs.replace(inbox(), secrets=(SecretNeed(name="PASSWORD"),))
    await site.deploy(app)
    value = site.workspace.secrets.get("PASSWORD")
    assert len(value) == 32
    await site.deploy(app)
    assert site.workspace.secrets.get("PASSWORD") == value
    journal = b"".join(site.store.read(key) or b"" for key in site.store.keys())
    assert value.encode() not in journal


async def test_recreate_stops_the_old_before_the_new_starts(site: Site) -> None:
    def recreating(app: App) -> App:
        return msgspec.structs.replace(app, rollout=Rollout(strategy="recreate"))

    await site.deploy(recreating(inbox()))
    site.world.log.clear()
    await site.deploy(recreating(inbox(web="2")))
    drain = next(i for i, line in enumerate(site.world.log) if line.startswith("apply drain:web"))
    assert drain < site.world.log.index("apply start:web")


async def test_a_canary_without_a_route_is_refused_at_planning(site: Site) -> None:
    app = msgspec.structs.replace(inbox(), rollout=Rollout(strategy="canary"), routes=())
    with pytest.raises(RefusedError, match="publishes no port"):
        await site.deploy(app)
    assert site.world.log == []


async def test_start_brings_the_current_release_back(site: Site) -> None:
    await site.deploy(inbox())
    site.world.running.clear()
    site.world.ready.clear()
    site.world.backing.clear()
    site.world.weights = {}
    site.world.proxy = False
    jobs = len(site.world.jobs)
    await start(site.workspace, verify=True, approve=agree, options=RunOptions())
    assert running(site.world) == {"db", "model", "worker", "web"}
    assert site.world.weights == {"1": 100}
    assert len(site.world.jobs) == jobs


async def test_cleanup_leaves_nothing_but_the_data(site: Site) -> None:
    await site.deploy(inbox())
    await cleanup(site.workspace, volumes=False, approve=agree, options=RunOptions())
    assert running(site.world) == set()
    assert site.world.volumes == {"data"}
    assert current(site) is None
    with pytest.raises(RefusedError):
        await verify(site.workspace)
    await site.deploy(inbox())
    assert current(site) == 2


async def test_cleanup_with_volumes_takes_the_data_too(site: Site) -> None:
    await site.deploy(inbox())
    await cleanup(site.workspace, volumes=True, approve=agree, options=RunOptions())
    assert site.world.volumes == set()


async def test_a_timeout_reverts_and_says_at_what(tmp_path: Path) -> None:
    site = Site(tmp_path)

    class Slow(type(site.platform)):  # type: ignore[misc]
        async def apply(self, context: object) -> object:
            if getattr(context, "step").kind == "ready":  # noqa: B009
                await anyio.sleep(60)
            return await super().apply(context)

    site.platform.__class__ = Slow
    with pytest.raises(NotReadyError, match=r"not done within 0\.2 s"):
        await site.deploy(inbox(), timeout=0.2)
    assert running(site.world) == set()


async def test_events_tell_the_whole_run(site: Site) -> None:
    await site.deploy(inbox())
    last = site.events[-1]
    assert isinstance(last, RunEnded)
    assert (last.verb, last.outcome) == ("upgrade", "succeeded")


async def test_verify_marks_a_release_that_was_not_verified(site: Site) -> None:
    from slipway.app.assemble import Loaded
    from slipway.engine.deploy import deploy
    from slipway.engine.prepare import Wanted

    loaded = Loaded(app=inbox(), sealed={}, needs=())
    wanted = Wanted(verb="install", verify=False)
    await deploy(site.workspace, loaded, wanted, agree, RunOptions())
    assert site.workspace.journal.head().verified == ()
    found = await verify(site.workspace)
    assert found.healthy
    assert site.workspace.journal.head().verified == (1,)
