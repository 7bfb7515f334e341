"""Fills in `$X`, `${X:-d}`, `${X-d}`, `${X:+a}`, `${X+a}`, and splits words as Docker does."""

from __future__ import annotations

from collections.abc import Mapping

_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def expand(text: str, values: Mapping[str, str]) -> str:
    """`text` with its variables filled in; quotes and backslashes stay, but `\\$` is `$`."""
    result: list[str] = []
    at, single, double = 0, False, False
    while at < len(text):
        char = text[at]
        if char == "\\" and at + 1 < len(text):
            result.append("$" if text[at + 1] == "$" else text[at : at + 2])
            at += 2
            continue
        if char == "$" and not single:
            value, at = _variable(text, at, values)
            result.append(value)
            continue
        if char == "'" and not double:
            single = not single
        if char == '"' and not single:
            double = not double
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
    """Split at white space; quotes group and are removed, a backslash keeps the next character."""
    found: list[str] = []
    current: list[str] = []
    quote, started, at = "", False, 0
    while at < len(text):
        char = text[at]
        if char == "\\" and quote != "'" and at + 1 < len(text):
            current.append(text[at + 1])
            at, started = at + 2, True
            continue
        if quote:
            if char == quote:
                quote = ""
            else:
                current.append(char)
        elif char in "'\"":
            quote, started = char, True
        elif char.isspace():
            if started or current:
                found.append("".join(current))
            current, started = [], False
        else:
            current.append(char)
        at += 1
    if started or current:
        found.append("".join(current))
    return found


def pairs(text: str) -> list[tuple[str, str]]:
    """`A=1 B="x y"`, or the old `A the rest`, as pairs."""
    first, _, rest = text.partition(" ")
    if "=" not in first:
        return [(first, " ".join(words(rest)))]
    found: list[tuple[str, str]] = []
    for word in words(text):
        name, _, value = word.partition("=")
        found.append((name, value))
    return found
