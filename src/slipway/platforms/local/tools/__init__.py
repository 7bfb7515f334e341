"""Programs that the local platform runs: from PATH, else from wheels fetched into the cache.

The rest of `platforms/local` calls `ensure_tool` before it starts a proxy or a database,
`build` before it installs Node packages. A fetched program is shared by all apps.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from slipway.platforms.local.tools.catalogue import CATALOGUE, ToolName
from slipway.platforms.local.tools.command import OnLine, silent
from slipway.platforms.local.tools.onpath import find_on_path, version_of, version_tuple
from slipway.platforms.local.tools.wheels import fetch, find_in_cache, wheel_lock
from slipway.support.data import Frozen

__all__ = ["Tool", "ToolName", "ensure_tool", "find_tool", "version_of_wheel", "version_tuple"]


class Tool(Frozen, frozen=True, kw_only=True):
    """One program. `path` is absolute; its companions (`initdb` of `postgres`, `npm` of
    `node`) lie in the same folder. `environment` is what it must be run with.
    """

    name: str
    path: str
    version: str
    source: Literal["path", "wheel"]
    environment: Mapping[str, str] = {}

    @property
    def folder(self) -> Path:
        """Where the program and its companions lie."""
        return Path(self.path).parent


def find_tool(
    name: ToolName, cache: Path, *, path: str | None = None, least: tuple[int, ...] = ()
) -> Tool | None:
    """The tool, if it needs no fetching: from PATH (`path` in its place, then without the
    folders of distributions), else from the cache. `least` is the lowest version wanted from
    PATH. Runs the program once to ask its version; writes nothing.
    """
    recipe = CATALOGUE[name]
    wanted = os.environ.get("PATH", "") if path is None else path
    on_path = find_on_path(recipe, wanted, folders=path is None)
    if on_path is not None and version_tuple(on_path[1]) >= least:
        return Tool(name=name, path=on_path[0], version=on_path[1], source="path")
    cached = find_in_cache(name, recipe, cache)
    return None if cached is None else _fetched(name, cached)


async def ensure_tool(
    name: ToolName,
    cache: Path,
    on_line: OnLine = silent,
    *,
    path: str | None = None,
    least: tuple[int, ...] = (),
) -> Tool:
    """The tool, fetched into the cache if it is nowhere (see `find_tool`).

    Raises PlatformError with what to install by hand, and StorageError.
    """
    found = find_tool(name, cache, path=path, least=least)
    if found is not None:
        return found
    return _fetched(name, await fetch(name, CATALOGUE[name], cache, on_line))


def version_of_wheel(name: ToolName) -> str:
    """The version of the wheel that would be fetched: not always the program's own."""
    return wheel_lock(CATALOGUE[name])[0]


def _fetched(name: ToolName, program: str) -> Tool:
    version = version_of(program, CATALOGUE[name].version_args) or version_of_wheel(name)
    return Tool(name=name, path=program, version=version, source="wheel")
