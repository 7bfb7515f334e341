"""Requirement files, taken together as one: `-r` and `-c` followed, own projects set apart."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from slipway.errors import BuildError

_INDEX = (
    *("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-index", "--pre"),
    *("--trusted-host", "--only-binary", "--no-binary", "--prefer-binary", "--use-feature"),
)
_UNKNOWN_TO_UV = ("--trusted-host", "--prefer-binary", "--use-feature")


class Requirements(NamedTuple):
    """`lines` are requirements, `options` index flags; `projects` are (folder, extras)."""

    lines: list[str]
    options: list[str]
    constraints: list[str]
    projects: list[tuple[Path, tuple[str, ...]]]

    @property
    def exact(self) -> bool:
        """Is every line one version with hashes, so that nothing is left to resolve?"""
        return bool(self.lines) and all("==" in x and "--hash" in x for x in self.lines)


def nothing() -> Requirements:
    """To be filled."""
    return Requirements([], [], [], [])


def read_requirements(
    file: Path, into: Requirements, *, constraint: bool = False, seen: Sequence[Path] = ()
) -> None:
    """Add what `file` says. Raises BuildError where a file is not there."""
    file = file.resolve()
    if file in seen:
        return
    try:
        text = file.read_text(errors="replace")
    except OSError as error:
        raise BuildError(f"cannot read the requirements {file.name}: {error.strerror}") from error
    for line in _logical(text):
        _read_line(line, file, into, constraint, [*seen, file])


def _logical(text: str) -> list[str]:
    joined = re.sub(r"\\\r?\n", " ", text)
    lines = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in joined.splitlines())
    return [line for line in lines if line]


def _read_line(
    line: str, file: Path, into: Requirements, constraint: bool, seen: list[Path]
) -> None:
    flag, value = _flag(line)
    if flag in ("-r", "--requirement", "-c", "--constraint"):
        inner = constraint or flag in ("-c", "--constraint")
        read_requirements(file.parent / value, into, constraint=inner, seen=seen)
    elif flag in _INDEX:
        if flag not in _UNKNOWN_TO_UV:
            into.options.append(line)
    elif flag in ("-e", "--editable") or _is_local(line, file.parent):
        _local(value or line, file.parent, into)
    elif constraint:
        into.constraints.append(line)
    else:
        into.lines.append(line)


def _flag(line: str) -> tuple[str, str]:
    if not line.startswith("-"):
        return "", ""
    match = re.match(r"(--[a-z-]+|-[a-zA-Z])(?:=|\s*)(.*)$", line)
    return (match.group(1), match.group(2).strip()) if match else (line, "")


def _is_local(line: str, folder: Path) -> bool:
    word = shlex.split(line)[0] if "'" not in line else line
    path = word.partition("[")[0].removeprefix("file:")
    return path.startswith((".", "/")) and (folder / path).is_dir()


def _local(text: str, folder: Path, into: Requirements) -> None:
    if "://" in text or text.startswith("git+"):
        into.lines.append(text)
        return
    path, _, extras = text.partition("[")
    names = tuple(part.strip() for part in extras.rstrip("]").split(",") if part.strip())
    into.projects.append(((folder / path.strip().removeprefix("file:")).resolve(), names))
