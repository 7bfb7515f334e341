"""Services without a Dockerfile: what their manifest (requirements.txt, package.json, ...) says."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

from slipway.platforms.local.build.model import InstallNode, InstallPython, Kind, Operation, VenvAt

APP = "/app"


class Manifest(NamedTuple):
    """What a folder's manifest asks for; `kind` None: there is none."""

    kind: Kind | None
    operations: tuple[Operation, ...] = ()
    command: tuple[str, ...] | None = None
    wanted: str | None = None


def read_manifest(folder: Path, files: Collection[str]) -> Manifest:
    """From the first manifest that is there; Python's before Node's. Reads only."""
    for reader in (_python, _node):
        found = reader(folder, files)
        if found.kind is not None:
            return found
    return Manifest(None)


def _python(folder: Path, files: Collection[str]) -> Manifest:
    install = _python_install(folder, files)
    if install is None:
        return Manifest(None)
    operations: tuple[Operation, ...] = (install,)
    if install.source == "uv":
        operations = (VenvAt(path=f"{APP}/.venv"), install)
    return Manifest("python", operations, None, _python_version(folder, files))


def _python_install(folder: Path, files: Collection[str]) -> InstallPython | None:
    project = _is_package(folder, files)
    if "uv.lock" in files and "pyproject.toml" in files:
        return InstallPython(source="uv", workdir=APP, project=project)
    if "poetry.lock" in files and "pyproject.toml" in files:
        return InstallPython(source="poetry", workdir=APP, project=project)
    if "requirements.txt" in files:
        return InstallPython(source="requirements", workdir=APP, files=(f"{APP}/requirements.txt",))
    if "Pipfile.lock" in files:
        return InstallPython(source="pipenv", workdir=APP)
    if "pyproject.toml" in files or "setup.py" in files:
        return InstallPython(source="project", workdir=APP, files=(APP,), project=project)
    return None


def _is_package(folder: Path, files: Collection[str]) -> bool:
    return "setup.py" in files or "build-system" in read_toml(folder / "pyproject.toml")


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file's content; empty where there is none that can be read."""
    try:
        return tomllib.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def _python_version(folder: Path, files: Collection[str]) -> str | None:
    text = ""
    if ".python-version" in files:
        text = (folder / ".python-version").read_text(errors="replace")
    elif "pyproject.toml" in files:
        project = read_toml(folder / "pyproject.toml").get("project", {})
        text = str(project.get("requires-python", ""))
        if not re.match(r"\s*(==|~=)", text):
            return None
    match = re.search(r"\d+\.\d+", text)
    return match.group(0) if match else None


def _node(folder: Path, files: Collection[str]) -> Manifest:
    if "package.json" not in files:
        return Manifest(None)
    package = read_package(folder)
    install = InstallNode(
        manager="yarn" if "yarn.lock" in files else "pnpm" if "pnpm-lock.yaml" in files else "npm",
        workdir=APP,
        production=True,
    )
    scripts = package.get("scripts")
    command = ("npm", "start") if isinstance(scripts, dict) and "start" in scripts else None
    engines = package.get("engines")
    wanted = re.search(r"\d+", str(engines.get("node", ""))) if isinstance(engines, dict) else None
    return Manifest("node", (install,), command, wanted.group(0) if wanted else None)


def read_package(folder: Path) -> dict[str, Any]:
    """package.json's content; empty where there is none that can be read."""
    try:
        value = json.loads((folder / "package.json").read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
