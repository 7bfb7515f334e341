"""The journal: what was written is what is read, also after a crash at any byte."""

from __future__ import annotations

import pytest

from slipway.errors import NotFoundError, StorageError
from slipway.journal.journal import RUNS, Journal
from slipway.journal.records import Owner, RunClosed, RunOpened, StepRecord
from slipway.journal.releases import Releases
from slipway.plan.model import Plan, Step
from slipway.plan.release import Release
from slipway.testing.memory_store import MemoryStore

OWNER = Owner(user="kim", host="laptop", pid=1, identity="1")
PLAN = Plan(
    verb="install",
    app="inbox",
    environment="development",
    platform="fake",
    steps=(Step(id="route", kind="route", title="send traffic"),),
)


def opened(run: int) -> RunOpened:
    return RunOpened(run=run, at=10.0 * run, verb="install", owner=OWNER, release=run)


def closed(run: int, *, current: int | None, verified: bool = True) -> RunClosed:
    return RunClosed(
        run=run, at=10.0 * run + 1, outcome="succeeded", seconds=1.0, current=current,
        verified=verified,
    )  # fmt: skip


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def test_head_follows_the_runs(store: MemoryStore) -> None:
    journal = Journal(store)
    assert journal.head().current is None
    journal.open_run(opened(1), PLAN)
    interrupted = journal.head().interrupted
    assert interrupted is not None
    assert interrupted.opened == opened(1)
    journal.close_run(closed(1, current=1))
    journal.open_run(opened(2), PLAN)
    journal.close_run(closed(2, current=2, verified=False))
    head = journal.head()
    assert (head.current, head.verified, head.interrupted) == (2, (1,), None)
    journal.mark_verified(2, 99.0)
    assert journal.head().verified == (1, 2)
    assert [r.opened.run for r in journal.runs()] == [1, 2]
    assert journal.next_run() == 3


def test_steps_and_plan_come_back_as_they_were(store: MemoryStore) -> None:
    journal = Journal(store)
    journal.open_run(opened(1), PLAN)
    records = (
        StepRecord(at=1.0, step="route", phase="intent"),
        StepRecord(at=2.0, step="route", phase="done", outcome={"before": {"1": 100}}),
    )
    for record in records:
        journal.step(1, record)
    assert journal.plan_of(1) == PLAN
    assert journal.steps_of(1) == records
    assert journal.plan_of(7) is None


def test_torn_at_every_byte_all_earlier_records_are_read(store: MemoryStore) -> None:
    journal = Journal(store)
    journal.open_run(opened(1), PLAN)
    journal.close_run(closed(1, current=1))
    whole = store.read(RUNS)
    assert whole is not None
    first = whole.index(b"\n") + 1
    for size in range(first, len(whole)):
        store.write(RUNS, whole[:size])
        head = Journal(store).head()
        assert head.interrupted is not None
        assert head.current is None
    store.write(RUNS, whole[:-5])
    journal.close_run(closed(1, current=1))
    assert journal.head().current == 1


def test_a_run_number_is_never_used_twice_even_if_the_list_was_torn(store: MemoryStore) -> None:
    journal = Journal(store)
    journal.open_run(opened(1), PLAN)
    store.write(RUNS, b"")
    assert journal.next_run() == 2


def test_runs_that_were_killed_before_they_were_listed_keep_their_numbers(
    store: MemoryStore,
) -> None:
    journal = Journal(store)
    journal.open_run(opened(1), PLAN)
    listed = store.read(RUNS)
    assert listed is not None
    for number in (2, 3):
        journal.open_run(opened(number), PLAN)
        store.write(RUNS, listed)
    assert journal.next_run() == 4


class NoListing(MemoryStore):
    """Tells what is under a key, and refuses to list them all."""

    def keys(self, prefix: str = "") -> list[str]:
        raise AssertionError(f"listed everything under {prefix!r}")


def test_the_next_number_needs_no_look_at_every_run_of_the_past() -> None:
    journal = Journal(NoListing())
    journal.open_run(opened(1), PLAN)
    journal.close_run(closed(1, current=1))
    assert journal.next_run() == 2


def release(number: int, label: str) -> Release:
    return Release(
        number=number, label=label, app="inbox", environment="development", platform="fake",
        created=1.0, services={},
    )  # fmt: skip


def test_a_release_is_written_once(store: MemoryStore) -> None:
    releases = Releases(store)
    releases.write(release(1, "v1"))
    releases.write(release(1, "v1"))
    with pytest.raises(StorageError, match="already written"):
        releases.write(release(1, "other"))
    assert releases.get(1).label == "v1"
    assert releases.next_number() == 2
    with pytest.raises(NotFoundError):
        releases.get(9)


def test_releases_are_found_by_label_then_by_number(store: MemoryStore) -> None:
    releases = Releases(store)
    for number, label in enumerate(("v1", "2", "v3"), 1):
        releases.write(release(number, label))
    found = {name: releases.find(name) for name in ("v1", "2", "3", "r3", "9", "nothing")}
    assert {n: r.number if r else None for n, r in found.items()} == {
        "v1": 1, "2": 2, "3": 3, "r3": 3, "9": None, "nothing": None,
    }  # fmt: skip
