"""A running instance's own copy of an artifact, and how container paths map to it.

Sources are copied, so that what a process writes beside its code stays its own; dependencies
are shared, read-only by agreement.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from slipway.app.model import Service
from slipway.platforms.local.build import shims
from slipway.platforms.local.build.files import copy_tree
from slipway.platforms.local.build.model import Built
from slipway.platforms.local.build.paths import translate
from slipway.platforms.local.build.plan import combined_start
from slipway.platforms.local.build.processes import process_environment, programs_path, which
from slipway.support.data import Frozen
from slipway.support.files import storage_errors

_SHELL_SCRIPT = re.compile(rb"#!\s*(/usr)?/bin/(env\s+)?(ba|da|a|z)?sh\b")
_SITES = (
    *("/usr/share/nginx/html", "/usr/share/caddy", "/usr/local/apache2/htdocs"),
    *("/var/www/html", "/srv"),
)


class Layout(Frozen, frozen=True, kw_only=True):
    """Where one instance runs. `workdir` is absolute; `paths` is container path -> real path
    (add the mounts, then `translate` what comes from Compose); `environment` is ENV and PATH,
    which the service's own environment goes over; `programs` are folders looked in first.
    """

    folder: str
    workdir: str
    paths: Mapping[str, str]
    environment: Mapping[str, str]
    programs: tuple[str, ...]


def materialise(built: Built, destination: Path) -> Layout:
    """Make the working copy unless `destination` is there already (then it is whole).

    Raises StorageError.
    """
    if not destination.exists():
        with storage_errors(destination):
            destination.parent.mkdir(parents=True, exist_ok=True)
            work = Path(tempfile.mkdtemp(prefix=f".{destination.name}-", dir=destination.parent))
            try:
                copy_tree(Path(built.folder) / "tree", work)
                _rewrite_scripts(work, _places(built, destination))
                (work / built.workdir.lstrip("/")).mkdir(parents=True, exist_ok=True)
                work.chmod(0o755)
                work.rename(destination)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return layout_of(built, destination)


def _places(built: Built, destination: Path) -> dict[str, str]:
    return {path: str(destination / path.lstrip("/")) for path in built.owned}


def layout_of(built: Built, destination: Path) -> Layout:
    """The layout of a working copy that is there."""
    places = _places(built, destination)
    workdir = destination / built.workdir.lstrip("/")
    site = Path(built.folder) / "site"
    own_site = site if site.is_dir() else None
    programs = programs_path(
        destination,
        workdir,
        venv=built.venv,
        node=built.node,
        site=own_site,
        shims=Path(built.folder) / shims.FOLDER,
    )
    environment = process_environment(
        built.environment, places, programs, venv=built.venv, site=own_site
    )
    if built.run is not None:  # a person's own words: their PATH counts too
        environment["PATH"] += os.pathsep + os.environ.get("PATH", "")
    return Layout(
        folder=str(destination),
        workdir=str(workdir),
        paths=places,
        environment=environment,
        programs=tuple(programs),
    )


def start_command(built: Built, service: Service, layout: Layout) -> tuple[str, ...]:
    """The argument list that starts `service` in `layout`: the override's `run`, else what
    Compose and the image say together, with container paths replaced and the program absolute
    where the artifact has it. Secret placeholders stay.
    """
    argv = combined_start(built.kind, built.run, built.entrypoint, built.command, service)
    if argv == ("slipway-static",):
        return _static(built, layout)
    return (program_of(argv[0], layout), *(translate(word, layout.paths) for word in argv[1:]))


def working_directory(service: Service, layout: Layout) -> str:
    """Where the service runs: Compose's `working_dir`, else the image's."""
    if service.working_dir is None:
        return layout.workdir
    path = translate(service.working_dir, layout.paths)
    return path if Path(path).is_dir() else layout.workdir


def program_of(word: str, layout: Layout) -> str:
    """A command's first word as it is on this machine: for start commands, probes and exec."""
    path = translate(word, layout.paths)
    if "/" not in path:
        return which(path, layout.programs) or path
    if not os.path.isabs(path):  # noqa: PTH117 - a word of a command
        return str(Path(layout.workdir) / path)
    if os.access(path, os.X_OK) and not _is_python(path):
        return path
    return which(Path(path).name, layout.programs) or path


def _is_python(path: str) -> bool:
    return re.fullmatch(r"/usr/(local/)?bin/python3?(\.\d+)?", path) is not None


def _static(built: Built, layout: Layout) -> tuple[str, ...]:
    folders = [Path(layout.folder) / site.lstrip("/") for site in _SITES]
    folder = next((f for f in folders if f.is_dir()), Path(layout.workdir))
    port = built.expose[0] if built.expose else 80
    script = str(Path(__file__).with_name("static_server.py"))
    return (sys.executable, script, "--directory", str(folder), "--port", str(port))


def _rewrite_scripts(folder: Path, places: Mapping[str, str]) -> None:
    """Shell scripts name container paths (`cd /app`): in the working copy they name its own."""
    for below, _, names in os.walk(folder):
        for name in names:
            path = Path(below, name)
            if not path.is_symlink() and _may_be_script(path):
                text = path.read_bytes()
                if _SHELL_SCRIPT.match(text):
                    path.write_text(
                        translate(text.decode(errors="surrogateescape"), places),
                        errors="surrogateescape",
                    )


def _may_be_script(path: Path) -> bool:
    if path.suffix not in ("", ".sh", ".bash"):
        return False
    return path.stat().st_size < 256 * 1024
