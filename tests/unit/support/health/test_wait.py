from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from slipway.errors import CrashedError, NotReadyError
from slipway.support.health.model import Answer
from slipway.support.health.wait import together, wait_until_answered, wait_until_ready
from slipway.testing.clock import JumpingClock

GOOD = Answer(ok=True, saw="200 OK")
BAD = Answer(ok=False, saw="503 loading", target="http://a/ready")


class Service:
    """Answers what it is given, one by one; the last for ever."""

    def __init__(self, *answers: list[Answer]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def ask(self) -> list[Answer]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


def _wait(ask: Callable[[], list[Answer]], clock: JumpingClock, **options: Any) -> Answer:
    async def main() -> Answer:
        return await wait_until_ready(ask, clock=clock, **{"deadline": 60.0, **options})

    return anyio.run(main)


def test_what_is_ready_is_asked_once_and_not_waited_for() -> None:
    service, clock = Service([GOOD]), JumpingClock()
    assert _wait(service.ask, clock) == GOOD
    assert (service.asked, clock.sleeps) == (1, [])


def test_it_asks_fast_first_then_backs_off_to_a_second() -> None:
    service, clock = Service(*[[BAD]] * 12, [GOOD]), JumpingClock()
    attempts: list[tuple[bool, int]] = []
    _wait(service.ask, clock, interval=10.0, on_answer=lambda a, n: attempts.append((a.ok, n)))
    assert clock.sleeps[0] == 0.05
    assert [round(b / a, 3) for a, b in zip(clock.sleeps, clock.sleeps[1:], strict=False)][:6] == [
        1.5
    ] * 6
    assert clock.sleeps[-1] == 1.0
    assert attempts == [*((False, n) for n in range(1, 13)), (True, 13)]


def test_it_does_not_back_off_beyond_the_probes_interval() -> None:
    service, clock = Service(*[[BAD]] * 9, [GOOD]), JumpingClock()
    _wait(service.ask, clock, interval=0.2)
    assert clock.sleeps[-3:] == [0.2, 0.2, 0.2]


def test_at_the_deadline_it_says_the_last_answer_and_the_last_lines() -> None:
    service, clock = Service([GOOD, BAD]), JumpingClock()
    with pytest.raises(NotReadyError) as caught:
        _wait(service.ask, clock, deadline=5.0, what="model", last_lines=lambda: ["a", "b"])
    assert clock.monotonic() == pytest.approx(5.0)
    assert "model was not ready within 5 s" in caught.value.message
    assert "503 loading (1 of 2 ready)" in caught.value.message
    assert "http://a/ready" in caught.value.message
    assert caught.value.details == ("a", "b")


def test_no_instance_is_not_ready() -> None:
    with pytest.raises(NotReadyError, match="no instance is running yet"):
        _wait(Service([]).ask, JumpingClock())


def test_a_death_is_told_at_once() -> None:
    service, clock = Service([BAD]), JumpingClock()
    with pytest.raises(CrashedError, match="web died before it was ready: exit 3") as caught:
        _wait(
            service.ask,
            clock,
            alive=lambda: "exit 3" if service.asked == 2 else None,
            what="web",
            last_lines=lambda: [str(n) for n in range(50)],
        )
    assert service.asked == 2
    assert clock.sleeps == [0.05]
    assert caught.value.details[-1] == "49"
    assert len(caught.value.details) == 25


def test_the_dead_are_not_asked() -> None:
    service = Service([GOOD])
    with pytest.raises(CrashedError, match="exit 1"):
        _wait(service.ask, JumpingClock(), alive=lambda: "exit 1")
    assert service.asked == 0


def test_a_hanging_ask_does_not_outlast_the_deadline() -> None:
    release = threading.Event()

    def hang() -> list[Answer]:
        release.wait(60)
        return [GOOD]

    async def main() -> None:
        try:
            await wait_until_ready(hang, deadline=0.1)
        finally:
            release.set()

    with pytest.raises(NotReadyError, match="no answer yet"):
        anyio.run(main)


def test_it_can_be_cancelled_while_it_asks() -> None:
    asking, release = threading.Event(), threading.Event()

    def hang() -> list[Answer]:
        asking.set()
        release.wait(60)
        return [GOOD]

    async def main() -> bool:
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: wait_until_ready(hang, deadline=600))
            await anyio.to_thread.run_sync(asking.wait)
            group.cancel_scope.cancel()
        cancelled_before_answer = not release.is_set()
        release.set()
        return cancelled_before_answer

    assert anyio.run(main)


def test_an_async_ask_is_waited_for_the_same_way() -> None:
    service, clock = Service([BAD], [GOOD, GOOD]), JumpingClock()

    async def ask() -> list[Answer]:
        return service.ask()

    async def main() -> Answer:
        return await wait_until_answered(ask, deadline=5, clock=clock)

    answer = anyio.run(main)
    assert answer.saw == "200 OK (2 of 2 ready)"
    assert clock.sleeps == [0.05]


def test_together_takes_the_slowest_and_the_first_bad() -> None:
    slow = Answer(ok=True, saw="fine", seconds=2.0)
    answer = together([slow, BAD, Answer(ok=False, saw="other")])
    assert (answer.ok, answer.seconds, answer.target) == (False, 2.0, "http://a/ready")
    assert answer.saw == "503 loading (1 of 3 ready)"
