"""`deploy diff`: which two releases are meant, and what differs between them. Only reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio.to_thread

from slipway.app.assemble import Loaded
from slipway.engine.prepare import Wanted, installed_release, wanted_release
from slipway.engine.source import git_state
from slipway.engine.workspace import Workspace
from slipway.errors import NotFoundError
from slipway.journal.journal import Head
from slipway.plan.compare import Compared, compare
from slipway.plan.release import Release
from slipway.support.data import Frozen


class Comparison(Frozen, frozen=True, kw_only=True):
    """`after_made` False: `after` is what the working tree would be now, with the number that
    it would get; nothing of it was written.
    """

    before: Release
    after: Release
    after_made: bool
    compared: tuple[Compared, ...]

    @property
    def same(self) -> bool:
        """True if nothing differs."""
        return all(each.action == "keep" for each in self.compared)


async def compare_releases(
    workspace: Workspace, names: tuple[str, ...], load: Callable[[], Loaded]
) -> Comparison:
    """Two labels or numbers; one: that one beside the current; none: the current one beside
    the working tree, which `load` reads.

    Raises NotFoundError (lists the releases there are), RefusedError (nothing is installed),
    and InputError for a working tree that cannot be a release.
    """
    head = workspace.journal.head()
    chosen = [named_release(workspace, head, name) for name in names]
    if len(chosen) == 2:
        return _compared(chosen[0], chosen[1], made=True)
    current = installed_release(workspace, head)
    if chosen:
        return _compared(chosen[0], current, made=True)
    loaded = await anyio.to_thread.run_sync(load)
    git = await anyio.to_thread.run_sync(git_state, Path(workspace.target.directory))
    wanted = Wanted(verb="diff", git=git)
    after, new = await wanted_release(workspace, loaded, wanted, base=current)
    return _compared(current, after, made=not new)


def _compared(before: Release, after: Release, *, made: bool) -> Comparison:
    return Comparison(before=before, after=after, after_made=made, compared=compare(before, after))


def named_release(workspace: Workspace, head: Head, name: str) -> Release:
    """A release by label or number; of several with one label, the newest that served.

    Raises NotFoundError.
    """
    releases = workspace.releases
    found = releases.find(name, among=head.served) or releases.find(name)
    if found is not None:
        return found
    listed = []
    for number in reversed(releases.numbers()[-20:]):
        each = releases.get(number)
        word = "" if number in head.served else "  (never served)"
        listed.append(f"{each.number}  {each.label}{word}")
    raise NotFoundError(
        f"release {name} does not exist",
        details=listed or ["there is none yet"],
        hint="choose one of the releases above, by its number or label"
        if listed
        else "`deploy install` makes the first one",
    )
