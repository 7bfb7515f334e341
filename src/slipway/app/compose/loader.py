"""The way from a folder to a `Project`: find, parse, interpolate, merge, make canonical, check."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from slipway.app.compose.model import Lookup, Project


def load_project(
    directory: Path,
    *,
    files: Sequence[str] = (),
    profiles: Sequence[str] = (),
    lookup: Lookup,
    name: str | None = None,
) -> Project:
    """Read the Compose project in `directory`."""
    raise NotImplementedError
