"""The services' log files as one stream: the last lines of each, then what comes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from slipway.platforms.local.layout import Layout
from slipway.platforms.protocol import LogLine

_PAUSE = 0.2
_BLOCK = 65536


@dataclass(slots=True)
class _File:
    """One log being read. Rotation gives the path another inode: what was left is read first."""

    service: str
    path: Path
    position: int = 0
    inode: int = 0
    rest: bytes = b""
    lines: list[str] = field(default_factory=list)


async def read(
    layout: Layout, services: tuple[str, ...], *, lines: int, follow: bool
) -> AsyncIterator[LogLine]:
    """Each instance's last lines, oldest instance first; `follow` goes on until cancelled."""
    files = [_opened(path) for path in _paths(layout, services)]
    for file in sorted(files, key=lambda f: f.path.stat().st_mtime):
        for text in _last(file, lines):
            yield _line(file, text)
    known = {file.path: file for file in files}
    while follow:
        for path in _paths(layout, services):
            file = known.setdefault(path, _File(path.parent.name, path))
            for text in _new(file):
                yield _line(file, text)
        await anyio.sleep(_PAUSE)


def _paths(layout: Layout, services: Iterable[str]) -> list[Path]:
    wanted = set(services)
    found = layout.logs.glob("*/*.log")
    return sorted(path for path in found if not wanted or path.parent.name in wanted)


def _opened(path: Path) -> _File:
    return _File(path.parent.name, path)


def _line(file: _File, text: str) -> LogLine:
    return LogLine(service=file.service, instance=file.path.stem, text=text)


def _last(file: _File, lines: int) -> list[str]:
    """The last lines, also those that a rotation has just moved to the older file."""
    data = _read_end(file.path, lines)
    try:
        status = file.path.stat()
    except FileNotFoundError:
        return []
    file.inode, file.position = status.st_ino, status.st_size
    older = file.path.with_name(f"{file.path.name}.1")
    if len(data) < lines and older.exists():
        data = _read_end(older, lines - len(data)) + data
    return data[-lines:] if lines else []


def _read_end(path: Path, lines: int) -> list[str]:
    """Blocks from the end until there are enough lines."""
    try:
        with path.open("rb") as file:
            position = file.seek(0, os.SEEK_END)
            data = b""
            while position > 0 and data.count(b"\n") <= lines:
                step = min(_BLOCK, position)
                position -= step
                file.seek(position)
                data = file.read(step) + data
    except FileNotFoundError:
        return []
    return data.decode("utf-8", "replace").splitlines()[-lines:]


def _new(file: _File) -> list[str]:
    try:
        status = file.path.stat()
    except FileNotFoundError:
        return []
    data = b""
    if file.inode and status.st_ino != file.inode:
        data = _from(file.path.with_name(f"{file.path.name}.1"), file.position)
        file.position = 0
    elif status.st_size < file.position:
        file.position = 0
    file.inode = status.st_ino
    fresh = _from(file.path, file.position)
    file.position += len(fresh)
    whole, newline, file.rest = (file.rest + data + fresh).rpartition(b"\n")
    return whole.decode("utf-8", "replace").splitlines() if newline else []


def _from(path: Path, position: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(position)
            return file.read()
    except FileNotFoundError:
        return b""
