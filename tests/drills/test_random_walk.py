"""Random commands, kills and failures, in any order, against a small model of the promises.

Hypothesis drives one environment on the fake platform. What a command is to come to is worked
out from the journal's own words by the model below; after every rule the promises are looked at.
`DRILL_SECONDS=600 pytest tests/drills/test_random_walk.py` goes on with random seeds for so long.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import msgspec
import pytest
from drill import (
    Killer,
    consistent,
    killed,
    serving_while_dead,
    state,
    true_history,
    with_traffic,
)
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as walk

from slipway.app.model import App, Canary, Rollout, Strategy
from slipway.engine.cleanup import cleanup
from slipway.engine.deploy import RunOptions
from slipway.engine.prepare import is_kept
from slipway.engine.resume import resume, revert_interrupted
from slipway.engine.rollback import rollback
from slipway.engine.start import start
from slipway.engine.verify import verify
from slipway.errors import LeaseHeldError, NotFoundError, RefusedError, SlipwayError, UsageError
from slipway.journal.lease import holder, is_live
from slipway.plan.model import Step
from slipway.testing.apps import Site, agree, inbox

Act = Callable[[Site], Awaitable[object]]
CODES = some.sampled_from(["1", "2", "3"])
STRATEGIES: some.SearchStrategy[Strategy] = some.sampled_from(
    ["blue-green", "recreate", "rolling", "canary"]
)
APPS = some.builds(
    lambda web, model, strategy, replicas, backing: app(web, model, strategy, replicas, backing),
    CODES, CODES, STRATEGIES, some.integers(1, 3), some.sampled_from(["16", "16", "16", "17"]),
)  # fmt: skip
LABELS = some.sampled_from([None, None, "v1", "v2"])
THENS = some.sampled_from(["resume", "revert", "nothing"])
OPTIONS = RunOptions()


def app(web: str, model: str, strategy: Strategy, replicas: int, backing: str) -> App:
    made = inbox(web=web, model=model)
    services = dict(made.services)
    services["web"] = msgspec.structs.replace(services["web"], replicas=replicas)
    services["db"] = msgspec.structs.replace(services["db"], image=f"postgres:{backing}")
    canary = Canary(steps=(20, 60), bake=1.0, min_requests=10, patience=5.0, inconclusive="abort")
    rollout = Rollout(strategy=strategy, canary=canary)
    return msgspec.structs.replace(made, services=services, rollout=rollout, keep_releases=2)


class Walk(RuleBasedStateMachine):
    """One environment. `outage`: a strategy that stops what serves first was cut off."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="slipway-w-")
        self.site = with_traffic(Site(Path(self.folder.name)))
        self.outage = False

    def teardown(self) -> None:
        self.folder.cleanup()

    # ---- commands that nothing disturbs ----

    @rule(app=APPS, label=LABELS)
    def deploy(self, app: App, label: str | None) -> None:
        error = self.run(deploying(app, label))
        assert error is None or isinstance(error, UsageError)
        if error is None:
            self.settled()
            self.nobodys_builds_are_gone()

    @rule()
    def roll_back(self) -> None:
        head = self.site.workspace.journal.head()
        live = head.current if head.interrupted is None else None
        expected = self.last_verified_before(live) if live is not None else None
        error = self.run(going_back)
        assert error is None or isinstance(error, RefusedError)
        if live is not None:
            assert (error is None) == (expected is not None)
        if expected is not None:
            assert self.site.workspace.journal.head().current == expected
        if error is None:
            self.settled()

    @rule()
    def start(self) -> None:
        error = self.run(starting)
        assert error is None or isinstance(error, RefusedError)
        if error is None:
            self.settled()

    @rule(volumes=some.booleans())
    def clean(self, volumes: bool) -> None:
        assert self.run(cleaning(volumes)) is None
        assert self.site.workspace.journal.head().current is None
        self.settled()
        assert self.site.world.artifacts == set()

    @rule()
    def verify(self) -> None:
        journal = self.site.workspace.journal
        before = journal.head()
        error = self.run(verifying)
        assert error is None or isinstance(error, RefusedError)
        if before.current is None:
            assert journal.head() == before
        else:
            assert set(journal.head().verified) - set(before.verified) <= {before.current}

    @rule()
    def resume(self) -> None:
        interrupted = self.site.workspace.journal.head().interrupted
        error = self.run(resuming)
        assert error is None or (interrupted and isinstance(error, NotFoundError))
        if error is None and interrupted:
            self.settled()

    @precondition(lambda self: self.site.workspace.journal.head().interrupted)
    @rule()
    def revert(self) -> None:
        assert self.run(reverting) is None
        assert self.site.workspace.journal.head().interrupted is None

    # ---- what goes wrong ----

    @rule(app=APPS, at=some.integers(0, 200), then=THENS)
    def deploy_killed(self, app: App, at: int, then: str) -> None:
        self.kill(deploying(app, None), at, then)

    @rule(which=some.integers(0, 4), at=some.integers(0, 110), then=THENS)
    def another_killed(self, which: int, at: int, then: str) -> None:
        acts = [going_back, starting, resuming, reverting, cleaning(False)]
        self.kill(acts[which], at, then)

    @rule(app=APPS, at=some.integers(0, 60), undo=some.one_of(some.none(), some.integers(0, 20)))
    def deploy_fails(self, app: App, at: int, undo: int | None) -> None:
        """A step fails at a moment; perhaps an undo does, too."""
        before = self.quiet_state()
        failing = Failing(at, undo)
        error = self.run(deploying(app, None), hook=failing)
        if error is not None and failing.undos_failed:
            assert self.site.workspace.journal.head().interrupted is not None
        elif error is not None and before is not None and failing.failed:
            assert state(self.site.world) == before
        self.outage = self.outage or failing.undos_failed

    @rule(app=APPS, service=some.sampled_from(["web", "model", "worker"]), job=some.booleans())
    def deploy_unhealthy(self, app: App, service: str, job: bool) -> None:
        before = self.quiet_state()
        world = self.site.world
        world.unhealthy, world.failing_jobs = {service}, {"migrate"} if job else set()
        error = self.run(deploying(app, None))
        if error is not None and before is not None:
            assert state(world) == before
        world.unhealthy, world.failing_jobs = set(), set()

    @rule(app=APPS, at=some.integers(1, 70), stays=some.booleans())
    def deploy_on_a_full_disk(self, app: App, at: int, stays: bool) -> None:
        store = self.site.store.copy()
        store.fail_at, store.stays_full = at, stays
        self.site = with_traffic(self.site, store=store)
        self.run(deploying(app, None))
        self.site = with_traffic(self.site.after_kill())

    @rule()
    def reboot(self) -> None:
        world = self.site.world
        world.running.clear()
        world.ready.clear()
        world.backing.clear()
        world.proxy, world.weights, world.listens = False, {}, ()
        self.outage = True

    # ---- promises ----

    @invariant()
    def traffic_goes_only_to_what_is_ready(self) -> None:
        if not self.outage:
            serving_while_dead(self.site)

    @invariant()
    def the_journal_is_readable_and_true(self) -> None:
        journal = self.site.workspace.journal
        head, runs = journal.head(), journal.runs()
        assert [run.opened.run for run in runs] == sorted({run.opened.run for run in runs})
        unclosed = [run for run in runs if run.closed is None]
        assert unclosed == ([head.interrupted] if head.interrupted else [])
        if not unclosed:
            true_history(self.site, marked=self.marked())

    @invariant()
    def what_is_recorded_is_what_serves(self) -> None:
        head = self.site.workspace.journal.head()
        if not self.outage and head.interrupted is None and head.current is not None:
            assert self.site.world.weights == {str(head.current): 100}

    @invariant()
    def nobody_holds_the_lease(self) -> None:
        lease = holder(self.site.store)
        now = self.site.workspace.clock.now()
        assert lease is None or not is_live(lease, now=now, host=lease.owner.host)

    # ---- how ----

    def run(
        self, act: Act, hook: Callable[[Step, str], None] = lambda _step, _moment: None
    ) -> SlipwayError | None:
        """Do it; the error that it ended with. An error that is no SlipwayError fails the test."""
        self.site = with_traffic(self.site, hook=hook)

        async def go() -> SlipwayError | None:
            try:
                await act(self.site)
            except LeaseHeldError:
                raise
            except SlipwayError as error:
                return error
            return None

        return anyio.run(go)

    def kill(self, act: Act, at: int, then: str) -> None:
        """Kill it at a moment, and go on in a fresh process; or let the next rule find it."""
        killer = Killer(at)
        try:
            found = killed(with_traffic(self.site.after_kill()), act, killer)
        except (RefusedError, NotFoundError):
            return
        if found is None:
            assert killer.site is not None
            self.site = with_traffic(killer.site.after_kill())
        else:
            self.site = found
            self.outage = self.outage or self.stops_first()
        if then == "resume":
            self.resume()
        elif then == "revert":
            assert self.run(reverting) is None

    def stops_first(self) -> bool:
        """Does the interrupted run, by its nature, take down what serves?"""
        journal = self.site.workspace.journal
        run = journal.head().interrupted
        plan = journal.plan_of(run.opened.run) if run is not None else None
        if plan is None or plan.release is None:
            return plan is not None
        return plan.verb == "start" or plan.release.rollout.strategy == "recreate"

    def settled(self) -> None:
        """After a command that ended well: what is recorded is all there, and nothing else."""
        self.outage = False
        consistent(self.site)

    def nobodys_builds_are_gone(self) -> None:
        """What was built for a release that was never written does not stay after an upgrade."""
        known = {
            entry.artifact.id
            for number in self.site.workspace.releases.numbers()
            for entry in self.site.workspace.releases.get(number).services.values()
            if entry.artifact
        }
        assert self.site.world.artifacts <= known

    def quiet_state(self) -> dict[str, object] | None:
        """The state to come back to; None where something is left over that will not come back."""
        try:
            consistent(self.site)
        except AssertionError:
            return None
        return state(self.site.world)

    def marked(self) -> set[int]:
        """Releases that `deploy verify` marked, outside any run."""
        text = self.site.store.read("journal.jsonl") or b""
        lines = [msgspec.json.decode(line) for line in text.splitlines()]
        return {line["release"] for line in lines if line["record"] == "verified"}

    def last_verified_before(self, current: int) -> int | None:
        """Of those that led to the current one, by the history of who was current."""
        workspace = self.site.workspace
        observed = anyio.run(workspace.platform.observe)
        path: list[int] = []
        for run in workspace.journal.runs():
            if run.closed is None:
                continue
            number = run.closed.current
            if number is None:
                path.clear()
            elif number in path:
                del path[path.index(number) + 1 :]
            else:
                path.append(number)
        assert path[-1] == current
        found = [
            number
            for number in path[:-1]
            if number in workspace.journal.head().verified
            and is_kept(workspace.releases.get(number), observed)
        ]
        return found[-1] if found else None


class Failing:
    """A hook: moment number `at` fails; then, if `undo` says so, one of the undoes."""

    def __init__(self, at: int, undo: int | None) -> None:
        self.left, self.undo = at, undo
        self.failed = self.undos_failed = False

    def __call__(self, step: Step, moment: str) -> None:
        if moment in ("before", "inside", "after"):
            self.left -= 1
            if self.left < 0 and not self.failed:
                self.failed = True
                raise SlipwayError("told to fail")
        elif self.failed and self.undo is not None and moment == "undo":
            self.undo -= 1
            if self.undo < 0 and not self.undos_failed:
                self.undos_failed = True
                raise SlipwayError("told to fail to undo")


def deploying(app: App, label: str | None) -> Act:
    async def act(site: Site) -> None:
        await site.deploy(app, label=label)

    return act


async def going_back(site: Site) -> None:
    await rollback(
        site.workspace, to=None, force=False, verify=True, approve=agree, options=OPTIONS
    )


async def starting(site: Site) -> None:
    await start(site.workspace, verify=True, approve=agree, options=OPTIONS)


async def resuming(site: Site) -> None:
    await resume(site.workspace, approve=agree, options=OPTIONS)


async def reverting(site: Site) -> None:
    await revert_interrupted(site.workspace)


async def verifying(site: Site) -> None:
    await verify(site.workspace)


def cleaning(volumes: bool) -> Act:
    async def act(site: Site) -> None:
        await cleanup(site.workspace, volumes=volumes, approve=agree, options=OPTIONS)

    return act


STEADY = settings(
    max_examples=60,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),  # shrinking takes minutes: DRILL_SECONDS has it
)


def test_random_commands_kills_and_failures_keep_the_promises() -> None:
    walk(Walk, settings=STEADY)


@pytest.mark.skipif("DRILL_SECONDS" not in os.environ, reason="only where DRILL_SECONDS is set")
def test_the_same_with_random_seeds() -> None:
    until = time.monotonic() + float(os.environ["DRILL_SECONDS"])
    while time.monotonic() < until:
        walk(Walk, settings=settings(STEADY, derandomize=False, phases=tuple(Phase)))
