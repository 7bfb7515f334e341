"""Each case under tests/cases/assemble: a small project, and what must come of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from slipway.app.assemble import Loaded, LoadOptions, load_app
from slipway.errors import SlipwayError

CASES = Path(__file__).parents[3] / "cases" / "assemble"


def cases(wrong: bool) -> list[Any]:
    return [
        pytest.param(case, id=f"{path.stem}: {case['name']}")
        for path in sorted(CASES.glob("*.yaml"))
        for case in yaml.safe_load(path.read_text("utf-8"))
        if ("error" in case) is wrong
    ]


def load(case: dict[str, Any], directory: Path) -> Loaded:
    """Write the case's files into `directory` and load them."""
    files = dict(case.get("files", {}))
    for name, key in (("compose.yaml", "compose"), ("deploy.yaml", "deploy")):
        if f"{key}_text" in case:
            files[name] = case[f"{key}_text"]
        elif key in case:
            files[name] = yaml.safe_dump(case[key], sort_keys=False, allow_unicode=True)
    for name, text in files.items():
        (directory / name).write_text(text, "utf-8")
    options = LoadOptions(
        directory=str(directory),
        environment=case.get("environment"),
        config=case.get("config"),
        known_secrets=tuple(case.get("known_secrets", ())),
    )
    return load_app(options, case.get("environ", {}))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("case", cases(wrong=False))
def test_case(case: dict[str, Any], directory: Path) -> None:
    loaded = load(case, directory)
    app = msgspec.json.decode(msgspec.json.encode(loaded.app))
    assert_holds(app, case.get("app", {}), "app", str(directory))
    if "sealed" in case:
        assert loaded.sealed == case["sealed"]
    if "needs" in case:
        assert [need.name for need in loaded.needs] == [need["name"] for need in case["needs"]]
        assert loaded.needs == loaded.app.secrets
        for need, expected in zip(loaded.needs, case["needs"], strict=True):
            told = {"generate": True, **expected}
            shown = {"generate": need.generate, **msgspec.json.decode(msgspec.json.encode(need))}
            assert_holds(shown, told, need.name, str(directory))


@pytest.mark.parametrize("case", cases(wrong=True))
def test_wrong(case: dict[str, Any], directory: Path) -> None:
    expected = case["error"]
    with pytest.raises(SlipwayError) as caught:
        load(case, directory)
    error = caught.value
    assert type(error).__name__ == expected.get("type", "ConfigError")
    assert error.exit_code == 2
    if "at" in expected:
        assert str(error.location) == expected["at"]
    said = "\n".join([error.message, *error.details])
    assert all(each in said for each in expected["says"]), said
    assert all(each in (error.hint or "") for each in expected.get("hint", ())), error.hint


def assert_holds(actual: Any, expected: Any, where: str, directory: str) -> None:
    """`actual` has all that `expected` has. None: it must not be there; lists count whole."""
    if isinstance(expected, dict):
        assert isinstance(actual, dict), f"{where} is {actual!r}"
        for key, value in expected.items():
            if value is None:
                assert not actual.get(key), f"{where}.{key} is {actual.get(key)!r}"
            else:
                assert_holds(actual.get(key), value, f"{where}.{key}", directory)
    elif isinstance(expected, list):
        assert isinstance(actual, list), f"{where} is {actual!r}"
        assert len(actual) == len(expected), f"{where} is {actual!r}"
        for index, value in enumerate(expected):
            assert_holds(actual[index], value, f"{where}[{index}]", directory)
    elif isinstance(expected, str):
        assert actual == expected.replace("{directory}", directory), where
    else:
        assert actual == expected, where
