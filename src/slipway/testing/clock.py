"""A clock whose sleeps take no time."""

from __future__ import annotations

import anyio.lowlevel


class JumpingClock:
    """A `support.clock.Clock` that jumps ahead whenever someone sleeps, and remembers how far.

    `jump` moves it without a sleep, `set_by` only what it shows; `sleeps` are the seconds of
    each sleep so far.
    """

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._now = now
        self._monotonic = 0.0
        self.sleeps: list[float] = []

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def jump(self, seconds: float) -> None:
        self._now += seconds
        self._monotonic += seconds

    def set_by(self, seconds: float) -> None:
        """Somebody sets the wall clock, so many seconds from what it says; time goes on."""
        self._now += seconds

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.jump(seconds)
        await anyio.lowlevel.checkpoint()
