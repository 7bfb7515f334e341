"""A lock between processes that its holder's death always frees: an OS lock on a file."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from slipway.errors import StorageError
from slipway.support.files import storage_errors

_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.05


@contextlib.contextmanager
def file_lock(path: Path, *, patience: float) -> Iterator[None]:
    """Hold the lock that the file `path` stands for; its folder must exist.

    Works between processes and between threads, is not reentrant, and never stale: the file
    stays, the lock ends with its holder. Raises StorageError if others hold it for
    `patience` seconds.
    """
    descriptor = _acquire(path, patience)
    try:
        yield
    finally:
        _unlock(descriptor)
        os.close(descriptor)


def _acquire(path: Path, patience: float) -> int:
    deadline = time.monotonic() + patience
    pause = _FIRST_PAUSE
    while True:
        descriptor = _try(path)
        if descriptor is not None:
            return descriptor
        if time.monotonic() >= deadline:
            raise StorageError(
                f"another process has held {path} for {patience:.0f} s",
                hint="look for a `deploy` that is stopped or hangs, and end it",
            )
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _try(path: Path) -> int | None:
    """The descriptor of the locked file, or None if another holds it."""
    with storage_errors(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if _lock(descriptor) and _is(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None


def _is(path: Path, descriptor: int) -> bool:
    """Is the locked file still the one at `path`, or was it removed meanwhile?"""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
