"""A build context's files, and their digests: read once, then known by size and times.

Five thousand unchanged files take some tens of milliseconds: nothing is opened.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from slipway.errors import StorageError
from slipway.platforms.local.build.ignore import TOP, Ignore, Verdict, is_never_copied

MENTIONS = ("DEPLOY_VERSION", "DEPLOY_RELEASE", "DEPLOY_ENVIRONMENT")
_SEARCHED = 4 * 1024 * 1024  # larger files are data, not sources


class File(NamedTuple):
    """One file or symbolic link. `link` is its target; `known_by` changes when it is written."""

    executable: bool
    link: str | None
    known_by: tuple[int, int, int, int]


class Digest(NamedTuple):
    """Of a file's bytes; `mentions` has a bit for each of MENTIONS."""

    known_by: tuple[int, int, int, int]
    digest: str
    mentions: int


class Context(NamedTuple):
    """`files` by relative path, sorted; `skipped` are links that lead outside, sockets, ..."""

    folder: Path
    files: Mapping[str, File]
    skipped: tuple[str, ...]


def list_context(folder: Path, ignore: Ignore) -> Context:
    """Every file that a build may see. Raises StorageError for what cannot be read."""
    files: dict[str, File] = {}
    skipped: list[str] = []
    try:
        _walk(folder, "", TOP, ignore, files, skipped)
    except OSError as error:
        raise StorageError(f"cannot read {error.filename}: {error.strerror}") from error
    return Context(folder, dict(sorted(files.items())), tuple(sorted(skipped)))


def _walk(
    folder: Path,
    below: str,
    parent: Verdict,
    ignore: Ignore,
    files: dict[str, File],
    skipped: list[str],
) -> None:
    with os.scandir(folder / below) as entries:
        found = list(entries)
    if below and any(entry.name == "pyvenv.cfg" for entry in found):
        return
    for entry in found:
        path = f"{below}/{entry.name}" if below else entry.name
        verdict = ignore.judge(path, parent)
        if entry.is_dir(follow_symlinks=False):
            if is_never_copied(entry.name) or (verdict.excluded and not ignore.takes_back):
                continue
            _walk(folder, path, verdict, ignore, files, skipped)
        elif not verdict.excluded and not entry.name.endswith(".pyc"):
            file = _file(path, entry)
            if file is None:
                skipped.append(path)
            else:
                files[path] = file


def _file(path: str, entry: os.DirEntry[str]) -> File | None:
    status = entry.stat(follow_symlinks=False)
    known_by = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    if stat.S_ISREG(status.st_mode):
        return File(bool(status.st_mode & 0o100), None, known_by)
    if stat.S_ISLNK(status.st_mode):
        target = os.readlink(entry.path)  # noqa: PTH115 - a string as written
        reached = os.path.normpath(os.path.join(os.path.dirname(path), target))  # noqa: PTH118, PTH120
        inside = not os.path.isabs(target) and not reached.startswith("..")  # noqa: PTH117
        return File(False, target, known_by) if inside else None
    return None


class Digests:
    """What is known of a context's files. `save` keeps it; a cache that cannot be written is
    no error, the files are read again the next time.
    """

    def __init__(self, cache: Path | None, folder: Path) -> None:
        name = hashlib.blake2b(str(folder).encode(), digest_size=12).hexdigest()
        self._store = cache / "digests" / f"{name}.json" if cache is not None else None
        self._folder = folder
        self._known = self._load()
        self._changed = False

    def _load(self) -> dict[str, Digest]:
        try:
            data = self._store.read_bytes() if self._store is not None else b"{}"
            return msgspec.json.decode(data, type=dict[str, Digest])
        except (OSError, msgspec.MsgspecError):
            return {}

    def of(self, path: str, file: File) -> Digest:
        """The digest of one file of the context. Raises StorageError."""
        known = self._known.get(path)
        if known is not None and known.known_by == file.known_by:
            return known
        digest = _digest(self._folder / path, file)
        self._known[path] = digest
        self._changed = True
        return digest

    def save(self) -> None:
        """Keep what was learned, for the next look."""
        if not self._changed or self._store is None:
            return
        try:
            self._store.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._store.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(self._known))
            Path(name).replace(self._store)
        except OSError:
            return


def _digest(path: Path, file: File) -> Digest:
    if file.link is not None:
        content = hashlib.blake2b(file.link.encode(), digest_size=20)
        return Digest(file.known_by, content.hexdigest(), 0)
    hashed, mentions = hashlib.blake2b(digest_size=20), 0
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_SEARCHED):
                hashed.update(chunk)
                if file.known_by[0] <= _SEARCHED:
                    mentions = mentions_in(chunk)
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error
    return Digest(file.known_by, hashed.hexdigest(), mentions)


def mentions_in(data: bytes) -> int:
    """A bit for each of MENTIONS that occurs."""
    if b"DEPLOY_" not in data:
        return 0
    return sum(1 << bit for bit, name in enumerate(MENTIONS) if name.encode() in data)


def names_of(bits: Iterable[int]) -> tuple[str, ...]:
    """The MENTIONS that any of `bits` holds."""
    union = 0
    for value in bits:
        union |= value
    return tuple(name for bit, name in enumerate(MENTIONS) if union >> bit & 1)
