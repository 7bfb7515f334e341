"""The append-only record of runs, over a `Store`. A crash at any byte leaves it readable.

Written by the engine, read by status, history, rollback and recovery.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from slipway.journal.records import (
    DetailRecord,
    PlanRecord,
    RunClosed,
    RunOpened,
    RunRecord,
    StepRecord,
    Verified,
)
from slipway.plan.model import Plan
from slipway.support.data import Frozen
from slipway.support.store import Store

RUNS = "journal.jsonl"
T = TypeVar("T")


class Run(Frozen, frozen=True, kw_only=True):
    """One run as history shows it; `closed` None: it is running, or its owner died."""

    opened: RunOpened
    closed: RunClosed | None = None


class Head(Frozen, frozen=True, kw_only=True):
    """Where an environment stands, after all its runs.

    `current` is the release that is current (None: nothing is installed), `verified` all
    that ever passed, `served` all that ever were current. `lineage` are the releases that led
    to the current one, oldest first: going back to one takes those after it away, for who left
    a release does not want it back. `interrupted` is the run whose owner died in the middle
    (or that goes on right now: the lease tells).
    """

    current: int | None = None
    verified: tuple[int, ...] = ()
    served: tuple[int, ...] = ()
    lineage: tuple[int, ...] = ()
    interrupted: Run | None = None


class Journal:
    """Reads and writes one environment's journal; every write is durable when it returns."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._encoder = msgspec.json.Encoder()

    def open_run(self, opened: RunOpened, plan: Plan) -> None:
        """Begin: the plan first, so that a run that is listed can always be gone on with."""
        self._append_detail(opened.run, PlanRecord(at=opened.at, plan=plan))
        self._store.append(RUNS, self._encoder.encode(opened))

    def step(self, run: int, record: StepRecord) -> None:
        """Intent before, outcome after."""
        self._append_detail(run, record)

    def close_run(self, closed: RunClosed) -> None:
        """End: after this the run is history."""
        self._store.append(RUNS, self._encoder.encode(closed))

    def _append_detail(self, run: int, record: DetailRecord) -> None:
        self._store.append(_detail_key(run), self._encoder.encode(record))

    def runs(self) -> tuple[Run, ...]:
        """All runs, oldest first."""
        by_number: dict[int, Run] = {}
        for record in self._records():
            if isinstance(record, Verified):
                continue
            if isinstance(record, RunOpened):
                by_number[record.run] = Run(opened=record)
                if record.resumes in by_number:
                    first = by_number[record.resumes].opened
                    by_number[first.run] = Run(opened=first, closed=_gone_on_with(first, record))
            elif record.run in by_number:
                by_number[record.run] = Run(opened=by_number[record.run].opened, closed=record)
        return tuple(by_number.values())

    def resumed_by(self, run: int) -> int | None:
        """The interrupted run that run number `run` went on with, or None."""
        return next((r.resumes for r in self._opened() if r.run == run), None)

    def _opened(self) -> Iterator[RunOpened]:
        return (r for r in self._records() if isinstance(r, RunOpened))

    def head(self) -> Head:
        """Where things stand; one read."""
        current: int | None = None
        verified: dict[int, None] = {}
        served: dict[int, None] = {}
        lineage: list[int] = []
        opened: RunOpened | None = None
        for record in self._records():
            if isinstance(record, RunOpened):
                opened = record
            elif isinstance(record, RunClosed):
                opened = None
                current = record.current
                lineage = _led_to(lineage, current)
                if current is not None:
                    served[current] = None
                if record.verified and current is not None:
                    verified[current] = None
            else:
                verified[record.release] = None
        interrupted = Run(opened=opened) if opened else None
        return Head(
            current=current,
            verified=tuple(verified),
            served=tuple(served),
            lineage=tuple(lineage),
            interrupted=interrupted,
        )

    def mark_verified(self, release: int, at: float) -> None:
        """`deploy verify` found `release` healthy."""
        self._store.append(RUNS, self._encoder.encode(Verified(at=at, release=release)))

    def _records(self) -> Iterator[RunRecord]:
        decoder = msgspec.json.Decoder(RunRecord)
        yield from _decoded(self._store.read(RUNS), decoder)

    def plan_of(self, run: int) -> Plan | None:
        """What a run set out to do, or None where the crash came before it was written."""
        for record in self._details(run):
            if isinstance(record, PlanRecord):
                return record.plan
        return None

    def steps_of(self, run: int) -> tuple[StepRecord, ...]:
        """Every step record of a run, in the order they were written."""
        return tuple(r for r in self._details(run) if isinstance(r, StepRecord))

    def _details(self, run: int) -> Iterator[DetailRecord]:
        decoder = msgspec.json.Decoder(DetailRecord)
        yield from _decoded(self._store.read(_detail_key(run)), decoder)

    def last_run(self) -> int:
        """The number of the run that began last; 0 if there was none."""
        return self.next_run() - 1

    def next_run(self) -> int:
        """The number of a run that begins now; numbers are never used twice.

        A run's own file is there before the run is listed, so that a crash in between leaves a
        file with the next number. All files are looked for only if the list is lost.
        """
        last = max((run.opened.run for run in self.runs()), default=0)
        if not last:
            last = max((int(key[5:11]) for key in self._store.keys("runs/")), default=0)
        while self._store.tail(_detail_key(last + 1), 1):
            last += 1
        return last + 1


def _gone_on_with(first: RunOpened, then: RunOpened) -> RunClosed:
    """How a run ended that another one went on with."""
    return RunClosed(
        run=first.run,
        at=then.at,
        outcome="interrupted",
        seconds=max(0.0, round(then.at - first.at, 3)),
        current=first.base,
        reason=f"interrupted; run {then.run} ({then.verb}) went on from there",
    )


def _led_to(lineage: list[int], current: int | None) -> list[int]:
    """The lineage once `current` is current: gone back to, or come after all before."""
    if current is None:
        return []
    if current in lineage:
        return lineage[: lineage.index(current) + 1]
    return [*lineage, current]


def _detail_key(run: int) -> str:
    return f"runs/{run:06d}.jsonl"


def _decoded(data: bytes | None, decoder: msgspec.json.Decoder[T]) -> Iterator[T]:
    """Every whole record; a torn last line, or one of a later version, is passed over.

    A line without its end is torn, though it may read: the next one takes its place.
    """
    for line in (data or b"").rpartition(b"\n")[0].split(b"\n"):
        if not line.strip():
            continue
        try:
            yield decoder.decode(line)
        except msgspec.DecodeError:
            continue
