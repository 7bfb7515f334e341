"""`ready`: wait until every instance of a service answers its readiness probe."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import anyio

from slipway.errors import CrashedError, NotReadyError
from slipway.platforms.local import instances, probing
from slipway.platforms.local.launchfile import LaunchFile
from slipway.platforms.local.runtime import Runtime, in_thread
from slipway.platforms.local.supervision.daemon import tail
from slipway.platforms.local.supervision.rpc import ProgramState
from slipway.platforms.protocol import Outcome, StepContext
from slipway.support.clock import SystemClock
from slipway.support.health.lastwords import LINES_READ, hint_of, last_words
from slipway.support.health.model import Answer, Probe, Progress
from slipway.support.health.progress import read_progress
from slipway.support.health.wait import wait_until_ready
from slipway.support.telemetry.events import ProbeAnswered, StepProgress

SETTLED = 3.0
"""Seconds that a service without a probe must have stayed up."""
_CRASHES = 2


async def wait(runtime: Runtime, context: StepContext) -> Outcome:
    """Outcome: {"saw": the answer}. Raises NotReadyError, CrashedError with the last lines."""
    _, entry = instances.entry_of(context.release, context.step.service)
    service = entry.service
    key = str(context.step.args.get("key", entry.key))
    found = instances.of(runtime, service.name, key)
    deadline = float(context.step.args.get("deadline", service.probes.deadline))
    probe = service.probes.readiness
    watch = _Watch(runtime, found)
    if probe is None:
        saw = await _settle(watch, service.name, deadline)
        _known_good(found)
        return {"saw": saw}
    report = _Report(runtime, context, found, service.probes.progress)
    answer = await wait_until_ready(
        lambda: _ask(runtime, found, probe),
        deadline=deadline,
        interval=min(probe.interval, 1.0),
        alive=watch.died,
        on_answer=report.answered,
        last_lines=watch.last_lines,
        what=service.name,
    )
    _known_good(found)
    return {"saw": answer.saw}


def _known_good(found: Sequence[LaunchFile]) -> None:
    for launch in found:
        instances.clear_new(launch)


def _ask(runtime: Runtime, found: Sequence[LaunchFile], probe: Probe) -> list[Answer]:
    return probing.ask_all(runtime, found, probe)


class _Watch:
    """Looks whether instances died, and what they said last."""

    def __init__(self, runtime: Runtime, found: Sequence[LaunchFile]) -> None:
        self._runtime = runtime
        self._found = found

    def died(self) -> str | None:
        """Why an instance will not come up, or None. Blocking, quick."""
        states = self._runtime.control.look()
        for launch in self._found:
            reason = why_dead(launch, states.get(launch.name))
            if reason is not None:
                return reason
        return None

    def settled(self) -> bool:
        """True if every instance is up, and has been for `SETTLED` seconds."""
        states = self._runtime.control.look()
        found = [states.get(launch.name) for launch in self._found]
        return bool(found) and all(s is not None and _long_enough(s) for s in found)

    def keeps_ending(self) -> str | None:
        """Why it will not stay up, if it was started again and again."""
        often = max((_starts(launch) for launch in self._found), default=0)
        return f"it keeps ending, {often} times so far" if often > _CRASHES else None

    def last_lines(self) -> tuple[str, ...]:
        """The last log lines of the instance that has most reason to be looked at."""
        states = self._runtime.control.look()
        bad = [i for i in self._found if why_dead(i, states.get(i.name)) is not None]
        first = next(iter([*bad, *self._found]), None)
        return tail(Path(first.log), LINES_READ) if first is not None else ()


def why_dead(launch: LaunchFile, state: ProgramState | None) -> str | None:
    """Ended for good, or again and again; a first crash may be of waiting for a neighbour."""
    if state is None:
        return "it is not running"
    if state.state in ("FATAL", "EXITED"):
        return f"it ended with exit code {state.exit_code}"
    if state.state == "BACKOFF" and _starts(launch) > _CRASHES:
        return f"it keeps ending, {_starts(launch)} times so far"
    return None


def _long_enough(state: ProgramState) -> bool:
    since = state.started if state.started is not None else time.time()
    return state.state == "RUNNING" and time.time() - since >= SETTLED


def _starts(launch: LaunchFile) -> int:
    path = Path(launch.folder) / "starts"
    return path.stat().st_size if path.exists() else 0


async def _settle(watch: _Watch, name: str, deadline: float) -> str:
    """Without a probe: it has stayed up for a while."""
    until = time.monotonic() + max(deadline, 2 * SETTLED)
    while time.monotonic() < until:
        if await in_thread(watch.settled):
            return f"up for {SETTLED:.0f} s"
        reason = await in_thread(watch.died) or await in_thread(watch.keeps_ending)
        if reason is not None:
            lines = await in_thread(watch.last_lines)
            raise CrashedError(
                f"{name} died before it was ready: {reason}",
                hint=hint_of(lines, "its last log lines say why"),
                details=last_words(lines),
            )
        await anyio.sleep(0.05)
    lines = await in_thread(watch.last_lines)
    raise NotReadyError(
        f"{name} did not stay up for {SETTLED:.0f} s",
        hint=hint_of(lines, f"see `deploy logs {name}`"),
        details=last_words(lines),
    )


class _Report:
    """Tells the event stream about answers and progress."""

    def __init__(
        self,
        runtime: Runtime,
        context: StepContext,
        found: Sequence[LaunchFile],
        progress: Progress | None,
    ) -> None:
        self._runtime = runtime
        self._context = context
        self._found = found
        self._progress = progress
        self._clock = SystemClock()

    def answered(self, answer: Answer, attempt: int) -> None:
        self._context.emit(
            ProbeAnswered(
                at=self._clock.now(),
                step=self._context.step.id,
                service=self._context.step.service or "",
                ok=answer.ok,
                answer=answer.saw,
                attempt=attempt,
            )
        )
        if self._progress is not None and not answer.ok and self._found:
            self._tell_progress(self._progress, self._found[0])

    def _tell_progress(self, progress: Progress, launch: LaunchFile) -> None:
        host, port = probing.where(self._runtime, launch, progress.port)
        lines = tail(Path(launch.log), 50) if progress.pattern else ()
        found = read_progress(progress, host, port, lines)
        if found is not None:
            fraction, message = found
            at, step = self._clock.now(), self._context.step.id
            self._context.emit(StepProgress(at=at, step=step, message=message, fraction=fraction))
