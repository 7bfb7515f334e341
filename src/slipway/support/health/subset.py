"""Is this JSON in that JSON? If not, the first difference in one line."""

from __future__ import annotations

import json
from typing import Any


def mismatch(expected: Any, actual: Any, path: str = "$") -> str | None:
    """None if `expected` is a subset of `actual`, else what differs, and where.

    An object needs each key that is expected, with that value; a list needs the same length,
    item by item. Numbers compare by value; true and 1 differ.
    """
    if isinstance(expected, dict) and isinstance(actual, dict):
        return _object(expected, actual, path)
    if isinstance(expected, list) and isinstance(actual, list):
        return _list(expected, actual, path)
    if _kind(expected) == _kind(actual) and expected == actual:
        return None
    return f"expected {_label(path)}{_show(expected)} at {path}, got {_show(actual)}"


def _object(expected: dict[str, Any], actual: dict[str, Any], path: str) -> str | None:
    for key, value in expected.items():
        where = f"{path}.{key}" if key.isidentifier() else f"{path}[{json.dumps(key)}]"
        if key not in actual:
            there = ", ".join(sorted(actual)) or "nothing"
            return f"expected {key} at {where}, but there is only: {there}"
        found = mismatch(value, actual[key], where)
        if found:
            return found
    return None


def _list(expected: list[Any], actual: list[Any], path: str) -> str | None:
    if len(expected) != len(actual):
        return f"expected {len(expected)} items at {path}, got {len(actual)}"
    pairs = zip(expected, actual, strict=True)
    differences = (mismatch(a, b, f"{path}[{i}]") for i, (a, b) in enumerate(pairs))
    return next((difference for difference in differences if difference), None)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def _label(path: str) -> str:
    """The last key of `path`, to say first what it is about."""
    last = path.rpartition(".")[2]
    return f"{last} " if last.isidentifier() else ""


def _show(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"
