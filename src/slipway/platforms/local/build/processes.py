"""The environment that an artifact's programs run with: its own programs first on PATH, its ENV
with container paths replaced. Used for build commands and for running instances alike.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from slipway.platforms.local.build.paths import translate

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_OWN_BIN = ("usr/local/bin", "usr/bin")


def programs_path(
    tree: Path,
    workdir: Path,
    *,
    venv: str | None,
    node: str | None,
    site: Path | None,
    shims: Path | None,
) -> list[str]:
    """Where the artifact's own programs are, in the order they are looked for."""
    found: list[Path] = []
    if site is not None:
        found.append(site / "bin")
    if venv is not None:
        found.append(Path(venv) / "bin")
    found.append(workdir / "node_modules" / ".bin")
    found.extend(tree / folder for folder in _OWN_BIN)
    if node is not None:
        found.append(Path(node))
    if shims is not None:
        found.append(shims)
    return [str(folder) for folder in found if folder.is_dir()]


def process_environment(
    declared: Mapping[str, str],
    places: Mapping[str, str],
    programs: Sequence[str],
    *,
    venv: str | None,
    site: Path | None,
) -> dict[str, str]:
    """`declared` (ENV and the like) as it is on this machine, complete with PATH."""
    environment = {
        name: translate(value, places) for name, value in declared.items() if name != "PATH"
    }
    system = SYSTEM_PATH.split(":")
    own = [translate(part, places) for part in declared.get("PATH", "").split(":")]
    kept = [part for part in own if part and part not in system and Path(part).is_dir()]
    homebrew = ["/opt/homebrew/bin"] if sys.platform == "darwin" else []
    path = dict.fromkeys([*kept, *programs, *homebrew, *system])
    environment["PATH"] = os.pathsep.join(path)
    if venv is not None:
        environment["VIRTUAL_ENV"] = venv
        environment.setdefault("PYTHONUNBUFFERED", "1")
    if site is not None:
        before = environment.get("PYTHONPATH", "")
        environment["PYTHONPATH"] = os.pathsep.join(part for part in (before, str(site)) if part)
    return environment


def which(program: str, programs: Sequence[str]) -> str | None:
    """The artifact's own program of that name."""
    for folder in programs:
        path = os.path.join(folder, program)  # noqa: PTH118 - PATH's parts are strings
        if os.access(path, os.X_OK) and not Path(path).is_dir():
            return path
    return None
