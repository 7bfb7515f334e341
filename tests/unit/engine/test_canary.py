"""Canary and rolling on the fake platform: what is judged, what is obeyed, what is put back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from slipway.app.model import App, Canary, CanaryCheck, Rollout, Strategy
from slipway.cli.render.history import history_lines
from slipway.engine.canary_control import KEY, Word, say
from slipway.engine.rollout_asked import RolloutAsked, with_rollout
from slipway.errors import CanaryError, RefusedError, UsageError
from slipway.journal.verdicts import judged
from slipway.plan.rollout.verdict import Counters
from slipway.testing.apps import Site, inbox
from slipway.testing.clock import JumpingClock

pytestmark = pytest.mark.anyio
CRITERIA = Canary(steps=(10, 50), bake=10.0, min_requests=100, patience=60.0)


def rolled(app: App, strategy: Strategy = "canary", **changes: Any) -> App:
    canary = msgspec.structs.replace(CRITERIA, **changes)
    return msgspec.structs.replace(app, rollout=Rollout(strategy=strategy, canary=canary))


class Traffic(JumpingClock):
    """A clock that lets requests come in as time goes by, and calls `then` at each sleep."""

    def __init__(self, per_second: int = 50, failing: float = 0.0) -> None:
        super().__init__()
        self.per_second = per_second
        self.failing = failing
        self.site: Site | None = None
        self.then: Callable[[], None] = lambda: None

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if self.site is None:
            return
        for number, weight in self.site.world.weights.items():
            before = self.site.world.counters.get(int(number), Counters())
            total = before.requests + round(self.per_second * seconds * weight / 100 * 10)
            bad = round(total * self.failing) if int(number) > 1 else 0
            self.site.world.counters[int(number)] = Counters(
                requests=total, failed=bad, buckets={"0.01": total}
            )
        self.then()


@pytest.fixture
def traffic() -> Traffic:
    return Traffic()


@pytest.fixture
async def site(tmp_path: Path, traffic: Traffic) -> Site:
    made = Site(tmp_path, clock=traffic)
    traffic.site = made
    await made.deploy(rolled(inbox()))
    made.world.log.clear()
    return made


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def routes(site: Site) -> list[str]:
    return [line for line in site.world.log if "route" in line]


def verdicts(site: Site) -> list[dict[str, Any]]:
    run = site.workspace.journal.last_run()
    return [
        dict(r.outcome)
        for r in site.workspace.journal.steps_of(run)
        if r.step.startswith("judge") and r.phase == "done"
    ]


async def test_the_first_release_has_nothing_to_be_compared_with(site: Site) -> None:
    assert site.world.weights == {"1": 100}


async def test_a_good_canary_goes_through_its_steps_and_keeps_its_verdicts(site: Site) -> None:
    await site.deploy(rolled(inbox(web="2")))
    assert routes(site) == ["apply route", "apply route#2", "apply route#3"]
    assert site.world.weights == {"2": 100}
    kept = verdicts(site)
    assert [v["share"] for v in kept] == [10, 50]
    assert [v["verdict"]["status"] for v in kept] == ["pass", "pass"]
    assert kept[0]["verdict"]["new"]["requests"] >= 100
    assert kept[0]["seconds"] >= 10.0


async def test_a_failing_canary_puts_the_whole_app_back(site: Site, traffic: Traffic) -> None:
    traffic.failing = 0.05
    before = (dict(site.world.running), dict(site.world.weights))
    with pytest.raises(CanaryError, match="the canary failed at 10%: success rate 94"):
        await site.deploy(rolled(inbox(web="2", model="2")))
    assert (site.world.running, site.world.weights) == before
    closed = site.workspace.journal.runs()[-1].closed
    assert closed is not None
    assert closed.outcome == "reverted"


async def test_a_service_that_is_not_ready_fails_it_without_any_traffic(
    site: Site, traffic: Traffic
) -> None:
    traffic.per_second = 0
    traffic.then = lambda: site.world.unhealthy.add("web")
    with pytest.raises(CanaryError, match="not ready"):
        await site.deploy(rolled(inbox(web="2")))
    assert site.world.weights == {"1": 100}


@pytest.mark.parametrize(("policy", "release"), [("promote", "2"), ("abort", "1")])
async def test_too_little_traffic_does_what_deploy_yaml_says(
    site: Site, traffic: Traffic, policy: str, release: str
) -> None:
    traffic.per_second = 0
    app = rolled(inbox(web="2"), inconclusive=policy)
    if policy == "abort":
        with pytest.raises(CanaryError, match="inconclusive: only 0 of 100"):
            await site.deploy(app)
    else:
        await site.deploy(app)
        assert {v["verdict"]["status"] for v in verdicts(site)} == {"inconclusive"}
    assert site.world.weights == {release: 100}
    assert sum(traffic.sleeps) >= CRITERIA.bake + CRITERIA.patience


async def test_inconclusive_holds_by_default_until_somebody_decides(
    site: Site, traffic: Traffic
) -> None:
    traffic.per_second = 0
    began = traffic.monotonic()

    def promote_late() -> None:
        if traffic.monotonic() - began > 500:
            say(site.workspace, "promote")

    traffic.then = promote_late
    await site.deploy(rolled(inbox(web="2")))
    assert site.world.weights == {"2": 100}
    assert all("promoted_by" in v for v in verdicts(site))


@pytest.mark.parametrize(("word", "release"), [("promote", "2"), ("abort", "1")])
async def test_words_from_another_terminal_act_at_once(
    site: Site, traffic: Traffic, word: Word, release: str
) -> None:
    traffic.per_second = 0
    traffic.then = lambda: _say_once_more(site, word)
    app = rolled(inbox(web="2"), bake=1e9)
    if word == "abort":
        with pytest.raises(CanaryError, match="aborted by"):
            await site.deploy(app)
    else:
        await site.deploy(app)
    assert site.world.weights == {release: 100}
    assert sum(traffic.sleeps) < 5.0


def _say_once_more(site: Site, word: Word) -> None:
    if site.store.read(KEY) is None:
        say(site.workspace, word)


async def test_hold_keeps_a_good_canary_where_it_is(site: Site, traffic: Traffic) -> None:
    began = traffic.monotonic()
    seen: list[dict[str, int]] = []

    def talk() -> None:
        gone = traffic.monotonic() - began
        if gone < 1.0:
            say(site.workspace, "hold")
        elif gone > 90:
            seen.append(dict(site.world.weights))
            say(site.workspace, "abort")

    traffic.then = talk
    with pytest.raises(CanaryError, match="aborted"):
        await site.deploy(rolled(inbox(web="2")))
    assert seen[0] == {"2": 10, "1": 90}


async def test_a_word_for_another_run_is_not_obeyed(site: Site) -> None:
    site.store.write(KEY, b'{"run": 77, "word": "abort", "by": "kim"}')
    await site.deploy(rolled(inbox(web="2")))
    assert site.world.weights == {"2": 100}


async def test_nobody_to_talk_to(site: Site) -> None:
    with pytest.raises(RefusedError, match="no canary goes on"):
        say(site.workspace, "promote")


async def test_a_failing_check_fails_the_share(site: Site) -> None:
    check = CanaryCheck(name="orders", command="exit 3")
    with pytest.raises(CanaryError, match="the check orders failed"):
        await site.deploy(rolled(inbox(web="2"), checks=(check,)))
    assert site.world.weights == {"1": 100}


async def test_a_prometheus_that_cannot_be_asked_is_no_pass(site: Site) -> None:
    check = CanaryCheck(name="errors", url="http://127.0.0.1:1", query="up", least=1)
    with pytest.raises(CanaryError, match="the check errors failed"):
        await site.deploy(rolled(inbox(web="2"), checks=(check,)))


async def test_rolling_never_runs_more_than_one_instance_too_many(tmp_path: Path) -> None:
    site = Site(tmp_path)

    def three(app: App) -> App:
        web = msgspec.structs.replace(app.services["web"], replicas=3)
        return rolled(
            msgspec.structs.replace(app, services={**app.services, "web": web}), "rolling"
        )

    await site.deploy(three(inbox()))
    most = 0
    shares: list[int] = []
    once = site.platform.apply

    async def counting(context: Any) -> Any:
        nonlocal most
        outcome = await once(context)
        most = max(most, sum(n for (name, _), n in site.world.running.items() if name == "web"))
        if context.step.kind == "route":
            shares.append(site.world.weights["2"])
        return outcome

    site.platform.apply = counting  # type: ignore[method-assign]
    await site.deploy(three(inbox(web="2")))
    assert shares == [33, 67, 100]
    assert most == 4
    assert {n for (name, _), n in site.world.running.items() if name == "web"} == {3}


async def test_rolling_that_fails_half_way_is_put_back(tmp_path: Path) -> None:
    site = Site(tmp_path)

    def two(app: App) -> App:
        web = msgspec.structs.replace(app.services["web"], replicas=2)
        return rolled(
            msgspec.structs.replace(app, services={**app.services, "web": web}), "rolling"
        )

    await site.deploy(two(inbox()))
    before = (dict(site.world.running), dict(site.world.weights))

    def hook(step: Any, moment: str) -> None:
        if step.id == "route#2" and moment == "inside":
            raise CanaryError("told to fail")

    broken = Site(tmp_path, world=site.world, store=site.store, hook=hook)
    with pytest.raises(CanaryError, match="told to fail"):
        await broken.deploy(two(inbox(web="2")))
    assert (site.world.running, site.world.weights) == before


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (RolloutAsked(strategy="canary", steps="0%"), "--traffic-split: "),
        (RolloutAsked(strategy="canary", steps="150%"), "between 1% and 99%"),
        (RolloutAsked(strategy="canary", steps="50%,10%"), "shares must grow"),
        (RolloutAsked(strategy="canary", steps="ten"), "is not a percentage"),
        (RolloutAsked(strategy="canary", threshold="101%"), "--promote-threshold: "),
        (RolloutAsked(steps="10%"), "only a canary has them"),
    ],
)
def test_nonsense_on_the_command_line_names_its_flag(asked: RolloutAsked, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        with_rollout(inbox(), asked)


def test_flags_win_over_deploy_yaml() -> None:
    asked = RolloutAsked(strategy="canary", steps="5%,20%", threshold="99.9%")
    rollout = with_rollout(inbox(), asked).rollout
    assert rollout.strategy == "canary"
    assert (rollout.canary.steps, rollout.canary.threshold) == ((5, 20), 99.9)


async def test_a_rollback_is_direct_whatever_the_strategy(site: Site, traffic: Traffic) -> None:
    from slipway.engine.deploy import RunOptions
    from slipway.engine.rollback import rollback
    from slipway.testing.apps import agree

    await site.deploy(rolled(inbox(web="2")))
    traffic.per_second = 0
    site.world.log.clear()
    await rollback(
        site.workspace, to=None, force=False, verify=True, approve=agree, options=RunOptions()
    )
    assert routes(site) == ["apply route"]
    assert site.world.weights == {"1": 100}


def told(site: Site) -> list[str]:
    """What history says of the last run's canary."""
    run = site.workspace.journal.runs()[-1]
    found = {run.opened.run: judged(site.workspace.journal, run.opened.run)}
    lines = history_lines(site.workspace.journal.head(), (), (run,), now=0.0, verdicts=found)
    assert max(map(len, lines)) <= 100
    return [" ".join(line.split()) for line in lines if line[:6].strip().endswith("%")]


async def test_history_keeps_verdicts_with_their_numbers(site: Site) -> None:
    await site.deploy(rolled(inbox(web="2")))
    kept = judged(site.workspace.journal, 2)
    assert [(each.share, each.end) for each in kept] == [(10, "pass"), (50, "pass")]
    assert kept[0].verdict is not None
    assert kept[0].verdict.new.requests >= 100
    assert told(site)[0].startswith("10% pass after 1")
    assert judged(site.workspace.journal, 1) == ()


async def test_a_failed_verdict_is_kept_with_its_numbers(site: Site, traffic: Traffic) -> None:
    traffic.failing = 0.05
    with pytest.raises(CanaryError):
        await site.deploy(rolled(inbox(web="2")))
    (kept,) = judged(site.workspace.journal, 2)
    assert (kept.share, kept.end) == (10, "fail")
    assert kept.verdict is not None
    assert kept.verdict.new.failed > 0
    assert "success rate 94" in kept.reasons[0]
    assert "fail after" in told(site)[0]


@pytest.mark.parametrize(("word", "end"), [("promote", "promoted"), ("abort", "aborted")])
async def test_who_decided_is_kept_beside_what_was_seen_until_then(
    site: Site, traffic: Traffic, word: Word, end: str
) -> None:
    def talk() -> None:
        if site.world.weights.get("2") == 10:
            say(site.workspace, word)

    traffic.then = talk
    with contextlib.suppress(CanaryError):
        await site.deploy(rolled(inbox(web="2")))
    first = judged(site.workspace.journal, 2)[0]
    assert (first.share, first.end) == (10, end)
    assert first.by
    assert first.verdict is not None
    assert f"10% {end} by {first.by}" in told(site)[0]
