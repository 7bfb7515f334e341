"""Whatever a file holds, the loader gives a project or a ConfigError, and nothing else."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.app.compose import load_project, read_dotenv
from slipway.errors import ConfigError

CASES = Path(__file__).parents[3] / "cases/compose/valid"
FILES = sorted(CASES.glob("*/compose.yaml"))
TEXTS = [path.read_text() for path in FILES]
DOCUMENTS = [yaml.safe_load(text.partition("\n---")[0]) for text in TEXTS if "!" not in text]
KEYS = sorted(
    {key for document in DOCUMENTS for s in document["services"].values() for key in s or ()}
)
QUICK = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
MARKS = ("$", "${", "}", "${A:-", ":", ",", "&a ", "*a", "<<: ", "!reset ", "!!int ", "- ", ": ")
CHARACTERS = "[]{}'\"|?~«@%#=-.\\\t\n\0\x85\ufeff"
SNIPPETS = st.sampled_from([*MARKS, *CHARACTERS, "|\n", "---\n", "  ", "0x"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | SNIPPETS
    | st.sampled_from(
        ["1-", "80:80", "a:b:c", "99999999999", "1h", "5k", "//", "service:", "../.."]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def load(text: str | bytes) -> None:
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "compose.yaml").write_bytes(data)
        with contextlib.suppress(ConfigError):
            project = load_project(Path(folder), lookup={"A": "1", "B": ""}.get)
            json.dumps(project.data, allow_nan=False)


@QUICK
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    load(data)


@QUICK
@given(st.sampled_from(TEXTS), st.data())
def test_cases_with_something_put_in(text: str, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        text = text[:start] + data.draw(SNIPPETS) + text[end:]
    load(text)


@QUICK
@given(st.lists(st.tuples(st.sampled_from(KEYS), VALUES), max_size=3))
def test_any_value_for_a_known_key(settings_of_web: list[tuple[str, Any]]) -> None:
    web = {"image": "app", **dict(settings_of_web)}
    load(yaml.safe_dump({"services": {"web": web}}, allow_unicode=True))


@QUICK
@given(st.sampled_from(DOCUMENTS), st.data())
def test_cases_with_a_value_changed(document: dict[str, Any], data: st.DataObject) -> None:
    changed = yaml.safe_load(yaml.safe_dump(document))
    place: Any = changed
    for _ in range(data.draw(st.integers(1, 5))):
        steps = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not steps:
            break
        step = data.draw(st.sampled_from(steps))
        if not isinstance(place[step], (dict, list)):
            place[step] = data.draw(VALUES)
            break
        place = place[step]
    load(yaml.safe_dump(changed, allow_unicode=True))


@QUICK
@given(
    st.text(max_size=100)
    | st.lists(SNIPPETS | st.sampled_from(["A", "=", "export ", "#"])).map("".join)
)
def test_any_dotenv(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, ".env")
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        with contextlib.suppress(ConfigError):
            read = read_dotenv(path, os.environ.get)
            assert all(isinstance(value, str) for value in read.values())
