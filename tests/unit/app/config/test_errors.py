"""tests/cases/config/errors.yaml: what is wrong in a deploy.yaml, and what a person is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.app.config import load_config, parse_config
from slipway.errors import ConfigError, Location

CASES = Path(__file__).parents[3] / "cases" / "config" / "errors.yaml"


@pytest.mark.parametrize("case", yaml.safe_load(CASES.read_text("utf-8")), ids=lambda c: c["text"])
def test_wrong(case: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(case["text"])
    error = caught.value
    assert error.location == Location("deploy.yaml", case["at"])
    assert [each for each in case["says"] if each not in error.message] == [], error.message
    assert all(each in (error.hint or "") for each in case.get("hint", ())), error.hint
    assert all(each in "\n".join(error.details) for each in case.get("also", ())), error.details


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "deploy.yaml"
    path.write_bytes(b"app: \xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(path)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)


def test_long_values_are_cut(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(f"keep_releases: {'x' * 500}")
    assert len(caught.value.message) < 150
