"""poetry.lock and Pipfile.lock as requirements; what a pyproject.toml names in the old forms."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from slipway.errors import BuildError
from slipway.platforms.local.build.manifest import read_toml


def pipenv_lines(folder: Path, *, dev: bool) -> list[str]:
    """Pipfile.lock's packages, exact and with hashes. Raises BuildError."""
    try:
        lock = json.loads((folder / "Pipfile.lock").read_text())
    except (OSError, ValueError) as error:
        raise BuildError("Pipfile.lock is missing or broken", hint="run: pipenv lock") from error
    found: list[str] = []
    for section in ("default", "develop") if dev else ("default",):
        for name, entry in lock.get(section, {}).items():
            hashes = "".join(f" --hash={value}" for value in entry.get("hashes", ()))
            markers = f" ; {entry['markers']}" if entry.get("markers") else ""
            if "version" in entry:
                found.append(f"{_with_extras(name, entry)}{entry['version']}{markers}{hashes}")
            elif "git" in entry:
                found.append(f"{name} @ git+{entry['git']}@{entry.get('ref', 'HEAD')}")
    return found


def _with_extras(name: str, entry: Mapping[str, Any]) -> str:
    extras = entry.get("extras", ())
    return f"{name}[{','.join(extras)}]" if extras else name


def poetry_lines(
    folder: Path, *, dev: bool, groups: Sequence[str], extras: Sequence[str]
) -> tuple[list[str], list[str]]:
    """(what the project asks for by name, the exact versions poetry.lock holds it to)."""
    project = read_toml(folder / "pyproject.toml")
    packages = read_toml(folder / "poetry.lock").get("package", [])
    if not packages:
        raise BuildError("poetry.lock is missing or broken", hint="run: poetry lock")
    sources = {normal(p["name"]): _locked_source(p) for p in packages}
    names = [*_new_style(project, extras), *_old_style(project, dev, groups, extras)]
    wanted = [_at_source(name, sources) for name in names]
    exact = [f"{p['name']}=={p['version']}" for p in packages if not _locked_source(p)]
    return wanted, exact


def normal(name: str) -> str:
    """A package's name as all spellings of it compare."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _locked_source(package: Mapping[str, Any]) -> str:
    source = package.get("source", {})
    if source.get("type") == "git":
        return f"git+{source['url']}@{source.get('resolved_reference', 'HEAD')}"
    return str(source.get("url", "")) if source.get("type") == "url" else ""


def _at_source(requirement: str, sources: Mapping[str, str]) -> str:
    name = re.split(r"[\s\[<>=!~;@(]", requirement, maxsplit=1)[0]
    source = sources.get(normal(name), "")
    return f"{name} @ {source}" if source else requirement


def _new_style(project: Mapping[str, Any], extras: Sequence[str]) -> list[str]:
    table = project.get("project", {})
    optional = table.get("optional-dependencies", {})
    chosen = optional if "*" in extras else {name: optional.get(name, []) for name in extras}
    return [*table.get("dependencies", []), *(item for items in chosen.values() for item in items)]


def _old_style(
    project: Mapping[str, Any], dev: bool, groups: Sequence[str], extras: Sequence[str]
) -> list[str]:
    poetry = project.get("tool", {}).get("poetry", {})
    chosen = {name for extra in extras for name in poetry.get("extras", {}).get(extra, [])}
    found = list(_names(poetry.get("dependencies", {}), chosen))
    for group, table in poetry.get("group", {}).items():
        if group in groups or (dev and not table.get("optional", False)):
            found.extend(_names(table.get("dependencies", {}), chosen))
    if dev:
        found.extend(_names(poetry.get("dev-dependencies", {}), chosen))
    return found


def _names(table: Mapping[str, Any], chosen: set[str]) -> Iterable[str]:
    """Names alone: the lock file holds them to one version anyway."""
    for name, wanted in table.items():
        if name.lower() == "python":
            continue
        entry = wanted if isinstance(wanted, dict) else {}
        if "path" in entry or (entry.get("optional") and name not in chosen):
            continue
        markers = f" ; {entry['markers']}" if entry.get("markers") else ""
        yield f"{_with_extras(name, entry)}{markers}"


def local_projects(folder: Path, *, project: bool) -> list[Path]:
    """The folders whose own code uv.lock installs, besides what comes from a registry."""
    found: list[Path] = []
    for package in read_toml(folder / "uv.lock").get("package", []):
        source = package.get("source", {})
        path = source.get("editable") or source.get("directory")
        if path is not None and (project or normal_path(path) != "."):
            found.append(folder / path)
    return found


def normal_path(path: str) -> str:
    """`./` and `.` are one."""
    return path.strip("/").removeprefix("./") or "."
