from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import harness


@pytest.fixture(scope="session")
def base() -> Iterator[Path]:
    """A folder that other users may pass through, with the cache that all stages share."""
    folder = Path(tempfile.mkdtemp(prefix="slipway-c-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(
    params=[
        pytest.param(n, marks=() if n == "fake" else pytest.mark.local) for n in harness.names()
    ]
)
def stage(request: pytest.FixtureRequest, base: Path) -> Iterator[harness.Stage]:
    reason = harness.why_not(request.param)
    if reason:
        pytest.skip(f"{request.param}: {reason}")
    with harness.stage(request.param, base) as made:
        yield made


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
