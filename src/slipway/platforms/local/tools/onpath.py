"""Finds a program that is already on this machine: PATH, and the folders distributions use."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from slipway.platforms.local.tools.catalogue import Recipe

_VERSION = re.compile(r"(\d+(?:\.\d+)+)")


def find_on_path(recipe: Recipe, path: str, folders: bool = True) -> tuple[str, str] | None:
    """(program, version) of the first one that is new enough, or None.

    The program's symbolic links are followed, so that its companions lie beside it.
    """
    for folder in _folders(recipe, path, folders):
        for name in recipe.programs:
            program = _program(Path(folder) / name, recipe)
            if program is None:
                continue
            version = version_of(str(program), recipe.version_args)
            if version is not None and version_tuple(version) >= recipe.least:
                return str(program), version
    return None


def _folders(recipe: Recipe, path: str, folders: bool) -> list[str]:
    found = [part for part in path.split(os.pathsep) if part]
    if folders:
        for pattern in recipe.folders:
            found.extend(sorted(_matching(pattern), key=_version_in, reverse=True))
    return found


def _matching(pattern: str) -> list[str]:
    return [str(folder) for folder in Path("/").glob(pattern.removeprefix("/"))]


def _version_in(folder: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", folder))


def _program(candidate: Path, recipe: Recipe) -> Path | None:
    if not os.access(candidate, os.X_OK) or candidate.is_dir():
        return None
    for program in (candidate, candidate.resolve()):
        if all(os.access(program.parent / name, os.X_OK) for name in recipe.companions):
            return program
    return None


def version_of(program: str, arguments: tuple[str, ...]) -> str | None:
    """The version a program says it has, or None if it does not run."""
    try:
        answer = subprocess.run(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(answer.stdout)
    return match.group(1) if answer.returncode == 0 and match else None


def version_tuple(version: str) -> tuple[int, ...]:
    """`3.7.15` as numbers that compare; what is not a number ends it."""
    numbers: list[int] = []
    for part in version.split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)
