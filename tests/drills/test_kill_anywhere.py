"""kill -9 at every moment of every verb, on the fake platform: nothing is lost.

The moments are before, inside and after each step, the same of each undo, and before and
after each write of the tool's records. After each kill a fresh process goes on in one of four
ways; then the site serves one consistent release, nothing runs twice, nothing is left over,
and the history is true.
"""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from drill import (
    SCENARIOS,
    THEN,
    Copies,
    Killer,
    Scenario,
    consistent,
    killed,
    nothing_to_do,
    serving_while_dead,
    state,
    true_history,
)

from conftest import Survived
from slipway.testing.apps import Site

ENOUGH = 10_000


def mended(site: Site, scenario: Scenario, then: str, before: dict[str, object]) -> None:
    """Go on after a kill, and look at what came of it."""
    interrupted = site.workspace.journal.head().interrupted is not None
    found = state(site.world)

    async def go() -> None:
        await THEN[then](site, scenario)

    anyio.run(go)
    if not interrupted and then in ("resume", "revert"):
        assert state(site.world) == found
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


@pytest.mark.parametrize("then", THEN)
@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_at_any_moment(name: str, then: str, tmp_path: Path, survived: Survived) -> None:
    scenario = SCENARIOS[name]
    copies = Copies(tmp_path, scenario)
    before = state(copies.site().world)
    number = 0
    for number in range(ENOUGH):
        killer = Killer(number)
        site = killed(copies.site(), scenario.act, killer)
        if site is None:
            break
        try:
            if not scenario.outage and name not in ("cleanup", "start"):
                serving_while_dead(site)
            mended(site, scenario, then, before)
        except BaseException as error:
            error.add_note(f"killed {killer.moment} (moment {number})")
            raise
    survived(f"{name}: killed, then {then}", number)
