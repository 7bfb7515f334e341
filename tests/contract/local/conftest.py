"""Real environments of the local platform, each torn down and looked over at its end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from world import World


@pytest.fixture
def world() -> Iterator[World]:
    with World.open() as opened:
        yield opened


@pytest.fixture
def shared() -> Iterator[World]:
    """All on 127.0.0.1, each port another: as where there is one loopback address only."""
    with World.open(addresses="shared") as opened:
        yield opened
