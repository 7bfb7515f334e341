"""Ctrl-C, SIGTERM, a terminal that is closed: counted, and turned into the cancellation of
whatever runs now.
"""

from __future__ import annotations

import signal
import threading
from types import TracebackType

import anyio
from anyio.abc import TaskGroup


def _caught() -> list[signal.Signals]:
    """What ends a run in good order; what the caller had ignored (`nohup`) stays so."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    known = [signal.Signals[name] for name in names if name in signal.Signals.__members__]
    return [number for number in known if signal.getsignal(number) != signal.SIG_IGN]


class Interrupts:
    """An async context manager that catches these signals while it is open.

    `count` is how many came; `cancels(scope)` names what the next one ends. Where signals
    cannot be caught (not the main thread) it does nothing.
    """

    def __init__(self) -> None:
        self.count = 0
        self._scope: anyio.CancelScope | None = None
        self._after = 1
        self._group: TaskGroup | None = None

    def cancels(self, scope: anyio.CancelScope, *, after: int = 1) -> None:
        """From now on a signal cancels `scope`: the first, or the one number `after` in all."""
        self._scope = scope
        self._after = after
        if after == 1 and self.count:
            scope.cancel()

    async def __aenter__(self) -> Interrupts:
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        if threading.current_thread() is threading.main_thread():
            await self._group.start(self._listen)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._group is not None
        self._group.cancel_scope.cancel()
        await self._group.__aexit__(None, None, None)

    async def _listen(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        with anyio.open_signal_receiver(*_caught()) as received:
            task_status.started()
            async for _ in received:
                self.count += 1
                if self._scope is not None and self.count >= self._after:
                    self._scope.cancel()
