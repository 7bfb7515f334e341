"""Compose's `.env` syntax."""

from __future__ import annotations

from pathlib import Path

from slipway.app.compose.model import Lookup


def read_dotenv(path: Path, lookup: Lookup) -> dict[str, str]:
    """Read `path`; values may refer to earlier ones and to `lookup`."""
    raise NotImplementedError
