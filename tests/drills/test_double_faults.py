"""Two things go wrong: a step fails and the tool is killed while it puts everything back; or
it is killed, and what comes after it is killed, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from drill import (
    IN_TURN,
    QUICK,
    SCENARIOS,
    Act,
    Copies,
    Killer,
    Scenario,
    Survived,
    go_on,
    killed,
    mended,
    serving_while_dead,
    state,
    take_back,
    way,
    with_traffic,
)

from slipway.plan.model import Step
from slipway.testing.apps import Site

REVERTIBLE = [name for name in SCENARIOS if name != "cleanup"]
MOMENTS = ("before", "inside", "after")


def steps_of(copies: Copies) -> list[str]:
    """Ids of the platform's steps of the scenario's plan, in the order they begin."""
    seen: list[str] = []

    def hook(step: Step, moment: str) -> None:
        if moment == "before":
            seen.append(step.id)

    site = with_traffic(copies.site(), hook=hook)

    async def run() -> None:
        await copies.scenario.act(site)

    anyio.run(run)
    return seen


def faults(copies: Copies, *, quick: bool) -> Iterator[tuple[Killer, Site]]:
    """Every failing step, with a kill at every moment of every undo that follows.

    `quick`: each step fails at one of its moments, and every other moment of the undoes is taken.
    """
    for index, step in enumerate(steps_of(copies)):
        for moment in MOMENTS[index % 3 : index % 3 + 1] if quick else MOMENTS:
            for number in range(index % 2, 1_000, 2 if quick else 1):
                killer = Killer(number, fail=(step, moment), undo_only=True)
                site = killed(copies.site(), copies.scenario.act, killer)
                if site is None:
                    break
                yield killer, site


@pytest.mark.parametrize("quick", QUICK)
@pytest.mark.parametrize("name", REVERTIBLE)
def test_killed_while_a_failed_run_is_put_back(
    name: str, quick: bool, tmp_path: Path, survived: Survived
) -> None:
    scenario = SCENARIOS[name]
    copies = Copies(tmp_path, scenario)
    before = state(copies.site().world)
    number = 0
    for killer, site in faults(copies, quick=quick):
        chosen = way(IN_TURN, number)
        try:
            look_and_mend(site, scenario, chosen, before)
        except BaseException as error:
            error.add_note(f"failed {killer.fail}, killed {killer.moment}, then {chosen}")
            raise
        number += 1
    survived(f"{name}: failed, killed in the revert", number)


def look_and_mend(site: Site, scenario: Scenario, then: str, before: dict[str, object]) -> None:
    if not scenario.outage and scenario.name != "start":
        serving_while_dead(site)
    mended(site, scenario, then, before)


@pytest.mark.parametrize("quick", QUICK)
@pytest.mark.parametrize("second", ["resume", "revert"])
@pytest.mark.parametrize(
    "name",
    ["install", "upgrade blue-green", "upgrade recreate", "upgrade rolling, 3 replicas",
     "upgrade canary", "rollback", "start"],
)  # fmt: skip
def test_killed_again_while_going_on(
    name: str, second: str, quick: bool, tmp_path: Path, survived: Survived
) -> None:
    """Some moments of the run are followed by every moment of what goes on with it."""
    scenario = SCENARIOS[name]
    copies = Copies(tmp_path, scenario)
    before = state(copies.site().world)
    act: Act = go_on if second == "resume" else take_back
    number = 0
    for first in range(20, 10_000, 29 if quick else 13):
        interrupted = killed(copies.site(), scenario.act, Killer(first))
        if interrupted is None:
            break
        if scenario_not_recorded(interrupted):
            continue
        for moment in range(first % 3, 10_000, 3 if quick else 1):
            killer = Killer(moment)
            site = killed(with_traffic(interrupted.after_kill()), act, killer)
            if site is None:
                break
            chosen = way(IN_TURN, number)
            try:
                mended(site, scenario, chosen, before)
            except BaseException as error:
                error.add_note(f"killed at {first}, {second} killed {killer.moment}, {chosen}")
                raise
            number += 1
    survived(f"{name}: killed, {second} killed", number)


def scenario_not_recorded(site: Site) -> bool:
    """True if there is no release yet to go on to."""
    run = site.workspace.journal.head().interrupted
    return run is None or run.opened.release not in site.workspace.releases.numbers()
