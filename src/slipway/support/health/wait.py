"""Patience: ask until a service is ready, has died, or the time is over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import anyio
import anyio.to_thread

from slipway.errors import CrashedError, NotReadyError
from slipway.support.clock import Clock, SystemClock
from slipway.support.health.lastwords import hint_of, last_words
from slipway.support.health.model import Answer

FIRST_PAUSE, BACK_OFF, LONGEST_PAUSE = 0.05, 1.5, 1.0

OnAnswer = Callable[[Answer, int], None]
"""Called with every answer and the number of the attempt, from 1."""


def _alive() -> str | None:
    return None


def _silent(answer: Answer, attempt: int) -> None:
    del answer, attempt


def _no_lines() -> Sequence[str]:
    return ()


async def wait_until_ready(
    ask: Callable[[], list[Answer]],
    *,
    deadline: float,
    interval: float = LONGEST_PAUSE,
    alive: Callable[[], str | None] = _alive,
    on_answer: OnAnswer = _silent,
    last_lines: Callable[[], Sequence[str]] = _no_lines,
    clock: Clock | None = None,
    what: str = "the service",
) -> Answer:
    """Ask until all answers are good: at once, after 50 ms, then ever later up to `interval`.

    `ask` (blocking, all instances; run in a thread) and `alive` (why the service died, or
    None) are called from a thread. `deadline` and `interval` are seconds. `last_lines` are
    the service's last log lines, for the error's details; `what` names it there.
    Raises CrashedError as soon as `alive` says so, NotReadyError with the last answer.
    Cancelling it leaves a running `ask` behind, which ends by its probe's timeout.
    """

    def look() -> list[Answer] | str:
        died = alive()
        if died is not None:
            return died
        answers = ask()
        if answers and all(answer.ok for answer in answers):
            return answers
        return alive() or answers

    async def look_in_thread() -> list[Answer] | str:
        return await anyio.to_thread.run_sync(look, abandon_on_cancel=True)

    return await _until_ready(
        look_in_thread,
        deadline=deadline,
        interval=interval,
        on_answer=on_answer,
        last_lines=last_lines,
        clock=clock or SystemClock(),
        what=what,
    )


async def wait_until_answered(
    ask: Callable[[], Awaitable[list[Answer]]],
    *,
    deadline: float,
    interval: float = LONGEST_PAUSE,
    on_answer: OnAnswer = _silent,
    clock: Clock | None = None,
    what: str = "the service",
) -> Answer:
    """The same for an `ask` that is async itself, such as `Platform.probe`.

    Raises NotReadyError with the last answer.
    """

    async def look() -> list[Answer] | str:
        return await ask()

    return await _until_ready(
        look,
        deadline=deadline,
        interval=interval,
        on_answer=on_answer,
        last_lines=_no_lines,
        clock=clock or SystemClock(),
        what=what,
    )


async def _until_ready(
    look: Callable[[], Awaitable[list[Answer] | str]],
    *,
    deadline: float,
    interval: float,
    on_answer: OnAnswer,
    last_lines: Callable[[], Sequence[str]],
    clock: Clock,
    what: str,
) -> Answer:
    """`look` gives answers, or why the service died."""
    end = clock.monotonic() + deadline
    pause, attempt = FIRST_PAUSE, 0
    answer = Answer(ok=False, saw="no answer yet")
    while True:
        attempt += 1
        seen: list[Answer] | str | None = None
        with anyio.move_on_after(max(0.0, end - clock.monotonic()) + FIRST_PAUSE):
            seen = await look()
        if isinstance(seen, str):
            raise _crashed(what, seen, last_lines())
        if seen is not None:
            answer = together(seen)
            on_answer(answer, attempt)
            if answer.ok:
                return answer
        left = end - clock.monotonic()
        if left <= 0 or seen is None:
            raise _not_ready(what, deadline, answer, last_lines())
        await clock.sleep(min(pause, left))
        pause = min(pause * BACK_OFF, max(FIRST_PAUSE, min(interval, LONGEST_PAUSE)))


def together(answers: Sequence[Answer]) -> Answer:
    """One answer for all instances: good if all are, else the first that is not."""
    if not answers:
        return Answer(ok=False, saw="no instance is running yet")
    bad = [answer for answer in answers if not answer.ok]
    first = bad[0] if bad else answers[0]
    saw = first.saw
    if len(answers) > 1:
        saw = f"{saw} ({len(answers) - len(bad)} of {len(answers)} ready)"
    return Answer(
        ok=not bad,
        saw=saw,
        seconds=max(answer.seconds for answer in answers),
        target=first.target,
    )


def _crashed(what: str, reason: str, lines: Sequence[str]) -> CrashedError:
    return CrashedError(
        f"{what} died before it was ready: {reason}",
        hint=hint_of(lines, "its last log lines say why"),
        details=last_words(lines),
    )


def _not_ready(what: str, deadline: float, last: Answer, lines: Sequence[str]) -> NotReadyError:
    asked = f" from {last.target}" if last.target else ""
    return NotReadyError(
        f"{what} was not ready within {deadline:g} s; last answer{asked}: {last.saw}",
        hint=hint_of(
            lines,
            f"see `deploy logs {what}`; if it needs longer, give it a `deadline:` under"
            f" services.{what} in deploy.yaml",
        ),
        details=last_words(lines),
    )
