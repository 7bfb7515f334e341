"""Which files make up a project, and reading them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from slipway.app.compose.model import Lookup
from slipway.errors import ConfigError, Location

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
MAX_BYTES = 20_000_000


def find_files(
    directory: Path, files: Sequence[str], lookup: Lookup
) -> tuple[Path, tuple[Path, ...], tuple[str, ...]]:
    """The project's directory, its files in the order they are merged, and warnings.

    `files`, then COMPOSE_FILE, then the usual names in `directory` and the directories above
    it. Named files are relative to `directory`; the project's directory is that of the first.
    Raises ConfigError when there is nothing.
    """
    directory = Path(os.path.abspath(directory))  # noqa: PTH100
    named = tuple(files) or _from_variable(lookup)
    if named:
        paths = tuple(Path(os.path.normpath(directory / Path(name).expanduser())) for name in named)
        return paths[0].parent, paths, ()
    for folder in (directory, *directory.parents):
        found = [folder / name for name in NAMES if (folder / name).is_file()]
        if found:
            return folder, *_with_override(folder, found)
    raise ConfigError(
        f"no compose.yaml in {directory} or above it",
        hint=_hint(directory),
    )


def _from_variable(lookup: Lookup) -> tuple[str, ...]:
    value = lookup("COMPOSE_FILE")
    if not value:
        return ()
    separator = lookup("COMPOSE_PATH_SEPARATOR") or os.pathsep
    return tuple(name for name in value.split(separator) if name)


def _with_override(folder: Path, found: list[Path]) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    overrides = [folder / name for name in OVERRIDES if (folder / name).is_file()]
    warnings = []
    for several in (found, overrides):
        if len(several) > 1:
            others = ", ".join(path.name for path in several[1:])
            warnings.append(f"{several[0].name} is used; {others} beside it is not")
    return (found[0], *overrides[:1]), tuple(warnings)


def _hint(directory: Path) -> str:
    try:
        entries = sorted(os.listdir(directory))[:1000]  # noqa: PTH208
    except OSError:
        return "go to the project's folder, or name it with --project DIR"
    for name in entries:
        if "compose" in name.lower() and name.endswith((".yaml", ".yml")):
            return f"did you mean {name}? Name it with --config {name}"
    return "go to the project's folder, or name it with --project DIR"


def shown_path(path: str | Path, directory: str | Path) -> str:
    """`path` as a user would name it who stands in `directory`."""
    text, base = str(path), str(directory)
    if not text.startswith("/") and not os.path.isabs(text):  # noqa: PTH117
        return text
    try:
        relative = os.path.relpath(text, base)
    except ValueError:
        return text
    return relative if not relative.startswith(os.path.join("..", "..", "..")) else text  # noqa: PTH118


def read_text(path: Path, shown: str) -> str:
    """The text of a Compose file. Raises ConfigError."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ConfigError(f"{shown} is larger than {MAX_BYTES} bytes", location=Location(shown))
        return data.decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            f"the file {shown} does not exist", location=Location(shown), hint="check its name"
        ) from None
    except UnicodeDecodeError as problem:
        line = problem.object.count(b"\n", 0, problem.start) + 1
        raise ConfigError(
            f"{shown} is not text in UTF-8",
            location=Location(shown, line),
            hint="save the file as UTF-8",
        ) from None
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or str(problem)
        raise ConfigError(f"{shown} cannot be read: {why}", location=Location(shown)) from None
