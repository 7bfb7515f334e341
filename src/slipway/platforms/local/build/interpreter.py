"""Which Python runs a service: the version its image names, else the nearest that is here.

Not left to `uv python find`: that gives up at the first broken program named python on PATH.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from slipway.errors import BuildError
from slipway.platforms.local.tools.command import OnLine, locked, run_command
from slipway.platforms.local.tools.uv import uv_environment, uv_program
from slipway.support.data import Frozen
from slipway.support.files import storage_errors

_NAME = re.compile(r"python(\d+\.\d+)$")
_ASK = "import sys; print('%d.%d' % sys.version_info[:2], sys._base_executable or sys.executable)"
_LEAST = (3, 8)
_REFUSED_S = 900.0  # how long a download that failed is not tried again: one takes half a minute


class Interpreter(Frozen, frozen=True, kw_only=True):
    """An interpreter of this machine: its program, and its version such as "3.12"."""

    path: str
    version: str


async def find_interpreter(
    wanted: str | None, on_line: OnLine, cache: Path, environ: Mapping[str, str] = os.environ
) -> Interpreter:
    """The interpreter for `wanted` ("3.12", "3", None: any): that minor, else the next newer one
    that is here, else one that uv may fetch, else an older one. Builds that want the same one
    fetch it once, or learn from `cache` that it cannot be had. Raises BuildError, StorageError.
    """
    version = _numbers(wanted) if wanted is not None and "." in wanted else None
    if version is None:
        return _own() or _first(_installed(environ))
    exact = _exact(version, environ)
    if exact is not None:
        return exact
    every = list(_installed(environ))
    newer = [found for found in every if _numbers(found.version) >= version]
    if newer:
        return min(newer, key=lambda found: _numbers(found.version))
    fetched = await _fetch(str(wanted), on_line, cache, environ)
    return fetched or _first(sorted(every, key=lambda f: _numbers(f.version), reverse=True))


def _exact(version: tuple[int, int], environ: Mapping[str, str]) -> Interpreter | None:
    for named, program in _candidates(environ):
        if named == version and (found := ask(program)) and _numbers(found.version) == version:
            return found
    return None


def _first(found: Iterable[Interpreter]) -> Interpreter:
    for interpreter in found:
        return interpreter
    raise BuildError("no Python is on this machine", hint="install one: uv python install 3.12")


def _own() -> Interpreter | None:
    return ask(Path(sys.executable))


def _numbers(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major), int(minor.partition(".")[0] or 0)


def _installed(environ: Mapping[str, str]) -> Iterator[Interpreter]:
    """Every interpreter that runs, each version once."""
    seen: set[str] = set()
    for _, program in _candidates(environ):
        found = ask(program)
        if found is not None and found.version not in seen and _numbers(found.version) >= _LEAST:
            seen.add(found.version)
            yield found


def _candidates(environ: Mapping[str, str]) -> Iterator[tuple[tuple[int, int] | None, Path]]:
    """(version by name, program) from PATH and the places of pyenv, uv and Homebrew."""
    own = sys.version_info
    yield (own.major, own.minor), Path(sys.executable)
    for folder in _folders(environ):
        try:
            names = sorted(entry.name for entry in folder.iterdir())
        except OSError:
            continue
        for name in names:
            match = _NAME.match(name)
            if match:
                yield _numbers(match.group(1)), folder / name
            elif name == "python3":
                yield None, folder / name


def _folders(environ: Mapping[str, str]) -> Iterator[Path]:
    home = Path(environ.get("HOME") or Path.home())
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local/share")
    managed = Path(environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv/python")
    pyenv = Path(environ.get("PYENV_ROOT") or home / ".pyenv") / "versions"
    for part in environ.get("PATH", "").split(os.pathsep):
        if part and "shims" not in Path(part).parts:
            yield Path(part)
    for place in (managed, pyenv):
        yield from sorted(place.glob("*/bin"))
    yield from (Path("/opt/homebrew/bin"), Path("/usr/local/bin"), Path("/usr/bin"))


def ask(program: Path) -> Interpreter | None:
    """What a program named python says it is; None if it does not run."""
    try:
        answer = subprocess.run(
            [str(program), "-I", "-c", _ASK],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version, _, path = answer.stdout.strip().partition(" ")
    if answer.returncode != 0 or not path:
        return None
    return Interpreter(path=path, version=version)


async def _fetch(
    wanted: str, on_line: OnLine, cache: Path, environ: Mapping[str, str]
) -> Interpreter | None:
    """Let uv install that version, if its settings allow downloads; one build at a time."""
    if environ.get("UV_PYTHON_DOWNLOADS") in ("never", "manual") or environ.get("UV_OFFLINE"):
        return None
    refused = cache / "locks" / f"python-{wanted}.refused"
    async with locked(cache / "locks" / f"python-{wanted}.lock") as held:
        found = _exact(_numbers(wanted), environ)
        if found is not None or _is_recent(refused):
            return found
        on_line(f"looking for Python {wanted} to install")
        finished = await run_command(
            [uv_program(), "python", "install", "--quiet", wanted],
            cwd=Path("/"),
            environment=uv_environment(environ),
            on_line=on_line,
            deadline=300,
            keep_open=(held,),
        )
        if finished.code == 0:
            return _exact(_numbers(wanted), environ)
        with storage_errors(refused):
            refused.touch()
        return None


def _is_recent(path: Path) -> bool:
    try:
        return abs(time.time() - path.stat().st_mtime) < _REFUSED_S
    except FileNotFoundError:
        return False
