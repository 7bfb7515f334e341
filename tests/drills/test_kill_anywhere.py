"""kill -9 at every moment of every verb, on the fake platform: nothing is lost.

The moments are before, inside and after each step, the same of each undo, and before and
after each write of the tool's records. After each kill a fresh process goes on in one of four
ways; then the site serves one consistent release, nothing runs twice, nothing is left over,
and the history is true.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from drill import (
    SCENARIOS,
    WAYS,
    Copies,
    Killer,
    Survived,
    killed,
    mended,
    serving_while_dead,
    state,
    way,
)


@pytest.mark.parametrize("then", WAYS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_at_any_moment(name: str, then: str, tmp_path: Path, survived: Survived) -> None:
    scenario = SCENARIOS[name]
    copies = Copies(tmp_path, scenario)
    before = state(copies.site().world)
    number = 0
    for number in range(10_000):
        killer = Killer(number)
        site = killed(copies.site(), scenario.act, killer)
        if site is None:
            break
        try:
            if not scenario.outage and name not in ("cleanup", "start"):
                serving_while_dead(site)
            mended(site, scenario, way(then, number), before)
        except BaseException as error:
            error.add_note(f"killed {killer.moment} (moment {number})")
            raise
    survived(f"{name}: killed, then {then}", number)
