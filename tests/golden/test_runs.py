"""Plans, runs as they happen, and what came of them: the files show what people see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from slipway.app.assemble import Loaded
from slipway.app.model import App
from slipway.cli.options import Options
from slipway.cli.render.diff import diff_lines
from slipway.cli.render.history import history_lines
from slipway.cli.render.plan import plan_lines
from slipway.cli.render.progress import event_line
from slipway.cli.render.result import summary_lines
from slipway.cli.render.status import status_lines
from slipway.cli.render.style import seconds
from slipway.cli.render.verification import verification_lines
from slipway.engine.cleanup import cleanup
from slipway.engine.compare import compare_releases
from slipway.engine.deploy import Result, RunOptions
from slipway.engine.reconcile import reconcile
from slipway.engine.rollback import rollback
from slipway.engine.verify import verify
from slipway.errors import JobError, NotReadyError, SlipwayError
from slipway.journal.journal import Head, Run
from slipway.journal.records import Owner, RunOpened
from slipway.journal.verdicts import Judged
from slipway.plan.observed import Deviation
from slipway.plan.rollout.verdict import Side, Verdict
from slipway.status.build import read_status
from slipway.testing.apps import Site, agree, inbox, kill_at
from slipway.testing.clock import JumpingClock

pytestmark = pytest.mark.anyio

Golden = Callable[[str, Sequence[str]], None]
Verb = Callable[[], Awaitable[Result]]
OPTIONS = Options(
    env=None, platform=None, config=None, project=Path.cwd(), files=(), profiles=(),
    dry_run=False, output="text", yes=False, verbose=False, quiet=False, timeout=None,
)  # fmt: skip


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Screen:
    """Runs verbs on a site, and keeps what a terminal would show of each."""

    def __init__(self, site: Site, clock: JumpingClock) -> None:
        self.site, self.clock = site, clock

    async def deploy(self, app: App, label: str, verb: str = "upgrade", **more: Any) -> Result:
        return await self.site.deploy(app, label=label, verb=verb, **more)

    async def back(self) -> Result:
        return await rollback(
            self.site.workspace, to=None, force=False, verify=True, approve=agree,
            options=RunOptions(),
        )  # fmt: skip

    async def mend(self) -> Result:
        return await reconcile(
            self.site.workspace, verify=True, approve=agree, options=RunOptions()
        )

    async def clean(self, *, volumes: bool) -> Result:
        return await cleanup(
            self.site.workspace, volumes=volumes, approve=agree, options=RunOptions()
        )

    async def shown(self, verb: Awaitable[Result], *, verbose: bool = False) -> list[str]:
        """The plan, the run and the summary of a verb; or the run, where it fails."""
        self.site.events.clear()
        began = self.clock.monotonic()
        try:
            result = await verb
        except SlipwayError as error:
            return [*self._run(verbose), f"error: {error.message}"]
        took = seconds(self.clock.monotonic() - began)
        plan = plan_lines(result.plan, steps=verbose, verbose=verbose)
        return [*plan, *self._run(verbose), "", *summary_lines(result, OPTIONS, took=took)]

    def _run(self, verbose: bool) -> list[str]:
        lines = (event_line(e, verbose=verbose) for e in self.site.events)
        return [line for line in lines if line]

    async def status(self) -> list[str]:
        status = await read_status(self.site.workspace)
        return status_lines(status, now=self.clock.now() + 200)

    def history(self) -> list[str]:
        records = self.site.workspace
        releases = [records.releases.get(n) for n in records.releases.numbers()]
        head, runs = records.journal.head(), records.journal.runs()
        return history_lines(head, releases, runs, now=self.clock.now() + 7200)


@pytest.fixture
def screen(site: Site, clock: JumpingClock) -> Screen:
    return Screen(site, clock)


async def test_install(screen: Screen, golden: Golden) -> None:
    golden("install", await screen.shown(screen.deploy(inbox(), "v1", "install")))
    golden("install-again", await screen.shown(screen.deploy(inbox(), "v1", "install")))


async def test_upgrade(screen: Screen, golden: Golden) -> None:
    await screen.deploy(inbox(), "v1")
    changed = inbox(web="2", migrate="2")
    golden("upgrade-verbose", await screen.shown(screen.deploy(changed, "v2"), verbose=True))
    golden("rollback", await screen.shown(screen.back()))


async def test_dry_run(screen: Screen, golden: Golden) -> None:
    await screen.deploy(inbox(), "v1")
    result = await screen.deploy(inbox(db="2", worker="2"), "v2", dry_run=True)
    golden("dry-run-replaces-a-database", plan_lines(result.plan, steps=True))


async def test_diff(screen: Screen, golden: Golden) -> None:
    await screen.deploy(inbox(), "v1")
    changed = inbox(web="2", model="2")
    web = msgspec.structs.replace(
        changed.services["web"],
        replicas=3,
        environment={"CODE": "2", "ORIGINS": "https://inbox.example.com," * 4},
    )
    changed = msgspec.structs.replace(changed, services={**changed.services, "web": web})
    await screen.deploy(changed, "v2")
    workspace = screen.site.workspace

    def nothing() -> Loaded:
        raise AssertionError

    golden("diff", diff_lines(await compare_releases(workspace, ("v1", "v2"), nothing)))
    golden("diff-same", diff_lines(await compare_releases(workspace, ("v2", "2"), nothing)))


async def test_failures(screen: Screen, golden: Golden) -> None:
    screen.site.world.failing_jobs.add("migrate")
    with pytest.raises(JobError):
        await screen.deploy(inbox(), "v1", "install")
    golden("install-fails", await screen.shown(screen.deploy(inbox(), "v1", "install")))
    screen.site.world.failing_jobs.clear()
    await screen.deploy(inbox(), "v1", "install")
    screen.site.world.unhealthy.add("web")
    golden("upgrade-fails", await screen.shown(screen.deploy(inbox(web="2"), "v2")))
    with pytest.raises(NotReadyError):
        await screen.deploy(inbox(web="3"), "v3", revert=False)
    golden("history", screen.history())


async def test_drift(screen: Screen, golden: Golden) -> None:
    await screen.deploy(inbox(), "v1", "install")
    golden("reconcile-nothing", await screen.shown(screen.mend()))
    world = screen.site.world
    world.running = {at: n for at, n in world.running.items() if at[0] != "worker"}
    key = next(key for name, key in world.running if name == "web")
    what = "the launch file of instance 1 was changed: environment LEVEL, environment ORIGINS"
    world.deviations = {
        Deviation(kind="instance", subject="web", what=what, key=key, index=1),
        Deviation(kind="route", subject="proxy", what="its file dyn/routes.yaml was changed"),
    }
    lines = await screen.status()
    assert max(map(len, lines)) <= 80
    golden("status-drift", lines)
    golden("reconcile", await screen.shown(screen.mend(), verbose=True))


def test_history_of_a_canary(golden: Golden) -> None:
    def side(requests: int, failed: int, p95: float | None) -> Side:
        success = 100.0 * (requests - failed) / requests
        return Side(requests=requests, failed=failed, success=success, p95=p95, p99=p95)

    owner = Owner(user="ada", host="here", pid=1, identity="")
    opened = RunOpened(run=2, at=0.0, verb="upgrade", owner=owner, base=1, release=2, label="v2")
    good = "120 requests, 100.00% succeeded, p95 12 ms (old 11 ms)"
    bad = "success rate 94.00% is below 99% (30 of 500 failed)"
    found = (
        Judged(share=10, end="pass", seconds=60.2, reasons=(good,), verdict=Verdict(
            status="pass", reasons=(good,), new=side(120, 0, 0.012), old=side(1080, 1, 0.011))),
        Judged(share=25, end="promoted", by="kim", seconds=3.0),
        Judged(share=50, end="fail", seconds=4.0, reasons=(bad,), verdict=Verdict(
            status="fail", reasons=(bad,), new=side(500, 30, None), old=side(500, 0, 0.011))),
    )  # fmt: skip
    head, run = Head(current=1, verified=(1,), served=(1,)), Run(opened=opened)
    lines = history_lines(head, (), (run,), now=7200.0, verdicts={2: found})
    assert max(map(len, lines)) <= 80
    golden("history-of-a-canary", lines)


async def test_status(screen: Screen, golden: Golden) -> None:
    golden("status-nothing", await screen.status())
    golden("history-nothing", screen.history())
    await screen.deploy(inbox(), "v1", "install")
    golden("status", await screen.status())
    world = screen.site.world
    world.running = {at: n for at, n in world.running.items() if at[0] != "worker"}
    golden("status-unhealthy", await screen.status())


async def test_status_after_a_kill(screen: Screen, site: Site, golden: Golden) -> None:
    await screen.deploy(inbox(), "v1", "install")
    killed = Site(site.folder, world=site.world, store=site.store, clock=screen.clock,
                  hook=kill_at(5, lambda: None))  # fmt: skip
    with pytest.raises(BaseExceptionGroup, match="unhandled"):
        await killed.deploy(inbox(web="2"), label="v2")
    after = site.after_kill()
    again = Site(site.folder, world=after.world, store=after.store, clock=screen.clock)
    next_screen = Screen(again, screen.clock)
    golden("status-interrupted", await next_screen.status())
    shown = await next_screen.shown(next_screen.deploy(inbox(web="3"), "v3"))
    golden("upgrade-after-a-kill", shown)


async def test_verify(screen: Screen, golden: Golden) -> None:
    await screen.deploy(inbox(), "v1", "install")
    golden("verify", verification_lines(await verify(screen.site.workspace)))
    screen.site.world.unhealthy.add("web")
    golden("verify-unhealthy", verification_lines(await verify(screen.site.workspace)))


async def test_cleanup(screen: Screen, golden: Golden) -> None:
    await screen.deploy(inbox(), "v1", "install")
    golden("cleanup", await screen.shown(screen.clean(volumes=False)))
    golden("cleanup-volumes", await screen.shown(screen.clean(volumes=True)))
    golden("cleanup-again", await screen.shown(screen.clean(volumes=True)))
