from __future__ import annotations

import anyio

from slipway.support.clock import Clock, SystemClock
from slipway.testing.clock import JumpingClock


def test_sleeping_moves_a_jumping_clock_by_exactly_that() -> None:
    clock = JumpingClock(now=100.0)

    async def sleep() -> None:
        await clock.sleep(3600)
        await clock.sleep(0.5)

    anyio.run(sleep)
    assert (clock.now(), clock.monotonic(), clock.sleeps) == (3700.5, 3600.5, [3600, 0.5])


def test_the_systems_clock_only_grows() -> None:
    clock: Clock = SystemClock()
    before = clock.monotonic()
    anyio.run(clock.sleep, 0.001)
    assert clock.monotonic() >= before + 0.001
