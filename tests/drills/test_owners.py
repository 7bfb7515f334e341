"""Two deploys at once, at every moment of the first; and a wall clock that is set by days."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest
from drill import (
    IN_TURN,
    SCENARIOS,
    Act,
    Copies,
    Killer,
    Survived,
    Traffic,
    app_with,
    clean,
    consistent,
    deploying,
    go_back,
    go_on,
    killed,
    mended,
    start_again,
    state,
    take_back,
    true_history,
    way,
    with_traffic,
)

from slipway.errors import LeaseHeldError
from slipway.journal.lease import KEY, this_process
from slipway.plan.model import Step
from slipway.testing.apps import Site

DAYS = 3 * 86_400.0
SECOND: tuple[Act, ...] = (
    deploying(app_with(web="8")), go_back, clean, start_again, go_on, take_back,
)  # fmt: skip


class Rival:
    """At every moment of a run, somebody else tries something: it must be refused, untouched."""

    def __init__(self) -> None:
        self.site: Site | None = None
        self.refused = 0

    def reached(self, step: Step, moment: str) -> None:
        assert self.site is not None
        before, records = state(self.site.world), self.site.store.writes
        thread = threading.Thread(target=self._try, args=(SECOND[self.refused % len(SECOND)],))
        thread.start()
        thread.join()
        assert (state(self.site.world), self.site.store.writes) == (before, records)

    def _try(self, act: Act) -> None:
        assert self.site is not None
        other = with_traffic(self.site, clock=Traffic(self.site.world))
        with pytest.raises(LeaseHeldError, match=f"process {this_process().pid}"):
            anyio.run(act, other)
        self.refused += 1


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_second_deploy_is_refused_at_every_moment(
    name: str, tmp_path: Path, survived: Survived
) -> None:
    scenario = SCENARIOS[name]
    rival, tried = Rival(), 0

    def reached(step: Step, moment: str) -> None:
        nonlocal tried
        tried += 1
        rival.reached(step, moment)

    rival.site = with_traffic(Copies(tmp_path, scenario).site(), hook=reached)
    anyio.run(scenario.act, rival.site)
    assert rival.refused == tried
    consistent(rival.site)
    true_history(rival.site)
    survived(f"{name}: two at once", tried)


def test_who_loses_the_lease_stops_and_leaves_all_to_the_other(
    tmp_path: Path, survived: Survived
) -> None:
    """As after a laptop was asleep: another machine went on, and this one wakes up."""
    scenario = SCENARIOS["upgrade blue-green"]
    copies, number = Copies(tmp_path, scenario), 0
    for number in range(10_000):
        found = _taken_over(copies, number)
        if found is None:
            break
        site, error = found
        if error is None:
            continue  # there was no step left to begin
        assert "taken over" in error.message
        assert not any(line.startswith("undo") for line in site.world.log)
        anyio.run(take_back, site.after_kill())
    survived("upgrade blue-green: the lease is lost", number)


def _taken_over(copies: Copies, at: int) -> tuple[Site, LeaseHeldError | None] | None:
    calls = 0

    def reached(step: Step, moment: str) -> None:
        nonlocal calls
        if calls == at:
            held = site.store.read(KEY)
            assert held is not None
            theirs = held.replace(b'"pid":', b'"pid":1')
            site.store.write(KEY, theirs)
        calls += 1

    site = with_traffic(copies.site(), hook=reached)

    async def run() -> LeaseHeldError | None:
        try:
            await copies.scenario.act(site)
        except LeaseHeldError as error:
            return error
        return None

    error = anyio.run(run)
    return (site, error) if calls > at else None


@pytest.mark.parametrize("by", [-DAYS, DAYS], ids=["back", "ahead"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_clock_is_set_at_every_moment(
    name: str, by: float, tmp_path: Path, survived: Survived
) -> None:
    """Once, by days, in the middle of a run; every other time the tool is killed right then."""
    scenario = SCENARIOS[name]
    copies = Copies(tmp_path, scenario)
    before = state(copies.site().world)
    number = 0
    for number in range(10_000):
        site = _clock_set(copies, number, by) if number % 2 else _killed_then(copies, number, by)
        if site is None:
            break
        if number % 2:
            consistent(site)
            true_history(site)
            assert all(r.closed and r.closed.seconds >= 0 for r in site.workspace.journal.runs())
        else:
            mended(site, scenario, way(IN_TURN, number // 2), before)
    survived(f"{name}: clock set {'back' if by < 0 else 'ahead'}", number)


def _clock_set(copies: Copies, at: int, by: float) -> Site | None:
    calls = 0

    def reached(step: Step, moment: str) -> None:
        nonlocal calls
        if calls == at:
            clock.set_by(by)
        calls += 1

    fresh = copies.site()
    clock = Traffic(fresh.world)
    site = with_traffic(fresh, hook=reached, clock=clock)
    _run(copies.scenario.act, site)
    return site if calls > at else None


def _killed_then(copies: Copies, at: int, by: float) -> Site | None:
    site = killed(copies.site(), copies.scenario.act, Killer(at))
    if site is None:
        return None
    clock = Traffic(site.world)
    clock.set_by(by)
    return with_traffic(site, clock=clock)


def _run(act: Callable[[Site], Awaitable[object]], site: Site) -> None:
    async def run() -> None:
        await act(site)

    anyio.run(run)
