from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.support.health.subset import mismatch

_LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
_JSON = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("expected", "actual", "says"),
    [
        ({"label": "spam"}, {"label": "spam", "more": 1}, None),
        ({"label": "spam"}, {"label": "ham"}, "expected label 'spam' at $.label, got 'ham'"),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, "expected 2 at $.a.b[1], got 3"),
        ({"a": [1]}, {"a": [1, 2]}, "expected 1 items at $.a, got 2"),
        ({"a": 1}, {"b": 2, "c": 3}, "expected a at $.a, but there is only: b, c"),
        ({"a": 1}, {}, "expected a at $.a, but there is only: nothing"),
        ({"a-b": 1}, {"a-b": 2}, 'expected 1 at $["a-b"], got 2'),
        ({"a": None}, {"a": None}, None),
        ({"a": None}, {"a": False}, "expected a null at $.a, got false"),
        ({"ok": True}, {"ok": 1}, "expected ok true at $.ok, got 1"),
        ({"n": 1}, {"n": 1.0}, None),
        ([{"a": 1}], [{"a": 1, "b": 2}], None),
        ({"a": 1}, [1], 'expected {"a": 1} at $, got [1]'),
        ("x", "y", "expected 'x' at $, got 'y'"),
    ],
)
def test_the_first_difference_in_one_line(expected: Any, actual: Any, says: str | None) -> None:
    assert mismatch(expected, actual) == says


def _less(value: Any, data: st.DataObject) -> Any:
    """Leave out some keys, anywhere."""
    if isinstance(value, dict):
        kept = {key: _less(inner, data) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if data.draw(st.booleans())}
    return [_less(each, data) for each in value] if isinstance(value, list) else value


@given(value=_JSON, data=st.data())
def test_with_keys_left_out_it_still_is_a_subset(value: Any, data: st.DataObject) -> None:
    assert mismatch(_less(value, data), value) is None


@given(one=_JSON, other=_JSON)
def test_only_in_both_directions_are_they_equal(one: Any, other: Any) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (mismatch(one, other) is None and mismatch(other, one) is None) is same
