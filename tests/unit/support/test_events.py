"""The event stream and its readers."""

from __future__ import annotations

from slipway.support.telemetry.events import Event, Notice, detached


def test_a_reader_that_cannot_write_any_more_is_left_out() -> None:
    told: list[Event] = []

    def reader(event: Event) -> None:
        told.append(event)
        if len(told) == 2:
            raise BrokenPipeError

    emit = detached(reader)
    events = [Notice(at=float(n), message="x") for n in range(4)]
    for event in events:
        emit(event)
    assert told == events[:2]
