"""What ends a run in good order."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import anyio
import pytest

from slipway.engine.signals import Interrupts

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")


@pytest.fixture
def ignored() -> Iterator[None]:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


async def _received(number: signal.Signals) -> int:
    """How many interrupts are counted of one such signal."""
    async with Interrupts() as interrupts:
        with anyio.CancelScope() as scope:
            interrupts.cancels(scope)
            os.kill(os.getpid(), number)
            await anyio.sleep(30)
        return interrupts.count


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_cancels_what_runs(name: str) -> None:
    assert anyio.run(_received, signal.Signals[name]) == 1


def test_nohup_is_respected(ignored: None) -> None:
    async def inside() -> object:
        async with Interrupts():
            return signal.getsignal(signal.SIGHUP)

    assert anyio.run(inside) == signal.SIG_IGN
