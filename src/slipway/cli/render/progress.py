"""A run as it happens: a live view in a terminal, plain lines in logs. Readers of the events."""

from __future__ import annotations

import contextlib
import sys
import time
from types import TracebackType
from typing import Any, TextIO

from slipway.cli.render.style import paint, seconds
from slipway.support.telemetry.events import (
    Event,
    Notice,
    ProbeAnswered,
    StepEnded,
    StepProgress,
    StepStarted,
    TrafficShifted,
)


class Silent:
    """Shows nothing: `--quiet` and JSON."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def __call__(self, event: Event) -> None:
        del event

    def pause(self) -> None:
        """Nothing to pause."""


class Lines:
    """One line per thing that happened; for CI logs and files."""

    def __init__(self, stream: TextIO, *, verbose: bool) -> None:
        self._stream = stream
        self._verbose = verbose
        self._said: dict[str, float] = {}

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def pause(self) -> None:
        """Nothing to pause."""

    def __call__(self, event: Event) -> None:
        line = event_line(event, verbose=self._verbose)
        if isinstance(event, StepProgress) and not line:
            line = self._sometimes(event)
        if line:
            print(line, file=self._stream, flush=True)

    def _sometimes(self, event: StepProgress) -> str:
        """Progress of long steps, at most one line in 5 s each."""
        now = time.monotonic()
        if now - self._said.setdefault(event.step, now) < 5.0:
            return ""
        self._said[event.step] = now
        return f"    ... {event.step}: {_progress_text(event)}"


def event_line(event: Event, *, verbose: bool) -> str:
    """The permanent line of an event, or "" where it leaves none."""
    if isinstance(event, StepEnded):
        mark = paint("✓", "green") if event.ok else paint("✗", "red")
        if event.undo:
            mark = paint("↩", "yellow") if event.ok else mark
        tail = f"  {paint(event.message, 'red')}" if not event.ok and event.message else ""
        return f"  {mark} {event.title}  {paint(seconds(event.seconds), 'dim')}{tail}"
    if isinstance(event, Notice):
        return f"  {paint('!', 'yellow')} {event.message}"
    if not verbose:
        return ""
    if isinstance(event, StepStarted):
        return f"  {paint('>', 'dim')} {event.title}"
    if isinstance(event, ProbeAnswered):
        return f"    {event.service}: {event.answer} (attempt {event.attempt})"
    if isinstance(event, TrafficShifted):
        shares = ", ".join(f"release {n}: {w}%" for n, w in event.weights.items())
        return f"    traffic: {shares}"
    if isinstance(event, StepProgress):
        return f"    {_progress_text(event)}"
    return ""


def _progress_text(event: StepProgress) -> str:
    if event.fraction is None:
        return event.message
    return f"{event.fraction:4.0%} {event.message}".rstrip()


class Live:
    """What runs now, at the bottom of the terminal, with bars; what ended scrolls above it."""

    def __init__(self, stream: TextIO, *, verbose: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._verbose = verbose
        self._console = Console(file=stream, highlight=False)
        self._progress = Progress(
            TextColumn(" "),
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=18),
            TextColumn("{task.fields[note]}", style="dim", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._tasks: dict[str, Any] = {}
        self._shown = False

    def __enter__(self) -> Live:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.pause()

    def pause(self) -> None:
        """Take the live part off the screen, so that a question can be asked."""
        if self._shown:
            self._shown = False
            with contextlib.suppress(OSError):  # the terminal is gone: there is nothing to clear
                self._progress.stop()

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepStarted):
            self._start(event)
        elif isinstance(event, StepProgress) and event.step in self._tasks:
            self._update(event)
        elif isinstance(event, ProbeAnswered) and event.step in self._tasks:
            self._note(event.step, event.answer)
        elif isinstance(event, StepEnded) and event.step in self._tasks:
            self._progress.remove_task(self._tasks.pop(event.step))
        line = "" if isinstance(event, StepStarted) else event_line(event, verbose=self._verbose)
        if line:
            from rich.text import Text

            self._console.print(Text.from_ansi(line))

    def _start(self, event: StepStarted) -> None:
        if not self._shown:
            self._progress.start()
            self._shown = True
        task = self._progress.add_task(event.title[:44], total=None, note="")
        self._tasks[event.step] = task

    def _update(self, event: StepProgress) -> None:
        note = event.message[:24]
        if event.fraction is None:
            self._progress.update(self._tasks[event.step], note=note)
            return
        share = round(event.fraction * 100, 1)
        self._progress.update(
            self._tasks[event.step], total=100.0, completed=share, note=f"{share:.0f}% {note}"
        )

    def _note(self, step: str, note: str) -> None:
        self._progress.update(self._tasks[step], note=note[:24])


View = Silent | Lines | Live


def view(*, quiet: bool, verbose: bool, stream: TextIO | None = None) -> View:
    """The view that fits where the output goes."""
    import os

    where = stream or sys.stderr
    if quiet:
        return Silent()
    if where.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI"):
        return Live(where, verbose=verbose)
    return Lines(where, verbose=verbose)
