"""tests/cases/assemble/healthchecks.yml: what people write, and the probe that asks the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from slipway.app.assemble.healthcheck import healthcheck_deadline, probe_of
from slipway.support.health.model import Probe

CASES = Path(__file__).parents[3] / "cases" / "assemble" / "healthchecks.yml"


@pytest.mark.parametrize(
    "case", yaml.safe_load(CASES.read_text("utf-8")), ids=lambda c: str(c["test"])
)
def test_what_is_asked(case: dict[str, Any]) -> None:
    test = case["test"]
    test = [str(each) for each in test] if isinstance(test, list) else ["CMD-SHELL", test]
    environment = case.get("environment", {})
    # Compose turns `$$` into `$` before anyone sees it.
    spec = {
        "healthcheck": {"test": [each.replace("$$", "$") for each in test]},
        "environment": environment,
    }
    probe = probe_of(spec, frozenset({"web"}))
    if case["probe"] is None:
        assert probe is None
    elif case["probe"] == "command":
        assert probe is not None
        assert probe.kind == "command"
    else:
        assert probe == msgspec.convert(case["probe"], Probe)


def test_a_disabled_check_asks_nothing() -> None:
    spec = {"healthcheck": {"test": ["CMD", "curl", "-f", "http://localhost/"], "disable": True}}
    assert probe_of(spec, frozenset()) is None


def test_its_numbers_are_kept() -> None:
    spec = {
        "healthcheck": {
            "test": ["CMD", "pg_isready"],
            "interval": "1m0s",
            "timeout": "500ms",
            "retries": 7,
            "start_period": "30s",
        }
    }
    probe = probe_of(spec, frozenset())
    assert probe is not None
    numbers = (probe.interval, probe.timeout, probe.retries, probe.start_period)
    assert numbers == (60.0, 0.5, 7, 30.0)
    assert healthcheck_deadline(probe, 120.0) == 450.0
    assert healthcheck_deadline(None, 120.0) == 120.0
