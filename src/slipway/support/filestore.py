"""A `Store` in a folder of this machine: what the local platform keeps its records in.

Writers of all processes take turns by an operating system's lock on one file, which the
system lets go of when its holder dies, so it is never stale. Readers take no lock and
never create anything.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from slipway.support.files import (
    TEMPORARY_SUFFIX,
    atomic_write,
    make_folder,
    storage_errors,
    sync_folder,
)
from slipway.support.locks import file_lock
from slipway.support.store import check_key, check_line

_LOCK = ".lock"
_CHUNK = 64 * 1024


class FileStore:
    """See `support.store.Store`. Files are 0600, folders 0700; `root` is made by the first write.

    `patience` is how many seconds a write waits for other writers before its StorageError.
    """

    def __init__(self, root: Path, *, patience: float = 30.0) -> None:
        self.root = root
        self._patience = patience

    def read(self, key: str) -> bytes | None:
        path = self._path(key)
        with storage_errors(path, "read"):
            try:
                return path.read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def tail(self, key: str, limit: int) -> bytes:
        path = self._path(key)
        with storage_errors(path, "read"):
            try:
                with path.open("rb") as file:
                    file.seek(max(0, file.seek(0, os.SEEK_END) - limit))
                    return file.read(limit)
            except (FileNotFoundError, NotADirectoryError):
                return b""

    def write(self, key: str, data: bytes) -> None:
        path = self._path(key)
        with self._writing(path):
            _replace(path, data)

    def swap(self, key: str, expected: bytes | None, data: bytes | None) -> bool:
        path = self._path(key)
        with self._writing(path):
            if self.read(key) != expected:
                return False
            if data is None:
                _remove(path)
            else:
                _replace(path, data)
            return True

    def append(self, key: str, line: bytes) -> None:
        check_line(line)
        path = self._path(key)
        with self._writing(path), storage_errors(path):
            new = not path.exists()
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                _append_line(descriptor, line)
            finally:
                os.close(descriptor)
            if new:
                sync_folder(path.parent)

    def keys(self, prefix: str = "") -> list[str]:
        start = self.root / prefix.rpartition("/")[0]
        with storage_errors(start, "read"):
            found = (path.relative_to(self.root).as_posix() for path in _files(start))
            return sorted(key for key in found if key.startswith(prefix))

    def delete(self, key: str) -> None:
        path = self._path(key)
        with storage_errors(path, "remove"):
            there = path.exists()
        if there:
            with self._writing(path):
                _remove(path)

    def _path(self, key: str) -> Path:
        check_key(key)
        return self.root / key

    @contextlib.contextmanager
    def _writing(self, path: Path) -> Iterator[None]:
        """Hold the store's lock, with `path`'s folder made."""
        make_folder(path.parent)
        with file_lock(self.root / _LOCK, patience=self._patience):
            yield


def _replace(path: Path, data: bytes) -> None:
    """Write atomically, and sweep what a killed writer left beside. Under the lock."""
    with storage_errors(path):
        for left in path.parent.glob(f".{path.name}.*{TEMPORARY_SUFFIX}"):
            left.unlink(missing_ok=True)
    atomic_write(path, data)


def _remove(path: Path) -> None:
    with storage_errors(path, "remove"):
        path.unlink(missing_ok=True)
        sync_folder(path.parent)


def _append_line(descriptor: int, line: bytes) -> None:
    """Cut a torn last line, add `line`, sync; on failure the file ends where it did."""
    end = _end_of_lines(descriptor)
    os.ftruncate(descriptor, end)
    left = memoryview(line + b"\n")
    try:
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, end)
        raise


def _end_of_lines(descriptor: int) -> int:
    """The offset after the last newline."""
    position = os.lseek(descriptor, 0, os.SEEK_END)
    while position > 0:
        start = max(0, position - _CHUNK)
        os.lseek(descriptor, start, os.SEEK_SET)
        newline = os.read(descriptor, position - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        position = start
    return 0


def _files(folder: Path) -> Iterator[Path]:
    """Every file below `folder` that is a value: not the lock, nor a half-written one."""
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path))
        else:
            yield Path(entry.path)
