"""From a file to a DeployConfig: read, hold to the schema, bring into long form."""

from __future__ import annotations

import os
from pathlib import Path

from slipway.app.config.marks import Marked, parse_marked, read_marked
from slipway.app.config.model import DeployConfig
from slipway.app.config.normalise import normalise
from slipway.app.config.validate import check_config

FILE_NAMES = ("deploy.yaml", "deploy.yml")
COMPOSE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
"""As in `app.compose.files`, which is too much to import for a name."""


def load_config(path: Path | str | None, *, shown: str | None = None) -> DeployConfig:
    """Read the deploy.yaml at `path`; None: there is none, everything has its default.

    `shown` is what errors call it. Raises ConfigError with file, line and nearest key.
    """
    if path is None:
        return DeployConfig()
    name = shown or str(path)
    return _config(read_marked(Path(path), name), name)


def parse_config(text: str, shown: str = "deploy.yaml") -> DeployConfig:
    """The same for text that is not in a file yet."""
    return _config(parse_marked(text, shown), shown)


def project_directory(start: Path | str) -> Path:
    """The app's folder, absolute: `start`, or the nearest above it with a Compose file or
    a deploy.yaml. `start` itself if there is none.
    """
    directory = Path(start).absolute()
    for folder in (directory, *directory.parents):
        if any((folder / name).is_file() for name in (*COMPOSE_NAMES, *FILE_NAMES)):
            return folder
    return directory


def find_config(directory: Path, given: str | None) -> tuple[Path | None, str]:
    """The deploy.yaml to read, and what to call it; `given` is the user's `--config`.

    A relative `given` is looked for where the user stands, then in `directory`.
    """
    if given:
        path = Path(given)
        if not path.is_absolute() and not path.exists():
            path = directory / given
        return path, given
    for name in FILE_NAMES:
        path = directory / name
        if os.path.lexists(path):
            return path, name
    return None, FILE_NAMES[0]


def _config(marked: Marked, shown: str) -> DeployConfig:
    check_config(marked.data, marked.locations)
    data = normalise(marked.data or {}, marked.locations)
    return DeployConfig(file=shown, data=data, locations=marked.locations)
