"""What a base image is for: which language it brings, in which version."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from slipway.platforms.local.build.dockerfile import Stage
from slipway.platforms.local.build.model import InstallNode, InstallPython, Kind, Run, StagePlan

_PYTHON = re.compile(r"(?:^|[-_/:])python[-:]?v?(\d+(?:\.\d+)?)?")
_NODE = re.compile(r"(?:^|[-_/:])node(?:js)?[-:]?v?(\d+)?")
_STATIC = re.compile(r"(?:^|/)(nginx(?:-unprivileged)?|httpd|caddy)(?::|$)")
_PLAIN = re.compile(r"(?:^|/)(debian|ubuntu|alpine|debian-slim|bookworm|fedora|rockylinux|scratch)")


class Language(NamedTuple):
    """`kind` None: neither of the languages that this platform runs by itself."""

    kind: Kind | None
    version: str | None = None


def language_of(image: str, stages: Sequence[StagePlan], start: Sequence[str]) -> Language:
    """From the image's name; of a plain distribution, from what is installed and started."""
    name = image.partition("@")[0].lower()
    if _STATIC.search(name):
        return Language("static")
    for kind, pattern in (("python", _PYTHON), ("node", _NODE)):
        match = pattern.search(name)
        if match:
            version = match.group(1) or _version_in_tag(name)
            if kind == "python":
                return Language("python", version if version and version[0] in "23" else None)
            return Language("node", version if version and float(version) >= 4 else None)
    return _by_use(stages, start) if _PLAIN.search(name) else Language(None)


def _version_in_tag(name: str) -> str | None:
    tag = re.search(r":v?(\d+(?:\.\d+)?)", name)
    return tag.group(1) if tag else None


def _by_use(stages: Sequence[StagePlan], start: Sequence[str]) -> Language:
    operations = [operation for stage in stages for operation in stage.operations]
    first = " ".join(start)
    programs = [operation.program for operation in operations if isinstance(operation, Run)]
    if any(isinstance(operation, InstallPython) for operation in operations) or re.search(
        r"\b(python3?|gunicorn|uvicorn)\b", first
    ):
        return Language("python")
    if any(isinstance(operation, InstallNode) for operation in operations) or re.search(
        r"\b(node|npm)\b", first
    ):
        return Language("node")
    return Language("python") if "python" in programs else Language(None)


def default_entrypoint(image: str, stage: Stage) -> tuple[str, ...] | None:
    """Distroless images start their language themselves."""
    if stage.entrypoint is not None or "distroless" not in image:
        return stage.entrypoint
    if "python" in image:
        return ("python",)
    return ("node",) if "nodejs" in image else None
