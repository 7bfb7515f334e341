"""Finds artifacts again: what a folder of them holds, and whether it can run as it is."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import msgspec

from slipway.platforms.local.build.interpreter import Interpreter
from slipway.platforms.local.build.model import BuildPlan, Built
from slipway.platforms.local.build.pythondeps import ensure_venv, is_complete
from slipway.platforms.local.build.workshop import Workshop
from slipway.platforms.local.tools.command import OnLine, silent, storage_errors

RECORD = "built.json"


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


async def restore(root: Path, id: str, *, cache: Path, on_line: OnLine = silent) -> Built | None:
    """An artifact of a kept release, with its Python dependencies made again from its own lock
    if the cache lost them. None if it cannot come back without a build.

    Raises BuildError, StorageError.
    """
    whole = load_built(root, id)
    built = read_record(root, id)
    if whole is not None or built is None or built.venv is None or built.interpreter is None:
        return whole
    text = (root / id / "lock.txt").read_text()
    interpreter = Interpreter(path=built.interpreter, version=built.python or "")
    plan = BuildPlan(service=id, kind=built.kind, id=id, context=built.folder)
    with tempfile.TemporaryDirectory() as scratch:
        shop = Workshop(plan, Path(scratch), root / id / "tree", cache, on_line)
        venv = await ensure_venv(text, interpreter, shop)
    return load_built(root, id) if str(venv) == built.venv else None
