"""Durations, sizes, words and scalars at their edges."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.app.compose.scalars import resolve, to_text
from slipway.app.compose.units import (
    duration_nanoseconds,
    duration_text,
    shell_words,
    size_bytes,
)


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("0", "0s"),
        ("0s", "0s"),
        ("90s", "1m30s"),
        ("60m", "1h0m0s"),
        ("1h2m3.5s", "1h2m3.5s"),
        ("1500ms", "1.5s"),
        ("1us", "1µs"),
        ("1.5us", "1.5µs"),
        ("7ns", "7ns"),
        (".5s", "500ms"),
        ("-5s", "-5s"),
        ("24h", "24h0m0s"),
    ],
)
def test_durations(written: str, printed: str) -> None:
    assert duration_text(written) == printed


@pytest.mark.parametrize("text", ["", "5", "5 s", "s", "1d", "1h30", "--5s", "1e3s", "9999999999h"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError):
        duration_text(text)


@given(st.integers(0, 10**15))
@settings(derandomize=True, database=None, deadline=None)
def test_a_printed_duration_reads_as_the_same(nanoseconds: int) -> None:
    printed = duration_text(f"{nanoseconds}ns")
    assert duration_nanoseconds(printed) == nanoseconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("512", 512),
        ("10b", 10),
        ("1k", 1024),
        ("64MiB", 64 * 2**20),
        ("1.5gb", 3 * 2**29),
        ("2 T", 2 * 2**40),
        ("-1", -1),
    ],
)
def test_sizes(text: str, expected: int) -> None:
    assert size_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "k", "1x", "1,5g", "-2", "1.g", "1e3", "0x10"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(ValueError):
        size_bytes(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("   ", []),
        ("a  b\tc\n", ["a", "b", "c"]),
        ("a ''", ["a", ""]),
        ("'a b'\"c d\"e", ["a bc de"]),
        (r"a\ b 'c\d' " + r'"e\"f"', ["a b", r"c\d", 'e"f']),
        ("a && b", ["a"]),
        ("a > b", ["a"]),
        ("'a && b'", ["a && b"]),
        ("x $(date +%s) y", ["x", "$(date +%s)", "y"]),
        ("x `a b` y", ["x", "`a b`", "y"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert shell_words(text) == expected


@pytest.mark.parametrize("text", ["'", 'a "b', "a\\", "`a", "(a)", "$(a"])
def test_no_words(text: str) -> None:
    with pytest.raises(ValueError):
        shell_words(text)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=8), max_size=5))
@settings(derandomize=True, database=None, deadline=None)
def test_quoted_words_come_back(words: list[str]) -> None:
    assert shell_words(shlex.join(words)) == words


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("+1", 1),
        ("-1", -1),
        ("0777", 0o777),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", 3),
        ("08", 8.0),
        ("1_000", 1000),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("yes", "yes"),
        ("on", "on"),
        ("True", True),
        ("~", None),
        ("", None),
        ("12:30", "12:30"),
        ("2024-01-31", "2024-01-31"),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        ("-", "-"),
        ("1.2.3", "1.2.3"),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2.0**64),
    ],
)
def test_plain_scalars(text: str, value: Any) -> None:
    found = resolve(text)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (None, None),
        (1.0, "1"),
        (1.5, "1.5"),
        (-0.0, "-0"),
        (100000.0, "100000"),
        (1000000.0, "1e+06"),
        (1234567.125, "1.234567125e+06"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (1e100, "1e+100"),
        (-2.5e-7, "-2.5e-07"),
    ],
)
def test_numbers_as_text(value: Any, text: str | None) -> None:
    assert to_text(value) == text
