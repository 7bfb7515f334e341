"""Fills in `$X`, `${X:-d}`, `${X-d}`, `${X:+a}`, `${X+a}`, and splits words as Docker does."""

from __future__ import annotations

from collections.abc import Mapping

_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def expand(text: str, values: Mapping[str, str]) -> str:
    """`text` with its variables filled in; quotes and other backslashes stay."""
    return _scan(text, values, keep_quotes=True)


def fields(text: str, values: Mapping[str, str]) -> list[str]:
    """The words of `text`, filled in and without their quotes. What a variable holds is never
    split: `$A` with a space in it is one word.
    """
    return [_scan(word, values, keep_quotes=False) for word in words(text)]


def _scan(text: str, values: Mapping[str, str], *, keep_quotes: bool) -> str:
    result: list[str] = []
    at, quote = 0, ""
    while at < len(text):
        char = text[at]
        if char == "\\" and quote != "'" and at + 1 < len(text):
            plain = text[at + 1] == "$" or not keep_quotes
            result.append(text[at + 1] if plain else text[at : at + 2])
            at += 2
        elif char == "$" and quote != "'":
            value, at = _variable(text, at, values)
            result.append(value)
        else:
            marks = char in ("'", '"') and quote in ("", char)
            if marks:
                quote = "" if quote else char
            if keep_quotes or not marks:
                result.append(char)
            at += 1
    return "".join(result)


def _variable(text: str, at: int, values: Mapping[str, str]) -> tuple[str, int]:
    """The value of the variable whose `$` is at `at`, and where the text goes on."""
    if text.startswith("${", at):
        end = _closing(text, at + 2)
        return _braced(text[at + 2 : end], values), end + 1
    end = at + 1
    while end < len(text) and text[end] in _NAME:
        end += 1
    if end == at + 1:
        return "$", end
    return values.get(text[at + 1 : end], ""), end


def _closing(text: str, at: int) -> int:
    depth = 1
    while at < len(text):
        if text[at] == "}":
            depth -= 1
            if depth == 0:
                return at
        elif text.startswith("${", at):
            depth += 1
        at += 1
    return len(text)


def _braced(inner: str, values: Mapping[str, str]) -> str:
    end = 0
    while end < len(inner) and inner[end] in _NAME:
        end += 1
    name, rest = inner[:end], inner[end:]
    colon = rest.startswith(":")
    operator, word = rest[colon : colon + 1], rest[colon + 1 :]
    value = values.get(name)
    present = value is not None and not (colon and value == "")
    if operator == "-":
        return value if present and value is not None else expand(word, values)
    if operator == "+":
        return expand(word, values) if present else ""
    return value or ""


def words(text: str) -> list[str]:
    """Split at white space outside quotes and after no backslash; words are as written."""
    found: list[str] = []
    start, at, quote = 0, 0, ""
    while at < len(text):
        char = text[at]
        if char == "\\" and quote != "'":
            at += 2
            continue
        if char in ("'", '"') and quote in ("", char):
            quote = "" if quote else char
        elif char.isspace() and not quote:
            found.append(text[start:at])
            start = at + 1
        at += 1
    found.append(text[start:])
    return [word for word in found if word]


def pairs(text: str, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """`A=1 B="x y"`, or the old `A the rest`, as pairs, filled in."""
    first, _, rest = text.partition(" ")
    if "=" not in first:
        return [(first, _scan(rest.strip(), values, keep_quotes=False))]
    found: list[tuple[str, str]] = []
    for word in fields(text, values):
        name, _, value = word.partition("=")
        found.append((name, value))
    return found
