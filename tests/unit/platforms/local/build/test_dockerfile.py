"""Dockerfiles are read as Docker reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from slipway.errors import ConfigError, Location
from slipway.platforms.local.build.dockerfile import chain_of, read_instructions, read_stages

CASES = Path(__file__).parents[4] / "cases" / "build"
GOOD = yaml.safe_load((CASES / "dockerfiles.yaml").read_text())
BROKEN = yaml.safe_load((CASES / "broken.yaml").read_text())


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case["name"])
def test_stage(case: dict[str, Any]) -> None:
    stages = read_stages(
        read_instructions(case["text"], "Dockerfile"), case.get("arguments", {}), "Dockerfile"
    )
    final = chain_of(stages, case.get("target"), "Dockerfile")[-1]
    shown = msgspec.json.decode(msgspec.json.encode(msgspec.structs.replace(final, actions=())))
    assert {key: shown.get(key) for key in case["expect"]} == case["expect"]


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case["name"])
def test_broken(case: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        read_stages(read_instructions(case["text"], "web/Dockerfile"), {}, "web/Dockerfile")
    assert caught.value.location == Location("web/Dockerfile", case["line"])
    assert case["says"] in caught.value.message
    assert caught.value.hint == case.get("hint")


def test_an_unknown_target_names_the_stages_there_are() -> None:
    stages = read_stages(
        read_instructions("FROM a AS one\nFROM b AS two\n", "Dockerfile"), {}, "Dockerfile"
    )
    with pytest.raises(ConfigError) as caught:
        chain_of(stages, "three", "Dockerfile")
    assert "one, two" in (caught.value.hint or "")


def test_only_the_stages_that_are_needed() -> None:
    text = (
        "FROM python:3.12 AS unused\nFROM python:3.12 AS base\nFROM node:20 AS assets\n"
        "FROM base\nCOPY --from=assets /x /x\n"
    )
    stages = read_stages(read_instructions(text, "Dockerfile"), {}, "Dockerfile")
    assert [stage.name for stage in chain_of(stages, None, "Dockerfile")] == ["base", "assets", ""]


def test_heredocs() -> None:
    text = "FROM a\nRUN <<EOF\npython a.py\npython b.py\nEOF\nCOPY <<-'ONE' /one\n\tx $Y\n\tONE\n"
    _, run, copy = read_instructions(text, "Dockerfile")
    assert run.heredocs[0].text == "python a.py\npython b.py\n"
    assert (copy.heredocs[0].text, copy.heredocs[0].literal) == ("x $Y\n", True)
    assert (run.line, copy.line) == (2, 6)
