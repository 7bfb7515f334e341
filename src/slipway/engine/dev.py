"""`deploy dev`: run the app, and move to a new revision whenever a file changes.

The same upgrade as in production, so what changed is restarted and nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

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

    A revision that fails is put back, said, and the next change tries again; only Ctrl-C
    (InterruptedRunError) ends it.
    """
    await _attempt(upgrade, on_error)
    async for paths in changes:
        on_change(paths)
        await _attempt(upgrade, on_error)


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
