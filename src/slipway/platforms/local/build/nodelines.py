"""Commands of npm, yarn and pnpm that install: ours to do. Their scripts are commands to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from slipway.platforms.local.build.model import InstallNode, NodeManager, Operation

_INSTALL: dict[NodeManager, frozenset[str]] = {
    "npm": frozenset({"ci", "install", "i", "clean-install", "add"}),
    "yarn": frozenset({"", "install", "workspaces"}),
    "pnpm": frozenset({"install", "i", "fetch", "ci"}),
}
_QUIET = frozenset(
    {"cache", "config", "set", "prune", "store", "audit", "version", "-v", "--version"}
)
_PRODUCTION = frozenset(
    {
        *("--production", "--production=true", "--omit=dev", "--only=production", "--only=prod"),
        *("--prod", "-P", "--no-dev"),
    }
)
_KEPT = frozenset({"--legacy-peer-deps", "--force", "--ignore-scripts", "--no-optional"})


def node_command(
    words: Sequence[str], workdir: str, binds: Mapping[str, str], line: int
) -> list[Operation] | None:
    """What a command of a package manager means; None if it installs nothing."""
    if words[0] == "corepack":
        return []
    if words[0] == "npm":
        return _managed("npm", words[1:], workdir, binds, line)
    if words[0] in ("yarn", "yarnpkg"):
        return _managed("yarn", words[1:], workdir, binds, line)
    if words[0] == "pnpm":
        return _managed("pnpm", words[1:], workdir, binds, line)
    return None


def _managed(
    manager: NodeManager,
    words: Sequence[str],
    workdir: str,
    binds: Mapping[str, str],
    line: int,
) -> list[Operation] | None:
    verb = next((word for word in words if not word.startswith("-")), "")
    flags = {word for word in words if word.startswith("-")}
    if verb in _QUIET:
        return []
    if flags & {"-g", "--global"}:
        packages = [word.partition("@")[0] for word in words if not word.startswith("-")][1:]
        ours = all(package in ("npm", "yarn", "pnpm", "corepack") for package in packages)
        return [] if ours else None
    if verb in _INSTALL[manager]:
        return [_install(manager, words, flags, workdir, binds, line)]
    return None


def _install(
    manager: NodeManager,
    words: Sequence[str],
    flags: set[str],
    workdir: str,
    binds: Mapping[str, str],
    line: int,
) -> InstallNode:
    following = list(pairwise(words))
    production = bool(flags & _PRODUCTION) or ("--omit", "dev") in following
    return InstallNode(
        manager=manager,
        workdir=workdir,
        production=production,
        arguments=tuple(sorted(flags & _KEPT)),
        binds=binds,
        line=line,
    )
