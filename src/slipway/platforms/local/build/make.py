"""Makes an artifact from a plan, whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import msgspec

from slipway.errors import BuildError
from slipway.platforms.local.build.maker import Maker, Reveal, StageAtWork
from slipway.platforms.local.build.model import BuildPlan, Built
from slipway.platforms.local.build.record import RECORD, load_built
from slipway.platforms.local.tools.command import OnLine, locked, silent
from slipway.support.files import storage_errors


async def build(
    plan: BuildPlan,
    *,
    root: Path,
    cache: Path,
    on_line: OnLine = silent,
    reveal: Reveal = str,
) -> Path:
    """Make the artifact of `plan` in `root/ID` unless it is there; its folder.

    `root` is the environment's artifacts folder, `cache` is shared by all apps. `reveal`
    replaces secret placeholders in build arguments; what it gives is kept out of `on_line`.
    Raises BuildError (the command, its Dockerfile line, its last lines), StorageError and
    PlatformError; a build that fails or is cancelled leaves nothing.
    """
    final = root / plan.id
    if load_built(root, plan.id) is not None:
        return final
    async with locked(_lock(cache, plan.id)):
        if load_built(root, plan.id) is not None:
            return final
        with storage_errors(root):
            root.mkdir(parents=True, exist_ok=True)
        await _sweep(root, cache, plan.id)
        with storage_errors(root):
            work = Path(tempfile.mkdtemp(prefix=f".{plan.id}-", dir=root))
        try:
            await _build_in(work, plan, final, cache, on_line, reveal)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return final


async def _sweep(root: Path, cache: Path, held: str) -> None:
    """What broken-off builds left: those whose lock nobody holds. `held` is held by us."""
    for left in root.glob(".*-*"):
        id = left.name[1:].partition("-")[0]
        try:
            if id == held:
                shutil.rmtree(left, ignore_errors=True)
                continue
            async with locked(_lock(cache, id), deadline=0):
                shutil.rmtree(left, ignore_errors=True)
        except BuildError:
            continue


def _lock(cache: Path, id: str) -> Path:
    return cache / "locks" / f"artifact-{id}.lock"


async def _build_in(
    work: Path, plan: BuildPlan, final: Path, cache: Path, on_line: OnLine, reveal: Reveal
) -> None:
    secrets: set[str] = set()

    def revealing(text: str) -> str:
        value = reveal(text)
        if value != text:
            secrets.add(value)
        return value

    def masking(line: str) -> None:
        on_line(_masked(line, secrets))

    maker = Maker(plan, work, cache, masking, revealing)
    try:
        stage = await maker.make()
    except BuildError as error:
        error.details = tuple(_masked(line, secrets) for line in error.details)
        raise
    made = stage.shop.tree.parent
    with storage_errors(final):
        shutil.rmtree(stage.shop.work, ignore_errors=True)
        (made / "lock.txt").write_text(stage.lock_text)
        (made / RECORD).write_bytes(msgspec.json.encode(_record(maker, stage)))
        made.chmod(0o755)
        shutil.rmtree(final, ignore_errors=True)
        made.rename(final)


def _masked(line: str, secrets: set[str]) -> str:
    for value in secrets:
        if len(value) > 3:
            line = line.replace(value, "***")
    return line


def _record(maker: Maker, stage: StageAtWork) -> Built:
    plan = maker.plan
    return Built(
        id=plan.id,
        kind=plan.kind,
        folder="",
        workdir=plan.workdir,
        entrypoint=plan.entrypoint,
        command=plan.command,
        run=plan.run,
        environment=plan.environment,
        expose=plan.expose,
        owned=plan.owned,
        venv=str(stage.venv) if stage.venv else None,
        python=maker.interpreter.version if maker.interpreter else None,
        interpreter=maker.interpreter.path if maker.interpreter else None,
        node=str(maker.node.folder) if maker.node else None,
        modules=tuple(dict.fromkeys(stage.modules)),
        notes=(*plan.notes, *dict.fromkeys(maker.notes)),
    )
