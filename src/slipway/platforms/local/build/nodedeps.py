"""Node packages: an install's manifest and lock -> one shared `node_modules` in the cache."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slipway.errors import BuildError
from slipway.platforms.local.build.manifest import read_package
from slipway.platforms.local.build.model import InstallNode
from slipway.platforms.local.build.workshop import Workshop
from slipway.platforms.local.tools import Tool
from slipway.platforms.local.tools.certificates import authorities
from slipway.platforms.local.tools.command import Finished, locked, storage_full
from slipway.support.files import storage_errors

_MANIFESTS = (
    *("package.json", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml"),
    *("pnpm-workspace.yaml", ".npmrc", ".yarnrc", ".yarnrc.yml"),
)
_HOOKS = ("preinstall", "install", "postinstall", "prepare", "prepublish")
_LOCKS = {
    "npm": ("package-lock.json", "npm-shrinkwrap.json"),
    "yarn": ("yarn.lock",),
    "pnpm": ("pnpm-lock.yaml",),
}


async def ensure_modules(install: InstallNode, node: Tool, shop: Workshop) -> Path:
    """The folder in the cache whose `node_modules` has what the manifest asks for.

    Raises BuildError, StorageError.
    """
    view = shop.view(install.workdir, install.binds)
    if not (view / "package.json").exists():
        raise BuildError(
            f"{shop.service}: {install.workdir} has no package.json to install",
            location=shop.location(install.line),
        )
    files = sorted(_inputs(view))
    kept = shop.cache / "node" / _key(install, node, view, files)
    if (kept / "node_modules").is_dir():
        return kept
    async with locked(shop.cache / "locks" / f"node-{kept.name}.lock") as held:
        if not (kept / "node_modules").is_dir():
            shop.say(f"installing Node packages with {install.manager}")
            await _make(install, node, view, files, kept, shop, held)
    return kept


def _inputs(view: Path) -> Iterator[Path]:
    """Files that an install may read: the manifests; all, where it runs or links local code."""
    if not _reads_sources(read_package(view)) and not (view / "pnpm-workspace.yaml").exists():
        for name in _MANIFESTS:
            if (view / name).is_file():
                yield view / name
        return
    for folder, folders, names in os.walk(view):
        folders[:] = [name for name in folders if name not in ("node_modules", ".git")]
        yield from (Path(folder, name) for name in names if Path(folder, name).is_file())


def _reads_sources(package: dict[str, Any]) -> bool:
    scripts = package.get("scripts") or {}
    if "workspaces" in package or any(hook in scripts for hook in _HOOKS):
        return True
    tables = [package.get(key) or {} for key in ("dependencies", "devDependencies")]
    return any(str(v).startswith(("file:", "link:")) for table in tables for v in table.values())


def _key(install: InstallNode, node: Tool, view: Path, files: list[Path]) -> str:
    major = node.version.partition(".")[0]
    words = [install.manager, str(install.production), *install.arguments, major]
    words.append(install.variables.get("NODE_ENV", ""))
    hashed = hashlib.blake2b(digest_size=16)
    hashed.update(json.dumps([*words, platform.system(), platform.machine()]).encode())
    for file in files:
        hashed.update(f"\0{file.relative_to(view)}\0".encode())
        hashed.update(hashlib.blake2b(file.read_bytes()).digest())
    return hashed.hexdigest()


async def _make(
    install: InstallNode,
    node: Tool,
    view: Path,
    files: list[Path],
    kept: Path,
    shop: Workshop,
    held: int,
) -> None:
    with storage_errors(kept):
        kept.parent.mkdir(parents=True, exist_ok=True)
        for left in kept.parent.glob(f".{kept.name}-*"):
            shutil.rmtree(left, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=f".{kept.name}-", dir=kept.parent))
        work.chmod(0o755)
    try:
        with storage_errors(work):
            for file in files:
                target = work / file.relative_to(view)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, target)
        argv = _command(install, node, work)
        environment = _environment(install, node, shop)
        finished = await shop.run(argv, work, environment, keep_open=(held,))
        _check(finished, argv, install, shop)
        with storage_errors(kept):
            (work / "node_modules").mkdir(exist_ok=True)
            work.rename(kept)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _command(install: InstallNode, node: Tool, work: Path) -> list[str]:
    locked_by = [name for name in _LOCKS[install.manager] if (work / name).exists()]
    if install.manager == "npm":
        verb = ["ci"] if locked_by else ["install", "--no-package-lock"]
        argv = [str(node.folder / "npm"), *verb, "--no-audit", "--no-fund", "--loglevel=error"]
        argv += ["--omit=dev"] if install.production else []
    else:
        argv = [*_manager(install.manager, node, work), "install"]
        argv += ["--frozen-lockfile"] if locked_by else []
        production = "--production" if install.manager == "yarn" else "--prod"
        argv += [production] if install.production else []
    return [*argv, *install.arguments]


def _manager(name: str, node: Tool, work: Path) -> list[str]:
    """yarn or pnpm from PATH, else the version that package.json names, by npx."""
    found = shutil.which(name)
    if found is not None:
        return [found]
    named = str(read_package(work).get("packageManager", "")).partition("+")[0]
    default = "yarn@1" if name == "yarn" else "pnpm@9"
    package = named if named.startswith(f"{name}@") else default
    return [str(node.folder / "npx"), "--yes", package]


def _environment(install: InstallNode, node: Tool, shop: Workshop) -> dict[str, str]:
    """What an install is run with: the user's settings, the Dockerfile's, our node first."""
    environment = authorities("NODE_EXTRA_CA_CERTS")
    environment |= {n: v for n, v in os.environ.items() if n not in ("NODE_OPTIONS", "NODE_PATH")}
    environment["PATH"] = f"{node.folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environment.update({"NO_COLOR": "1", "CI": "1", "NO_UPDATE_NOTIFIER": "1"})
    declared = {name: shop.reveal(value) for name, value in install.variables.items()}
    declared.pop("HOME", None)
    return {**environment, **declared, **node.environment}


def _check(finished: Finished, argv: list[str], install: InstallNode, shop: Workshop) -> None:
    if finished.code == 0:
        return
    if finished.disk_full:
        raise storage_full(shop.cache, finished.lines)
    words = " ".join([Path(argv[0]).name, *argv[1:]])
    offline = any("ENOTFOUND" in text or "ECONNREFUSED" in text for text in finished.lines)
    raise BuildError(
        f"{shop.service}: the Node packages cannot be installed ({words})",
        location=shop.location(install.line),
        hint="is a package registry reachable? then run it again" if offline else None,
        details=finished.lines,
    )


def without_lock(install: InstallNode, shop: Workshop) -> str | None:
    """What to say where the versions are not locked."""
    view = shop.real(install.workdir)
    names = _LOCKS[install.manager]
    bound = set(install.binds.values())
    if any((view / name).exists() or name in bound for name in names):
        return None
    return f"{install.workdir} has no {names[0]}: its versions are what the registry had first"
