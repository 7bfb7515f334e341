"""Python dependencies: every install of a stage -> one exact lock -> one shared environment.

Both are kept in the cache by the hash of what they are made from, so two releases with the
same dependencies share them, and nothing is resolved twice.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from slipway.errors import BuildError
from slipway.platforms.local.build.interpreter import Interpreter
from slipway.platforms.local.build.lockfiles import (
    local_projects,
    pipenv_lines,
    poetry_lines,
)
from slipway.platforms.local.build.manifest import read_toml
from slipway.platforms.local.build.model import InstallPython
from slipway.platforms.local.build.record import is_complete
from slipway.platforms.local.build.requirements import (
    Requirements,
    nothing,
    read_requirements,
)
from slipway.platforms.local.build.workshop import Workshop
from slipway.platforms.local.tools.command import Finished, locked, storage_full
from slipway.platforms.local.tools.uv import uv_environment, uv_program
from slipway.support.files import storage_errors

_OFFLINE_WORDS = ("error sending request", "dns error", "Connection refused", "network")


class Wanted(NamedTuple):
    """What all installs of a stage ask for. `manifests` are pyproject.toml/setup.py files whose
    dependencies are wanted; `own` are folders whose code itself is installed. `environment`
    is what uv is run with.
    """

    requirements: Requirements
    manifests: list[Path]
    extras: list[str]
    own: list[Path]
    environment: dict[str, str]


class Placed(NamedTuple):
    """An install, and the stage whose files it reads."""

    install: InstallPython
    shop: Workshop


async def collect(installs: Sequence[Placed]) -> Wanted:
    """Read what the installs name, in their stages' files as they are now."""
    declared: dict[str, str] = {}
    for install, shop in installs:
        declared.update({n: shop.reveal(value) for n, value in install.variables.items()})
    wanted = Wanted(nothing(), [], [], [], uv_environment({**os.environ, **declared}))
    for install, shop in installs:
        try:
            await _collect_one(install, shop, wanted)
        except BuildError as error:
            error.location = error.location or shop.location(install.line)
            raise
    for folder, extras in wanted.requirements.projects:
        _add_project(folder, extras, wanted)
        wanted.own.append(folder)
    return wanted


async def _collect_one(install: InstallPython, shop: Workshop, wanted: Wanted) -> None:
    requirements = wanted.requirements
    requirements.options.extend(install.options)
    for constraint in install.constraints:
        read_requirements(shop.find(constraint, install.binds), requirements, constraint=True)
    if install.source == "requirements":
        for file in install.files:
            read_requirements(shop.find(file, install.binds), requirements)
    elif install.source == "packages":
        requirements.lines.extend(install.packages)
    elif install.source == "project":
        for path in install.files:
            project = shop.view(path, install.binds)
            _add_project(project, install.extras, wanted)
            if install.project:
                wanted.own.append(project)
    else:
        await _from_lock(install, shop.view(install.workdir, install.binds), shop, wanted)


async def _from_lock(install: InstallPython, view: Path, shop: Workshop, wanted: Wanted) -> None:
    lines = wanted.requirements.lines
    if install.source == "pipenv":
        lines.extend(pipenv_lines(view, dev=install.dev))
    elif install.source == "poetry":
        names, exact = poetry_lines(
            view, dev=install.dev, groups=install.groups, extras=install.extras
        )
        lines.extend(names)
        wanted.requirements.constraints.extend(exact)
        if install.project and _poetry_package(view):
            wanted.own.append(view)
    elif (view / "uv.lock").exists():
        lines.extend(await _exported(install, view, shop, wanted.environment))
        wanted.own.extend(local_projects(view, project=install.project))
    else:
        _add_project(view, install.extras, wanted)
        if install.project and "build-system" in read_toml(view / "pyproject.toml"):
            wanted.own.append(view)


def _poetry_package(view: Path) -> bool:
    project = read_toml(view / "pyproject.toml")
    poetry = project.get("tool", {}).get("poetry", {})
    return "build-system" in project and poetry.get("package-mode", True) is not False


def _add_project(folder: Path, extras: Sequence[str], wanted: Wanted) -> None:
    for name in ("pyproject.toml", "setup.py"):
        if (folder / name).exists():
            wanted.manifests.append(folder / name)
            wanted.extras.extend(extras)
            return
    raise BuildError("there is neither a pyproject.toml nor a setup.py to install")


async def _exported(
    install: InstallPython, view: Path, shop: Workshop, environment: Mapping[str, str]
) -> list[str]:
    """uv.lock's packages from registries, exact and with hashes."""
    output = shop.scratch("export") / "requirements.txt"
    argv = [uv_program(), "export", "--quiet", "--frozen", "--no-header", "--no-annotate"]
    argv += ["--no-emit-local", "--output-file", str(output)]
    argv += [] if install.dev else ["--no-dev"]
    for extra in install.extras:
        argv += ["--all-extras"] if extra == "*" else ["--extra", extra]
    for group in install.groups:
        argv += ["--group", group]
    finished = await shop.run(argv, view, environment)
    _check(finished, "uv.lock cannot be read", shop, install.line)
    found = nothing()
    read_requirements(output, found)
    return found.lines


async def lock(wanted: Wanted, interpreter: Interpreter, shop: Workshop) -> str:
    """The exact requirements as text. Raises BuildError."""
    requirements = wanted.requirements
    options = "".join(f"{option}\n" for option in dict.fromkeys(requirements.options))
    if not requirements.lines and not wanted.manifests:
        return options
    if requirements.exact and not wanted.manifests:
        return options + "".join(f"{line}\n" for line in dict.fromkeys(requirements.lines))
    kept = shop.cache / "locks" / f"requirements-{_lock_key(wanted, interpreter)}.txt"
    if kept.exists():
        return options + kept.read_text()
    text = await _compiled(wanted, interpreter, shop, options)
    with storage_errors(kept):
        shop.write_whole(kept, text)
    return options + text


def _lock_key(wanted: Wanted, interpreter: Interpreter) -> str:
    requirements = wanted.requirements
    parts = [*requirements.lines, "-c", *requirements.constraints, "-i", *requirements.options]
    for manifest in wanted.manifests:
        for name in ("pyproject.toml", "setup.py", "setup.cfg"):
            file = manifest.parent / name
            parts.append(file.read_text(errors="replace") if file.exists() else "")
    parts += [*wanted.extras, interpreter.version, platform.system(), platform.machine()]
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


async def _compiled(wanted: Wanted, interpreter: Interpreter, shop: Workshop, options: str) -> str:
    work = shop.scratch("compile")
    inputs, output = work / "requirements.in", work / "requirements.txt"
    constraints = work / "constraints.txt"
    with storage_errors(work):
        inputs.write_text(
            shop.reveal(options)
            + "".join(f"{x}\n" for x in dict.fromkeys(wanted.requirements.lines))
        )
        constraints.write_text("".join(f"{x}\n" for x in wanted.requirements.constraints))
    manifests = [str(_readable(manifest, shop)) for manifest in wanted.manifests]
    argv = [uv_program(), "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
    argv += ["--generate-hashes", "--index-strategy", "unsafe-best-match"]
    argv += ["--python", interpreter.path, "--constraints", str(constraints)]
    argv += ["--output-file", str(output), str(inputs), *manifests]
    for extra in dict.fromkeys(wanted.extras):
        argv += ["--all-extras"] if extra == "*" else ["--extra", extra]
    shop.say("resolving Python dependencies")
    finished = await shop.run(argv, work, wanted.environment)
    _check(finished, "the Python dependencies cannot be resolved", shop)
    return output.read_text()


def _readable(manifest: Path, shop: Workshop) -> Path:
    """The manifest itself where its dependencies are written down; else in a copy, because
    asking a build backend for them may write beside it.
    """
    project = read_toml(manifest).get("project", {}) if manifest.suffix == ".toml" else {}
    if "name" in project and "dependencies" not in project.get("dynamic", ()):
        return manifest
    return shop.copy_of(manifest.parent) / manifest.name


def venv_of(text: str, interpreter: Interpreter, cache: Path) -> Path:
    """Where the environment of this lock and interpreter is, or will be."""
    parts = f"{interpreter.path}\0{interpreter.version}\0{text}"
    return cache / "venvs" / hashlib.blake2b(parts.encode(), digest_size=16).hexdigest()


async def ensure_venv(
    text: str,
    interpreter: Interpreter,
    shop: Workshop,
    environment: Mapping[str, str] | None = None,
) -> Path:
    """The environment with exactly the lock `text` in it, made if it is not there.

    Raises BuildError, StorageError.
    """
    venv = venv_of(text, interpreter, shop.cache)
    if is_complete(venv):
        return venv
    async with locked(shop.cache / "locks" / f"venv-{venv.name}.lock") as held:
        if not is_complete(venv):
            shop.say(f"installing Python {interpreter.version} dependencies")
            values = uv_environment() if environment is None else environment
            await _make(venv, text, interpreter, shop, values, held)
    return venv


async def _make(
    venv: Path,
    text: str,
    interpreter: Interpreter,
    shop: Workshop,
    environment: Mapping[str, str],
    held: int,
) -> None:
    with storage_errors(venv):
        shutil.rmtree(venv, ignore_errors=True)
        venv.parent.mkdir(parents=True, exist_ok=True)
    requirements = shop.scratch("venv") / "requirements.txt"
    with storage_errors(requirements):
        requirements.write_text(shop.reveal(text))
    python = str(venv / "bin" / "python")
    options = ["--quiet", "--no-deps", "--index-strategy", "unsafe-best-match"]
    steps = [[uv_program(), "venv", "--quiet", "--python", interpreter.path, str(venv)]]
    if any(line and not line.startswith("-") for line in text.splitlines()):
        steps.append(
            [uv_program(), "pip", "install", *options, "--python", python, "-r", str(requirements)]
        )
    done = False
    try:
        for argv in steps:
            finished = await shop.run(argv, shop.work, environment, keep_open=(held,))
            _check(finished, "the Python dependencies cannot be installed", shop)
        with storage_errors(venv):
            (venv / ".complete").touch()
        done = True
    finally:
        if not done:
            shutil.rmtree(venv, ignore_errors=True)


async def install_own(wanted: Wanted, venv: Path, site: Path, shop: Workshop) -> None:
    """The projects' own code, built from a copy (their folders stay as they are) into `site`."""
    copies = [str(shop.copy_of(folder)) for folder in dict.fromkeys(wanted.own)]
    if not copies:
        return
    argv = [uv_program(), "pip", "install", "--quiet", "--no-deps", "--target", str(site)]
    argv += ["--python", str(venv / "bin" / "python"), *copies]
    finished = await shop.run(argv, shop.work, wanted.environment)
    _check(finished, "the project cannot be built and installed", shop)


def _check(finished: Finished, message: str, shop: Workshop, line: int = 0) -> None:
    if finished.code == 0:
        return
    if finished.disk_full:
        raise storage_full(shop.cache, finished.lines)
    offline = any(word in text for text in finished.lines for word in _OFFLINE_WORDS)
    hint = "mend what the lines above name, in the project's requirements"
    if offline:
        hint = "is a package registry reachable? then run the same command again"
    raise BuildError(
        f"{shop.service}: {message}",
        location=shop.location(line),
        hint=hint,
        details=finished.lines,
    )
