"""Typed events: what a run does, as it does it.

The engine and the platforms emit them; the terminal's progress view, JSON lines, the
journal and later metrics and the dashboard only read. `step` is a plan step's id.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """Base; `at` is seconds since the epoch."""

    at: float


class RunStarted(Event, frozen=True, kw_only=True, tag="run-started"):
    run: str
    verb: str
    environment: str
    steps: int


class StepStarted(Event, frozen=True, kw_only=True, tag="step-started"):
    step: str
    title: str
    undo: bool = False


class StepProgress(Event, frozen=True, kw_only=True, tag="progress"):
    """`fraction` is 0-1, or None where only the words are known."""

    step: str
    message: str
    fraction: float | None = None


class ProbeAnswered(Event, frozen=True, kw_only=True, tag="probe-answered"):
    step: str
    service: str
    ok: bool
    answer: str
    attempt: int


class TrafficShifted(Event, frozen=True, kw_only=True, tag="traffic-shifted"):
    """`weights`: release number -> share in percent."""

    step: str
    weights: dict[str, int]


class StepEnded(Event, frozen=True, kw_only=True, tag="step-ended"):
    step: str
    title: str
    seconds: float
    ok: bool
    message: str = ""
    undo: bool = False


class Notice(Event, frozen=True, kw_only=True, tag="notice"):
    """Something a person should know, that is not an error."""

    message: str


class RunEnded(Event, frozen=True, kw_only=True, tag="run-ended"):
    run: str
    verb: str
    outcome: str
    seconds: float
    message: str = ""


Emit = Callable[[Event], None]


def ignore(event: Event) -> None:
    """An `Emit` for callers that show nothing."""
    del event


def detached(emit: Emit) -> Emit:
    """`emit` for a run that must not depend on who watches it: a reader that cannot write any
    more (`| head`, a terminal that was closed) is not told anything else.
    """
    gone = False

    def tell(event: Event) -> None:
        nonlocal gone
        if gone:
            return
        try:
            emit(event)
        except OSError:
            gone = True

    return tell
