"""Stages for whole runs; what is downloaded and built for one is there for all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from shared_cache import shared_cache
from stage import Stage

Open = Callable[[str], Stage]


@pytest.fixture(scope="session")
def cache(request: pytest.FixtureRequest) -> Iterator[Path]:
    """One DEPLOY_CACHE for all workers of a test run."""
    with shared_cache(request.config) as folder:
        yield folder


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
