"""The tool's records: a full disk at every single write, and a journal torn at every byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from drill import (
    IN_TURN,
    QUICK,
    SCENARIOS,
    Copies,
    Killer,
    Survived,
    killed,
    mended,
    state,
    way,
    with_traffic,
)

from slipway.errors import SlipwayError
from slipway.journal.journal import RUNS
from slipway.testing.apps import Site


def full_disk(copies: Copies, at: int, *, stays: bool) -> tuple[Site, SlipwayError | None] | None:
    """The scenario on a disk that is full at write number `at`; None if it never came to that."""
    store = copies.site().store.copy()
    store.fail_at, store.stays_full = at, stays
    site = with_traffic(copies.site(), store=store)

    async def run() -> SlipwayError | None:
        try:
            await copies.scenario.act(site)
        except SlipwayError as error:
            return error
        return None

    error = anyio.run(run)
    return (site, error) if store.writes >= at else None


@pytest.mark.parametrize("stays", [False, True], ids=["one write fails", "it stays full"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_disk_is_full_at_every_write(
    name: str, stays: bool, tmp_path: Path, survived: Survived
) -> None:
    scenario = SCENARIOS[name]
    copies = Copies(tmp_path, scenario)
    before = state(copies.site().world)
    done = state(finished(copies).world)
    number = 0
    for number in range(10_000):
        found = full_disk(copies, number + 1, stays=stays)
        if found is None:
            break
        site, error = found
        try:
            if name != "cleanup":
                world = state(site.world)
                assert world == before or (went_live(site) and only_more(world, done))
                assert error is not None or went_live(site)
            mended(with_traffic(site.after_kill()), scenario, way(IN_TURN, number), before)
        except BaseException as wrong:
            wrong.add_note(f"full at write {number + 1}; it said: {error!r}")
            raise
    survived(f"{name}: disk full" + (" for good" if stays else " once"), number)


def finished(copies: Copies) -> Site:
    """What is there when all goes well."""
    site = copies.site()

    async def run() -> None:
        await copies.scenario.act(site)

    anyio.run(run)
    return site


def went_live(site: Site) -> bool:
    """True if the last run's own record says that it came to what it wanted."""
    journal = site.workspace.journal
    run = journal.runs()[-1]
    done = {r.step for r in journal.steps_of(run.opened.run) if r.phase == "done"}
    plan = journal.plan_of(run.opened.run)
    assert plan is not None
    activates = any(step.kind == "activate" for step in plan.steps)
    return "activate" in done if activates else all(s.id in done for s in plan.steps)


def only_more(world: dict[str, object], done: dict[str, object]) -> bool:
    """The new release has all the traffic; of the old one something may be left."""
    return world["weights"] == done["weights"] and set(done["running"]) <= set(world["running"])  # type: ignore[call-overload]


def torn(site: Site, key: str, *, quick: bool) -> Iterator[Site]:
    """The same site with the last record of `key` cut off at each of its bytes."""
    whole = site.store.read(key) or b""
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    for size in range(start, len(whole), 7 if quick else 1):
        copy = with_traffic(site.after_kill())
        copy.store.cut(key, size)
        yield copy


@pytest.mark.parametrize("quick", QUICK)
@pytest.mark.parametrize("name", ["install", "upgrade canary", "rollback", "cleanup"])
def test_the_journal_is_torn_at_every_byte_of_its_last_record(
    name: str, quick: bool, tmp_path: Path, survived: Survived
) -> None:
    """Wherever a run is cut off, the record that it wrote last may be there in part."""
    scenario = SCENARIOS[name]
    copies = Copies(tmp_path, scenario)
    before = state(copies.site().world)
    number = 0
    for moment in range(10_000):
        killer = Killer(moment)
        site = killed(copies.site(), scenario.act, killer)
        if site is None:
            break
        key = killer.moment.removeprefix("after writing ")
        if key != RUNS and (not key.startswith("runs/") or moment % (5 if quick else 3)):
            continue
        if (site.store.read(key) or b"").count(b"\n") < 2 and not quick:
            continue  # a plan's thousands of bytes: without its run it is not looked at
        for each in torn(site, key, quick=quick):
            try:
                mended(each, scenario, way(IN_TURN, number), before)
            except BaseException as wrong:
                wrong.add_note(
                    f"killed {killer.moment}, torn at {len(each.store.read(key) or b'')}"
                )
                raise
            number += 1
    survived(f"{name}: journal torn", number)
