"""Every broken project in tests/cases/compose/errors ends with its one clear message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slipway.app.compose import load_project
from slipway.errors import ConfigError

CASES = Path(__file__).parents[3] / "cases/compose/errors"


@pytest.mark.parametrize("name", sorted(path.name for path in CASES.iterdir() if path.is_dir()))
def test_says_what_is_wrong_and_where(name: str) -> None:
    case = CASES / name
    with pytest.raises(ConfigError) as raised:
        load_project(case, lookup=lambda variable: None)
    error = raised.value
    said = {
        "at": str(error.location) if error.location else None,
        "message": error.message.replace(str(case), "{directory}"),
        "hint": error.hint,
        "details": list(error.details),
    }
    assert {key: value for key, value in said.items() if value} == json.loads(
        (case / "error.json").read_text()
    )
