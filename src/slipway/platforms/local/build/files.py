"""Puts files into a stage, and copies trees: links and executable bits are kept."""

from __future__ import annotations

import glob
import os
import shutil
from pathlib import Path

from slipway.errors import BuildError
from slipway.platforms.local.build.model import Bring, Put, Write
from slipway.platforms.local.build.workshop import Workshop
from slipway.support.files import storage_errors


def put(operation: Put, shop: Workshop) -> None:
    """COPY from the context. Raises StorageError, and BuildError if a file went away."""
    with storage_errors(shop.tree):
        if operation.folder is not None:
            shop.real(operation.folder).mkdir(parents=True, exist_ok=True)
        made: set[Path] = set()
        for source, target in operation.files:
            real = shop.real(target)
            if real.parent not in made:
                real.parent.mkdir(parents=True, exist_ok=True)
                made.add(real.parent)
            try:
                copy_entry(shop.context / source, real)
            except FileNotFoundError as error:
                raise BuildError(
                    f"{source} went away while it was copied",
                    location=shop.location(operation.line),
                    hint="run the same command again",
                ) from error
            if operation.mode is not None and not real.is_symlink():
                real.chmod(operation.mode | 0o600)


def write(operation: Write, shop: Workshop) -> None:
    """COPY of a heredoc."""
    real = shop.real(operation.target)
    with storage_errors(real):
        real.parent.mkdir(parents=True, exist_ok=True)
        real.write_text(operation.text)
        real.chmod(operation.mode or 0o644)


def bring(operation: Bring, source: Workshop, shop: Workshop, *, installed: bool) -> list[str]:
    """COPY --from an earlier stage; what was not there, to be said. `installed`: it may have
    come with an install, which this stage takes over as a whole. Raises BuildError.
    """
    missing: list[str] = []
    target = shop.real(operation.target)
    folder = operation.target.endswith("/") or target.is_dir()
    for wanted in operation.sources:
        found = _matching(source, wanted)
        if not found and operation.lenient and not installed:
            missing.append(wanted)
        elif not found and not installed:
            raise BuildError(
                f"COPY --from: the stage has no {wanted}",
                location=shop.location(operation.line),
            )
        for entry in found:
            with storage_errors(target):
                _bring_one(entry, target, folder or len(found) > 1)
    return missing


def _matching(source: Workshop, wanted: str) -> list[Path]:
    real = source.real(wanted)
    if any(char in wanted for char in "*?["):
        pattern = glob.escape(str(source.tree)) + wanted
        return sorted(Path(path) for path in glob.glob(pattern))  # noqa: PTH207 - absolute
    return [real] if os.path.lexists(real) else []


def _bring_one(entry: Path, target: Path, folder: bool) -> None:
    if entry.is_dir() and not entry.is_symlink():
        copy_tree(entry, target)
        return
    is_file = not entry.is_dir()
    place = target / entry.name if folder and is_file else target
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink() or place.is_file():
        place.unlink()
    elif place.is_dir() and not is_file:
        shutil.rmtree(place)
    copy_entry(entry, place)


def copy_tree(source: Path, target: Path) -> None:
    """All of `source` into `target`, over what is there."""
    target.mkdir(parents=True, exist_ok=True)
    with os.scandir(source) as entries:
        for entry in entries:
            place = target / entry.name
            if entry.is_dir(follow_symlinks=False):
                if place.is_symlink():
                    place.unlink()
                copy_tree(Path(entry.path), place)
            else:
                copy_entry(Path(entry.path), place)


def copy_entry(source: Path, target: Path) -> None:
    """One file or link; the copy is its owner's to write, and as executable as the source."""
    if target.is_symlink():
        target.unlink()
    if source.is_symlink():
        if target.is_dir():
            shutil.rmtree(target)
        target.unlink(missing_ok=True)
        target.symlink_to(source.readlink())
        return
    _copy_bytes(source, target)
    target.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)


def _copy_bytes(source: Path, target: Path) -> None:
    """By `copy_file_range`, which shares extents on file systems that can, else by reading."""
    if not hasattr(os, "copy_file_range"):
        shutil.copyfile(source, target)
        return
    with source.open("rb") as read, target.open("wb") as written:
        left = os.fstat(read.fileno()).st_size
        try:
            while left > 0:
                count = os.copy_file_range(read.fileno(), written.fileno(), left)
                if count == 0:
                    break
                left -= count
        except OSError as error:
            import errno

            if error.errno not in (errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
                raise
            shutil.copyfile(source, target)
