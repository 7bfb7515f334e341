from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.support.health.model import Progress
from slipway.support.health.progress import fraction, read_progress

Answering = Callable[[bytes], int]


def _json(body: str, status: str = "503 Loading") -> bytes:
    return f"HTTP/1.1 {status}\r\nConnection: close\r\n\r\n{body}".encode()


@pytest.mark.parametrize(
    ("body", "field", "expected"),
    [
        ('{"progress": 0.25, "note": "reading\\nweights"}', "progress", (0.25, "reading weights")),
        ('{"model": {"done": 40}}', "model.done", (0.4, "")),
        ('{"steps": ["3/12"]}', "steps.0", (0.25, "")),
        ('{"progress": "90%"}', "progress", (0.9, "")),
        ('{"progress": 1}', "progress", (1.0, "")),
        ('{"progress": true}', "progress", None),
        ('{"progress": null}', "progress", None),
        ('{"other": 1}', "progress", None),
        ("[1]", "progress", None),
        ("not json", "progress", None),
    ],
)
def test_from_json(
    answering: Answering, body: str, field: str, expected: tuple[float, str] | None
) -> None:
    progress = Progress(path="/ready", field=field, message_field="note")
    assert read_progress(progress, "127.0.0.1", answering(_json(body))) == expected


def test_from_nobody(closed_port: int) -> None:
    assert read_progress(Progress(path="/"), "127.0.0.1", closed_port) is None
    assert read_progress(Progress(), "127.0.0.1", closed_port) is None


@pytest.mark.parametrize(
    ("pattern", "lines", "expected"),
    [
        (r"loaded (\d+)%", ["loaded 10%", "loaded 45%", "warming"], (0.45, "loaded 45%")),
        (r"batch (\d+/\d+)", ["batch 3/4"], (0.75, "batch 3/4")),
        (r"done ([\d.]+)", ["done 0.5"], (0.5, "done 0.5")),
        (r"done ([\d.]+)", ["done 0.5%"], (0.005, "done 0.5%")),
        (r"at (\d+)", ["at 1"], (0.01, "at 1")),
        (r"(\d+)%", ["\x1b[32m 10%\r 30% \x1b[0m"], (0.1, "30%")),
        (r"step (\w+)", ["step one"], None),
        (r"no group", ["no group"], None),
        (r"broken(", ["broken("], None),
        (r"(\d+)%", [], None),
    ],
)
def test_from_a_log(pattern: str, lines: list[str], expected: tuple[float, str] | None) -> None:
    assert read_progress(Progress(pattern=pattern), "", 0, lines) == expected


@given(value=st.floats() | st.integers() | st.text(max_size=8) | st.none() | st.booleans())
def test_a_fraction_is_always_one(value: Any) -> None:
    done = fraction(value)
    assert done is None or 0 <= done <= 1
