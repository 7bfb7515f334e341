"""Brings an artifact of a kept release back when the cache lost what it shares with others."""

from __future__ import annotations

import tempfile
from pathlib import Path

from slipway.platforms.local.build.interpreter import Interpreter
from slipway.platforms.local.build.model import BuildPlan, Built
from slipway.platforms.local.build.pythondeps import ensure_venv
from slipway.platforms.local.build.record import load_built, read_record
from slipway.platforms.local.build.workshop import Workshop
from slipway.platforms.local.tools.command import OnLine, silent


async def restore(root: Path, id: str, *, cache: Path, on_line: OnLine = silent) -> Built | None:
    """The artifact `id`, with its Python dependencies made again from its own lock if they are
    gone. None if it cannot come back without a build.

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
