"""Every project in tests/cases/compose/valid reads as `docker compose config` reads it.

`expected.json` is what Compose said (tests/contract/test_compose_oracle.py asks again);
`expected-difference.json` lists, with a reason, where Slipway knowingly says something else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.app.compose import Project, load_project, read_dotenv

CASES = Path(__file__).parents[3] / "cases/compose/valid"
FOLDERS = sorted(path.name for path in CASES.iterdir() if path.is_dir())
HOME = "/home/person"


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", HOME)


def read(name: str) -> Project:
    case = CASES / name
    told = case / "case.json"
    settings = json.loads(told.read_text()) if told.is_file() else {}
    outside = {"HOME": HOME, **settings.get("environment", {})}
    beside = case / ".env"
    values = read_dotenv(beside, outside.get) if beside.is_file() else {}
    return load_project(
        case,
        files=settings.get("files", ()),
        profiles=settings.get("profiles", ()),
        lookup=lambda variable: outside.get(variable, values.get(variable)),
    )


def comparable(project: Project, case: Path) -> Any:
    """`data` with paths as in the records, without a service's own `x-` keys.

    Compose 2.26 leaves those out of its output, though it reads them.
    """
    text = json.dumps(project.data).replace(str(case), "{directory}")
    data = json.loads(text.replace(str(case.parent), "{parent}"))
    for service in data["services"].values():
        for part in (service, service.get("deploy", {})):
            for key in [key for key in part if key.startswith("x-")]:
                del part[key]
    return data


def differences(compose: Any, slipway: Any, path: str = "") -> Iterator[dict[str, Any]]:
    if isinstance(compose, dict) and isinstance(slipway, dict):
        for key in sorted({*compose, *slipway}):
            where = f"{path}.{key}" if path else key
            if key not in slipway:
                yield {"path": where, "compose": compose[key]}
            elif key not in compose:
                yield {"path": where, "slipway": slipway[key]}
            else:
                yield from differences(compose[key], slipway[key], where)
    elif isinstance(compose, list) and isinstance(slipway, list) and len(compose) == len(slipway):
        for index, (one, other) in enumerate(zip(compose, slipway, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif compose != slipway or isinstance(compose, bool) != isinstance(slipway, bool):
        yield {"path": path, "compose": compose, "slipway": slipway}


@pytest.mark.parametrize("name", FOLDERS)
def test_reads_as_compose_does(name: str) -> None:
    case = CASES / name
    explained = case / "expected-difference.json"
    allowed = json.loads(explained.read_text()) if explained.is_file() else []
    assert all(difference.pop("why") for difference in allowed)

    expected = json.loads((case / "expected.json").read_text())
    assert list(differences(expected, comparable(read(name), case))) == allowed


@pytest.mark.parametrize("name", FOLDERS)
def test_every_place_is_in_a_file_that_exists(name: str) -> None:
    project = read(name)
    lines: dict[str, int] = {}
    for path, origin in project.locations.items():
        if origin.file not in lines:
            lines[origin.file] = len((CASES / name / origin.file).read_text().splitlines())
        assert origin.line is not None, path
        assert 1 <= origin.line <= lines[origin.file], path


@pytest.mark.parametrize("name", FOLDERS)
def test_named_things_are_located_where_their_name_is_written(name: str) -> None:
    project = read(name)
    for service, content in project.data["services"].items():
        paths = [(f"services.{service}", service)]
        for section in ("environment", "labels", "depends_on"):
            found = content.get(section, {})
            paths += [(f"services.{service}.{section}.{key}", key) for key in found]
        for path, key in paths:
            origin = project.locations[path]
            line = (CASES / name / origin.file).read_text().splitlines()[(origin.line or 0) - 1]
            assert key.rpartition("$")[2] in line, (path, origin, line)
