from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.support.secrets.redact import Redactor, redact

M = "••••"
_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="•")
_VALUES = st.lists(st.text(_CHARACTERS, min_size=4, max_size=20), min_size=1, max_size=4)
_TEXTS = st.text(_CHARACTERS, max_size=20)


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("password=s3cret!", ["s3cret!"], f"password={M}"),
        ("nothing here", ["s3cret!"], "nothing here"),
        ("abc and abcd", ["abcd"], f"abc and {M}"),
        ("postgres://u:p%40ss%2Fword@db", ["p@ss/word"], f"postgres://u:{M}@db"),
        ("q=p%40ss+word", ["p@ss word"], f"q={M}"),
        ('{"a": "x\\"y\\nz"}', ['x"y\nz'], f'{{"a": "{M}"}}'),
        ("a longer-secret", ["longer", "longer-secret"], f"a {M}"),
        ("abcdefghi", ["abcdef", "defghi"], M),
        ("on off", ["on", "off", ""], "on off"),
        ("line two is long", ["line one is long\nline two is long"], M),
    ],
)
def test_values_are_masked_as_people_meet_them(text: str, values: list[str], expected: str) -> None:
    assert redact(text, values) == expected


@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "admin"])
def test_a_basic_auth_header_is_masked(user: str) -> None:
    header = base64.b64encode(f"{user}:correct horse".encode()).decode()
    shown = redact(f"Authorization: Basic {header}", ["correct horse"])
    before, masked, after = shown.split()[-1].partition(M)
    assert masked
    assert len(before) <= (len(user) + 1) * 8 / 6 + 1  # the user, and bits shared with it
    assert len(after.rstrip("=")) <= 1


@given(values=_VALUES, before=_TEXTS, after=_TEXTS, data=st.data())
def test_no_form_of_any_value_is_left(
    values: list[str], before: str, after: str, data: st.DataObject
) -> None:
    value = data.draw(st.sampled_from(values))
    for form in (
        value,
        quote(value, safe=""),
        quote_plus(value),
        json.dumps(value)[1:-1],
        base64.b64encode(value.encode()).decode().rstrip("="),
    ):
        assert form not in redact(before + form + after, values)
        assert value not in redact(before + form + after, values)


@given(text=_TEXTS, values=_VALUES)
def test_text_without_values_is_left_alone(text: str, values: list[str]) -> None:
    shown = redact(text, values)
    if M not in shown:
        assert shown == text
    kept = shown.split(M)
    assert text.startswith(kept[0])
    assert text.endswith(kept[-1])


def test_a_redactor_shows_nothing() -> None:
    assert "s3cret" not in repr(Redactor(["s3cret!"]))
