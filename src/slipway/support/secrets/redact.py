"""Take known secret values out of text that came from elsewhere: subprocesses, servers' answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from slipway.support.secrets.hidden import MASK

SHORTEST = 4
"""Shorter values are left: masking them would eat ordinary text."""

_SHORTEST_LINE = 8


def redact(text: str, values: Iterable[str]) -> str:
    """`text` with every one of `values` masked, whichever way it was written.

    For one text; for many with the same values make a `Redactor` once.
    """
    return Redactor(values)(text)


class Redactor:
    """Masks known values in texts: plain, URL-quoted, JSON-escaped, in base64.

    Where masked parts overlap or touch they become one. Each long line of a value of several
    lines is masked by itself, as output is often cut into lines. Its repr shows no value.
    """

    __slots__ = ("_forms",)

    def __init__(self, values: Iterable[str]) -> None:
        self._forms = frozenset(
            form for value in values for form in _forms(value) if len(form) >= SHORTEST
        )

    def __call__(self, text: str) -> str:
        parts, end = [], 0
        for start, stop in _merged(_spans(text, self._forms)):
            parts += [text[end:start], MASK]
            end = stop
        parts.append(text[end:])
        return "".join(parts)

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} forms)"


def _forms(value: str) -> Iterator[str]:
    """The ways in which `value` may stand in a text."""
    if len(value) < SHORTEST:
        return
    raw = value.encode("utf-8", "surrogatepass")
    yield from (value, quote(raw, safe=""), quote(raw), quote_plus(raw))
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    for shift in range(3):
        yield from _base64(raw, shift)
    lines = value.splitlines()
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= _SHORTEST_LINE)


def _base64(raw: bytes, shift: int) -> Iterator[str]:
    """What of base64 is certain when `raw` stands `shift` bytes (modulo 3) into the encoded."""
    whole = bytes(shift) + raw
    start = (shift * 8 + 5) // 6
    stop = len(whole) * 8 // 6
    yield base64.b64encode(whole).decode("ascii")[start:stop]
    yield base64.urlsafe_b64encode(whole).decode("ascii")[start:stop]


def _spans(text: str, forms: Iterable[str]) -> Iterator[tuple[int, int]]:
    for form in forms:
        at = text.find(form)
        while at >= 0:
            yield at, at + len(form)
            at = text.find(form, at + 1)


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same places, in order, none overlapping or touching another."""
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged
