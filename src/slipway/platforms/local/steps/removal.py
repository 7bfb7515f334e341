"""`remove` and `teardown`: what a release left behind, and everything."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from slipway.errors import PlatformError
from slipway.platforms.local.launchfile import NAME, WRITTEN
from slipway.platforms.local.proxy import manage, state
from slipway.platforms.local.runtime import Runtime, in_thread
from slipway.platforms.protocol import Outcome, StepContext
from slipway.support.files import storage_errors


async def remove(runtime: Runtime, context: StepContext) -> Outcome:
    """Take away artifacts by id, and what the proxy remembers of releases."""
    artifacts = [str(each) for each in context.step.args.get("artifacts", ())]
    for artifact in artifacts:
        folder = runtime.layout.artifacts / artifact
        if folder.parent == runtime.layout.artifacts:
            await in_thread(_remove_tree, folder)
    gone = {str(number) for number in context.step.args.get("releases", ())}
    known = manage.read(runtime)
    left = {n: t for n, t in known.releases.items() if n not in gone or n in known.weights}
    if left.keys() != known.releases.keys():
        state.write(runtime.layout.proxy, msgspec.structs.replace(known, releases=left))
    return {"artifacts": artifacts}


async def teardown(runtime: Runtime, context: StepContext) -> Outcome:
    """Stop everything and wait for it; remove what can be made again; volumes if asked."""
    await runtime.control.shut_down()
    layout = runtime.layout
    folders = [
        layout.supervisor, layout.instances, layout.jobs, layout.proxy, layout.logs,
        layout.artifacts, layout.runtime(),
    ]  # fmt: skip
    folders += _short_folders(layout.short)
    if context.step.args.get("volumes"):
        folders += [layout.volumes, layout.backing]
    for folder in folders:
        await in_thread(_remove_tree, folder)
    if context.step.args.get("volumes"):
        layout.addresses.unlink(missing_ok=True)
        if layout.root.is_dir() and not any(layout.root.iterdir()):
            layout.root.rmdir()
    else:
        await in_thread(_forget_backing, layout.backing)
    return {"volumes": bool(context.step.args.get("volumes"))}


def _forget_backing(folder: Path) -> None:
    """Their programs are gone, their data is in `volumes`: only launch files are ours."""
    for name in (NAME, WRITTEN, "previous.json", "pid", "starts", "wanted"):
        for path in folder.glob(f"*/{name}") if folder.is_dir() else ():
            path.unlink(missing_ok=True)


def _short_folders(short: Path) -> list[Path]:
    return [p for p in short.parent.glob(f"{short.name}*") if p.is_dir() and not p.is_symlink()]


def _remove_tree(folder: Path) -> None:
    if not folder.is_dir():
        return
    with storage_errors(folder, "remove"):
        for _ in range(3):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                return
        shutil.rmtree(folder)
    if folder.exists():
        raise PlatformError(f"{folder} could not be removed")
