"""Runs one build command in a stage, with the stage's dependencies."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from slipway.errors import BuildError
from slipway.platforms.local.build.model import BuildPlan, Run
from slipway.platforms.local.build.paths import translate
from slipway.platforms.local.build.processes import process_environment, programs_path, which
from slipway.platforms.local.build.shims import FOLDER
from slipway.platforms.local.build.workshop import Workshop
from slipway.platforms.local.tools import Tool
from slipway.platforms.local.tools.command import run_command, storage_full
from slipway.support.files import storage_errors

_HINT = (
    "if it needs the image's own system, say what to do instead: "
    "x-deploy: {local: {build: [COMMAND, ...]}}"
)
_SHARED = ("LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "TERM")
_NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


async def run_build_command(
    operation: Run,
    plan: BuildPlan,
    shop: Workshop,
    *,
    venv: Path | None,
    node: Tool | None,
    reveal: Callable[[str], str],
) -> str | None:
    """None when it ran; a note when its program is none of the artifact's and it was left out.

    Raises BuildError with the command, its Dockerfile line and its last lines.
    """
    folder = shop.real(operation.workdir)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    site = shop.tree.parent / "site"
    own_site = site if site.is_dir() else None
    venv_path = str(venv) if venv is not None else None
    node_path = str(node.folder) if node is not None else None
    programs = programs_path(
        shop.tree,
        folder,
        venv=venv_path,
        node=node_path,
        site=own_site,
        shims=shop.tree.parent / FOLDER,
    )
    if not operation.required and which(operation.program, programs) is None:
        return f"{_where(shop, operation)}not run: {operation.program} is not installed here"
    places = {path: str(shop.real(path)) for path in plan.owned}
    declared = {name: reveal(value) for name, value in operation.variables.items()}
    environment = {
        **{name: os.environ[name] for name in (*_SHARED, *_NETWORK) if name in os.environ},
        "HOME": str(shop.scratch("home")),
        "PYTHONDONTWRITEBYTECODE": "1",
        **process_environment(declared, places, programs, venv=venv_path, site=own_site),
    }
    if not plan.dockerfile or not operation.line:  # an override's command: a person's own words
        environment["PATH"] += os.pathsep + os.environ.get("PATH", "")
        environment["HOME"] = os.environ.get("HOME", environment["HOME"])
    shop.say(f"$ {operation.text}")
    finished = await run_command(
        ["/bin/sh", "-c", translate(operation.text, places)],
        cwd=folder,
        environment=environment,
        on_line=shop.say,
    )
    if finished.disk_full:
        raise storage_full(shop.tree, finished.lines)
    if finished.code != 0:
        raise BuildError(
            f"{shop.service}: the build command failed (exit {finished.code}): {operation.text}",
            location=shop.location(operation.line),
            hint=_HINT if operation.line else None,
            details=finished.lines,
        )
    return None


def _where(shop: Workshop, operation: Run) -> str:
    location = shop.location(operation.line)
    return f"{location}: " if location is not None else ""
