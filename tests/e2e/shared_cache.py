"""One DEPLOY_CACHE for all workers of a test run: what is downloaded and built for one test is
there for all.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def shared_cache(config: pytest.Config) -> Iterator[Path]:
    """The last worker takes it away. `SLIPWAY_TEST_CACHE` names one to keep between runs."""
    kept = os.environ.get("SLIPWAY_TEST_CACHE")
    if kept:
        yield Path(kept)
        return
    worker = getattr(config, "workerinput", {"testrunuid": os.getpid(), "workerid": "gw0"})
    folder = Path(tempfile.gettempdir()) / f"slipway-e2e-cache-{worker['testrunuid']}"
    user = folder / "users" / f"{worker['workerid']}-{os.urandom(4).hex()}"
    with _alone(folder):
        user.parent.mkdir(exist_ok=True)
        user.touch()
    yield folder / "cache"
    with _alone(folder):
        user.unlink()
        if not any(user.parent.iterdir()):
            shutil.rmtree(folder)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One worker at a time; the lock is beside the folder's content, and goes with it."""
    folder.mkdir(mode=0o755, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
