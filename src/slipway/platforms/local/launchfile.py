"""What a launch file holds: one process, as it is to be started, without any secret's value.

Written by the steps, read by `launch` (as plain JSON, without this module: it must be quick)
and by `observe`. One file per instance, in the folder of that instance.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from slipway.app.model import RestartPolicy
from slipway.support.data import Frozen
from slipway.support.files import atomic_write, make_folder

NAME = "instance.json"
WRITTEN = "instance.written.json"
"""The same once more, as it was written: what differs from it was changed by hand."""
EndpointData = tuple[str, Mapping[str, int]]
"""An address, and container port (as text) -> real port."""


class NetData(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """See `network.rewrite.Net`."""

    endpoints: Mapping[str, EndpointData]
    own: EndpointData
    paths: Mapping[str, str] = {}


class FileData(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """A file that the launcher makes anew at each start; `content` may hold placeholders."""

    path: str
    content: str
    mode: int = 0o400


class UserData(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """Whom to become, if root starts it."""

    name: str
    uid: int
    gid: int


class SecretsData(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """Where the launcher finds the secrets' values: a file store's folder, and its key."""

    store: str
    key: str
    versions: Mapping[str, int] = {}


class LaunchFile(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """One program. `key` is the whole `ReleaseService.key`; "" for backing services and ours.

    `environment` and `argv` are the container's words, rewritten when `net` is there. `fixed`
    are variables that are given as they are. `hooks` is the folder of the network hooks.
    `stdin` is fed to the program. `socket` is a folder that is made before each start, for
    `user` alone: it may be where a reboot, or whoever tidies up, empties. `pid_locks`: files
    that begin with a process id, which `pid_program` leaves behind when it is killed.
    `client_options`: what a client program that is run beside this one needs to find it.
    """

    name: str
    folder: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = {}
    cwd: str = "/"
    service: str = ""
    key: str = ""
    index: int = 0
    release: int | None = None
    address: str | None = None
    port: int | None = None
    fixed: Mapping[str, str] = {}
    umask: int = 0o022
    user: UserData | None = None
    net: NetData | None = None
    files: tuple[FileData, ...] = ()
    secrets: SecretsData | None = None
    hooks: str | None = None
    stdin: str | None = None
    socket: str | None = None
    pid_locks: tuple[str, ...] = ()
    pid_program: str = ""
    client_options: Mapping[str, tuple[str, ...]] = {}
    fingerprint: str = ""
    detail: str = ""
    restart: RestartPolicy = "unless-stopped"
    log: str = ""


def write(launch: LaunchFile) -> Path:
    """Write it into its own folder; the path. Raises StorageError."""
    folder = Path(launch.folder)
    make_folder(folder)
    path = folder / NAME
    data = msgspec.json.format(msgspec.json.encode(launch))
    atomic_write(folder / WRITTEN, data)
    atomic_write(path, data)
    return path


def edited(folder: Path) -> list[str]:
    """What of a launch file was changed since it was written, by name: `environment LEVEL`,
    `argv`; empty if nothing was, or if it is not known how it was written.
    """
    try:
        written, there = (folder / WRITTEN).read_bytes(), (folder / NAME).read_bytes()
        if written == there:
            return []
        before = msgspec.json.decode(written, type=LaunchFile)
    except (OSError, msgspec.DecodeError):
        return []
    now = read(folder)
    return ["all of it: it cannot be read"] if now is None else _changed(before, now)


def _changed(before: LaunchFile, now: LaunchFile) -> list[str]:
    names = sorted(before.environment.keys() | now.environment.keys())
    found = [
        f"environment {n}" for n in names if before.environment.get(n) != now.environment.get(n)
    ]
    fields = [f for f in LaunchFile.__struct_fields__ if getattr(before, f) != getattr(now, f)]
    return found + ["command" if f == "argv" else f for f in fields if f != "environment"]


def read(folder: Path) -> LaunchFile | None:
    """The launch file in a folder; None if there is none, or a torn one of a killed run."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=LaunchFile)
    except (OSError, msgspec.DecodeError):
        return None


def read_all(parent: Path) -> list[LaunchFile]:
    """Those of every folder in `parent`, by name."""
    if not parent.is_dir():
        return []
    return [found for folder in sorted(parent.iterdir()) if (found := read(folder)) is not None]
