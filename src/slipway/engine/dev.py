"""`deploy dev`: run the app, and move to a new revision whenever a file changes.

The same upgrade as in production, so what changed is restarted and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from slipway.engine.workspace import Workspace
from slipway.errors import InterruptedRunError, SlipwayError

Upgrade = Callable[[], Awaitable[None]]


async def develop(
    upgrade: Upgrade,
    changes: AsyncIterator[tuple[str, ...]],
    *,
    on_change: Callable[[tuple[str, ...]], None],
    on_error: Callable[[SlipwayError], None],
) -> None:
    """Upgrade once, then again after each batch of changed files, until `changes` ends.

    Files are watched from before the first upgrade on; what changed during one is the next.
    A revision that fails is put back, said, and the next change tries again; only Ctrl-C
    (InterruptedRunError) ends it.
    """
    send, receive = anyio.create_memory_object_stream[tuple[str, ...]](math.inf)
    interrupted: InterruptedRunError | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(_collect, changes, send)
        try:
            await _attempt(upgrade, on_error)
            async for paths in receive:
                on_change(_with_waiting(paths, receive))
                await _attempt(upgrade, on_error)
        except InterruptedRunError as error:  # leaves the group as it is, not in an ExceptionGroup
            interrupted = error
        receive.close()
        group.cancel_scope.cancel()
    if interrupted is not None:
        raise interrupted


async def _collect(
    changes: AsyncIterator[tuple[str, ...]], send: MemoryObjectSendStream[tuple[str, ...]]
) -> None:
    async with send:
        async for paths in changes:
            await send.send(paths)


def _with_waiting(
    paths: tuple[str, ...], receive: MemoryObjectReceiveStream[tuple[str, ...]]
) -> tuple[str, ...]:
    """All that changed since the last upgrade began, as one batch."""
    found = set(paths)
    while True:
        try:
            found.update(receive.receive_nowait())
        except (anyio.WouldBlock, anyio.EndOfStream):
            return tuple(sorted(found))


async def _attempt(upgrade: Upgrade, on_error: Callable[[SlipwayError], None]) -> None:
    try:
        await upgrade()
    except InterruptedRunError:
        raise
    except SlipwayError as error:
        on_error(error)


async def file_changes(directory: Path) -> AsyncIterator[tuple[str, ...]]:
    """Batches of changed files below `directory`, without what tools write beside sources."""
    from watchfiles import DefaultFilter, awatch

    async for found in awatch(directory, watch_filter=DefaultFilter(), debounce=300, step=50):
        names = sorted({str(Path(path).relative_to(directory)) for _, path in found})
        yield tuple(names)


async def follow_logs(workspace: Workspace, show: Callable[[str, str], None]) -> None:
    """Everything that the current release's services say from now on: (service, line)."""
    current = workspace.journal.head().current
    if current is None:
        return
    names = tuple(workspace.releases.get(current).services)
    async for line in workspace.platform.logs(names, lines=0, follow=True):
        show(line.service, line.text)
