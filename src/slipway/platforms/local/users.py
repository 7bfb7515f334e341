"""Becoming somebody else than root, and letting them reach their files.

PostgreSQL refuses to run as root, and a bare container is root. The user must have a name
(initdb asks for it), and pass through every folder above its data.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from slipway.errors import StorageError
from slipway.platforms.local.launchfile import UserData
from slipway.support.files import storage_errors

_CANDIDATES = ("postgres", "nobody")


def unprivileged_user() -> UserData | None:
    """Whom a database runs as when we are root: `postgres` if there, else `nobody`.

    None: we are not root, and it runs as we do.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    import pwd

    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return UserData(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    return None


def hand_over(folder: Path, user: UserData | None) -> None:
    """Make `folder` with mode 0700 and give it to `user`. Raises StorageError."""
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if user is not None and folder.stat().st_uid != user.uid:
            os.chown(folder, user.uid, user.gid)
        folder.chmod(0o700)


def let_pass(path: Path, user: UserData | None, ours: Iterable[Path]) -> None:
    """Let `user` pass through every folder above `path`.

    Folders in `ours` and below get the right to be passed (not listed); another one that
    may not be passed is a StorageError that says what to do.
    """
    if user is None:
        return
    roots = tuple(folder.resolve() for folder in ours)
    for folder in path.resolve().parents:
        found = folder.stat()
        if found.st_uid == user.uid or found.st_mode & stat.S_IXOTH:
            continue
        if not any(folder == root or root in folder.parents for root in roots):
            raise StorageError(
                f"the user {user.name} cannot reach {path}: {folder} is closed to others",
                hint=f"chmod o+x {folder}, or point DEPLOY_HOME (and DEPLOY_CACHE) to a folder "
                "such as /var/lib/slipway, or run as another user than root",
            )
        with storage_errors(folder):
            folder.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)


def let_read(folder: Path, user: UserData | None) -> None:
    """Let `user` read and run everything in a folder of ours, such as a fetched program's."""
    if user is None:
        return
    with storage_errors(folder):
        for base, folders, files in os.walk(folder):
            for name in (*folders, *files):
                path = Path(base) / name
                if not path.is_symlink():
                    _open_up(path)
        _open_up(folder)


def _open_up(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    wanted = mode | stat.S_IROTH
    if mode & stat.S_IXUSR:
        wanted |= stat.S_IXOTH
    if wanted != mode:
        path.chmod(wanted)
