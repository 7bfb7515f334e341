"""Files that survive a crash, and the one place where an OSError becomes a StorageError.

Everything Slipway must not lose is written through here: beside the old file, synced, and
renamed over it, so that a reader or a power cut sees the old bytes or the new ones.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from slipway.errors import StorageError

TEMPORARY_SUFFIX = ".tmp"
_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM}


def atomic_write(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace `path` whole and durably; its folder must exist (see `make_folder`).

    Raises StorageError; `path` is then as it was, and nothing is left beside it.
    """
    with storage_errors(path):
        temporary = _write_beside(path, data, mode)
        try:
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def create_once(path: Path, data: bytes, mode: int = 0o600) -> bool:
    """Write `path` whole only if there is none yet; False if there is, also when racing.

    For what must never be overwritten, such as a key. Raises StorageError.
    """
    with storage_errors(path):
        temporary = _write_beside(path, data, mode)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)
        return True


def make_folder(path: Path, mode: int = 0o700) -> None:
    """Make `path` and what is missing above it, each durably and with `mode`.

    A folder that exists keeps its mode. Raises StorageError.
    """
    with storage_errors(path):
        missing = []
        for folder in (path, *path.parents):
            if folder.is_dir():
                break
            missing.append(folder)
        for folder in reversed(missing):
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=mode)
                sync_folder(folder.parent)


def sync_folder(path: Path) -> None:
    """Make names that were created, renamed or removed in `path` survive a power cut."""
    if os.name == "nt":  # Windows cannot open folders, and needs no such thing
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def storage_errors(path: Path, doing: str = "write") -> Iterator[None]:
    """Turn any OSError inside into a StorageError about `path`, with what to do about it.

    `doing` is the verb of the message: "write", "read", "remove".
    """
    try:
        yield
    except OSError as error:
        raise _translate(error, path, doing) from error


def free_bytes(path: Path) -> int:
    """Free space for this user where `path` is, or would be."""
    return shutil.disk_usage(_nearest(path)).free


def _write_beside(path: Path, data: bytes, mode: int) -> Path:
    """Write and sync a file of a name of its own next to `path`; remove it on failure."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _nearest(path: Path) -> Path:
    """`path`, or the folder above it that exists."""
    return next((each for each in (path, *path.parents) if each.exists()), Path("/"))


def _translate(error: OSError, path: Path, doing: str) -> StorageError:
    if error.errno in _FULL:
        return _disk_full(path, doing, quota=error.errno == errno.EDQUOT)
    if error.errno == errno.EROFS:
        return StorageError(
            f"cannot {doing} {path}: the file system is read-only",
            hint="mount it writable, or point DEPLOY_HOME and DEPLOY_CACHE to another one",
        )
    if error.errno in _FORBIDDEN:
        return StorageError(f"cannot {doing} {path}: no permission", hint=_who_may(path))
    return StorageError(
        f"cannot {doing} {path}: {error.strerror or error}",
        hint="look at the folders above it; DEPLOY_HOME and DEPLOY_CACHE choose other places",
    )


def _disk_full(path: Path, doing: str, *, quota: bool) -> StorageError:
    where = _nearest(path)
    try:
        left = f"{free_bytes(where) // 1_000_000} MB free at {where}"
    except OSError:
        left = f"at {where}"
    if quota:
        return StorageError(
            f"disk quota used up, cannot {doing} {path}: {left}",
            hint="free some space of this user's, or ask for a larger quota",
        )
    return StorageError(
        f"disk full, cannot {doing} {path}: {left}",
        hint="free some space (`df -h`, and `df -i` for the number of files), then run it again",
    )


def _who_may(path: Path) -> str:
    where = _nearest(path)
    try:
        owner = where.owner()
    except (OSError, KeyError, NotImplementedError):
        owner = ""
    who = f"{where} belongs to {owner}: " if owner else ""
    return f"{who}run as a user who may, or point DEPLOY_HOME to a folder of yours"
