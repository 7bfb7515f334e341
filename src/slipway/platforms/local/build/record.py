"""Finds artifacts again: what a folder of them holds, and whether it can run as it is."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec

from slipway.platforms.local.build.model import Built
from slipway.support.files import storage_errors

RECORD = "built.json"


def is_complete(venv: Path) -> bool:
    """Was it made to the end, and is its interpreter still there?"""
    return (venv / ".complete").exists() and (venv / "bin" / "python").exists()


def load_built(root: Path, id: str) -> Built | None:
    """The artifact `id` if it is whole and what it shares with others is in the cache; else
    None. Reads one small file.
    """
    built = read_record(root, id)
    if built is None:
        return None
    if built.venv is not None and not is_complete(Path(built.venv)):
        return None
    if not all(Path(folder).is_dir() for folder in built.modules):
        return None
    node = Path(built.node) / "node" if built.node else None
    return built if node is None or os.access(node, os.X_OK) else None


def read_record(root: Path, id: str) -> Built | None:
    """The artifact's record, whether or not its dependencies are still there."""
    folder = root / id
    try:
        built = msgspec.json.decode((folder / RECORD).read_bytes(), type=Built)
    except (OSError, msgspec.MsgspecError):
        return None
    return msgspec.structs.replace(built, folder=str(folder))


def remove(root: Path, id: str) -> None:
    """Remove an artifact; what it shares with others stays in the cache. Raises StorageError."""
    folder = root / id
    leaving = root / f".{id}-removed"
    with storage_errors(folder):
        shutil.rmtree(leaving, ignore_errors=True)
        if folder.exists():
            folder.rename(leaving)
            shutil.rmtree(leaving)
