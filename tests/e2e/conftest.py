"""Stages for whole runs; what is downloaded and built for one is there for all."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from stage import Stage

Open = Callable[[str], Stage]


@pytest.fixture(scope="session")
def cache(request: pytest.FixtureRequest) -> Iterator[Path]:
    """One DEPLOY_CACHE for all workers of a test run; the last one takes it away.

    `SLIPWAY_TEST_CACHE` names one to keep between runs.
    """
    kept = os.environ.get("SLIPWAY_TEST_CACHE")
    if kept:
        yield Path(kept)
        return
    worker = getattr(request.config, "workerinput", {"testrunuid": os.getpid(), "workerid": "gw0"})
    folder = Path(tempfile.gettempdir()) / f"slipway-e2e-cache-{worker['testrunuid']}"
    users = folder / "users"
    with _alone(folder):
        users.mkdir(exist_ok=True)
        (users / worker["workerid"]).touch()
    yield folder / "cache"
    with _alone(folder):
        (users / worker["workerid"]).unlink()
        if not any(users.iterdir()):
            shutil.rmtree(folder)


class _alone:  # noqa: N801
    """One worker at a time; the lock is beside the folder's content, and goes with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        self._folder.mkdir(mode=0o755, exist_ok=True)
        self._file = (self._folder / "lock").open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *exc: object) -> None:
        self._file.close()


@pytest.fixture
def open_stage(cache: Path) -> Iterator[Open]:
    """Opens stages that are closed, and looked over, when the test ends."""
    with ExitStack() as stack:
        yield lambda example: stack.enter_context(Stage.open(example, cache))


@pytest.fixture
def hello(open_stage: Open) -> Stage:
    """`examples/hello`, not installed yet."""
    return open_stage("hello")


@pytest.fixture
def live(hello: Stage) -> Stage:
    """`examples/hello`, v1 of it installed and serving."""
    hello.run("install", "--version=v1").expect()
    return hello
