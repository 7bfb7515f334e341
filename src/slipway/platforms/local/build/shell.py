"""Takes a RUN's shell text apart, as far as that is safe: commands joined by `&&`, `;` or lines."""

from __future__ import annotations

from collections.abc import Iterator

_COMPOUND = frozenset({"if", "for", "while", "until", "case", "function", "{", "(", "[[", "then"})


def split_commands(text: str) -> list[str] | None:
    """The commands of `text`, in order; None where it is more than a list: an `if`, a loop, a
    group, which is not looked into.
    """
    parts = [part.strip() for part in _split(text)]
    found = [part for part in parts if part and not part.startswith("#")]
    if any(part.split(None, 1)[0] in _COMPOUND or part.startswith("(") for part in found):
        return None
    return found


def _split(text: str) -> Iterator[str]:
    start, at = 0, 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 2
            continue
        if char in "'\"`" or text.startswith("$(", at):
            at = _skip(text, at)
            continue
        width = 2 if text.startswith("&&", at) else 1 if char in ";\n" else 0
        if width:
            yield text[start:at]
            start = at = at + width
            continue
        at += 1
    yield text[start:]


def _skip(text: str, at: int) -> int:
    """Past the quoted text or `$( )` that starts at `at`."""
    if text.startswith("$(", at):
        depth, at = 1, at + 2
        while at < len(text) and depth:
            if text[at] in "'\"":
                at = _skip(text, at)
                continue
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            at += 1
        return at
    quote = text[at]
    at += 1
    while at < len(text) and text[at] != quote:
        at += 2 if text[at] == "\\" and quote != "'" else 1
    return at + 1
