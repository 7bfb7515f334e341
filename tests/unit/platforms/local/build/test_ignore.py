"""`.dockerignore` means what Docker says it means."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.platforms.local.build.context import list_context
from slipway.platforms.local.build.ignore import TOP, Ignore, Verdict, read_ignore

CASES = yaml.safe_load((Path(__file__).parents[4] / "cases" / "build" / "ignore.yaml").read_text())


def verdict(ignore: Ignore, path: str) -> Verdict:
    """As a walk from the top reaches it."""
    parent = posixpath.dirname(path)
    return ignore.judge(path, verdict(ignore, parent) if parent else TOP)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_rules(case: dict[str, Any]) -> None:
    ignore = Ignore(case["rules"])
    paths = [*case["kept"], *case["left_out"]]
    assert [path for path in paths if not verdict(ignore, path).excluded] == case["kept"]


def test_a_file_beside_the_dockerfile_wins(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("a\n")
    (tmp_path / "web.Dockerfile.dockerignore").write_text("b\n")
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    beside = read_ignore(tmp_path, tmp_path / "web.Dockerfile")
    usual = read_ignore(tmp_path, tmp_path / "Dockerfile")
    assert "a" in list_context(tmp_path, beside).files
    assert "b" not in list_context(tmp_path, beside).files
    assert "a" not in list_context(tmp_path, usual).files
