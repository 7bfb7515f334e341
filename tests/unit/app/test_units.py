"""Durations and sizes, and that what is written reads back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.app.units import duration_text, seconds, size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30s", 30),
        ("1m30s", 90),
        ("500ms", 0.5),
        ("1h", 3600),
        ("1.5s", 1.5),
        ("250us", 0.00025),
        ("2d", 172800),
        ("7", 7),
        (2, 2),
        (0.5, 0.5),
    ],
)
def test_seconds(text: str | float, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "s", "soon", "3 parsecs", "-1s", "1s2", "1 s"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        seconds(text)


@given(st.integers(0, 10**9))
def test_durations_read_back(milliseconds: int) -> None:
    assert seconds(duration_text(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("512m", 512 << 20), ("1GiB", 1 << 30), ("2k", 2048), ("100", 100), (7, 7), ("0.5g", 1 << 29)],
)
def test_sizes(text: str | int, expected: int) -> None:
    assert size(text) == expected


def test_no_size() -> None:
    with pytest.raises(ValueError, match="not a size"):
        size("large")
