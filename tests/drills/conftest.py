"""Drills say how much they survived: a table at the end of the test run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

for _folder in (Path(__file__).parent, Path(__file__).parents[1] / "e2e"):
    sys.path.insert(0, str(_folder))

_PROPERTY = "drill"


@pytest.fixture
def survived(request: pytest.FixtureRequest) -> Callable[[str, int], None]:
    """Call it with a drill's name and how many kills or failures it came through."""

    def tell(name: str, number: int) -> None:
        assert number > 0, f"{name}: nothing was drilled"
        request.node.user_properties.append((_PROPERTY, f"{name}|{number}"))

    return tell


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [
        report
        for word in ("passed", "failed")
        for report in terminalreporter.stats.get(word, [])
        if "tests/drills/" in report.nodeid and report.when == "call"
    ]
    rows = [str(v).split("|") for r in reports for k, v in r.user_properties if k == _PROPERTY]
    rows += [[r.nodeid.rpartition("::")[2], "failed"] for r in reports if r.failed]
    if not rows:
        return
    terminalreporter.section("drills")
    width = max(len(name) for name, _ in rows)
    for name, number in sorted(rows):
        said = number if number == "failed" else f"{number} survived of {number}"
        terminalreporter.write_line(f"{name:<{width}}  {said}")
