"""The records in tests/cases/compose/valid are what the docker compose program says.

tests/unit/app/compose/test_valid_cases.py holds the loader to the same records, everywhere;
this says that the records are true, where the program is there.
"""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
RECORDER: dict[str, Any] = runpy.run_path(str(ROOT / "scripts/record-compose-cases"))
FOLDERS = sorted(path.name for path in RECORDER["CASES"].iterdir() if path.is_dir())

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def oracle() -> list[str]:
    found: list[str] | None = RECORDER["find_oracle"]()
    if found is None:
        pytest.skip("no docker compose program; .ci/get-compose-oracle fetches one")
    return found


@pytest.mark.parametrize("name", FOLDERS)
def test_the_record_is_what_compose_says(oracle: list[str], name: str) -> None:
    case = RECORDER["CASES"] / name
    expected = json.loads((case / "expected.json").read_text())
    assert RECORDER["ask"](oracle, case) == expected
