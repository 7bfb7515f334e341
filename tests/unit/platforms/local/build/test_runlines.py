"""What a RUN's commands mean on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from slipway.platforms.local.build.dockerfile.stages import Action
from slipway.platforms.local.build.model import Operation
from slipway.platforms.local.build.runlines import read_run

CASES = yaml.safe_load(
    (Path(__file__).parents[4] / "cases" / "build" / "runlines.yaml").read_text()
)
_FIRST = {"InstallPython": "source", "InstallNode": "manager", "Run": "text"}


def shown(operation: Operation) -> dict[str, Any]:
    """An operation as the cases write it: what is usual is left out."""
    value: dict[str, Any] = msgspec.to_builtins(operation)
    name = value.pop("type")
    first = value.pop(_FIRST.get(name, "path"))
    for key, usual in (("workdir", "/app"), ("line", 7)):
        if value.get(key) == usual:
            del value[key]
    return {name: first, **{k: list(v) if isinstance(v, tuple) else v for k, v in value.items()}}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["run"])
def test_run(case: dict[str, Any]) -> None:
    action = Action(name="RUN", arguments=(case["run"],), line=7, workdir="/app")
    meaning = read_run(action)
    assert [shown(operation) for operation in meaning.operations] == case["does"]
    assert meaning.skipped == case.get("skips", [])


def test_bound_files_are_known_by_their_place() -> None:
    action = Action(
        name="RUN",
        arguments=("uv sync",),
        line=1,
        workdir="/app",
        flags=(
            ("mount", "type=bind,source=uv.lock,target=uv.lock"),
            ("mount", "type=bind,src=./sub/pyproject.toml,dst=/app/pyproject.toml"),
            ("mount", "type=cache,target=/root/.cache"),
        ),
    )
    install = read_run(action).operations[-1]
    assert getattr(install, "binds", None) == {
        "/app/uv.lock": "uv.lock",
        "/app/pyproject.toml": "sub/pyproject.toml",
    }
