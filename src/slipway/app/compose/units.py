"""Durations, sizes and shell words, read and written as Compose does."""

from __future__ import annotations

import re
from decimal import Decimal

_DURATION = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_NANOSECONDS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9}
_NANOSECONDS |= {"m": 60 * 10**9, "h": 3600 * 10**9}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kKmMgGtTpP])?[iI]?[bB]?\Z")
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def duration_text(text: str) -> str:
    """`90s` as `1m30s`, the one way Compose prints a duration. Raises ValueError."""
    nanoseconds = duration_nanoseconds(text)
    sign = "-" if nanoseconds < 0 else ""
    rest = abs(nanoseconds)
    if rest == 0:
        return "0s"
    for unit, scale in (("ns", 1), ("µs", 10**3), ("ms", 10**6)):
        if rest < scale * 1000:
            return f"{sign}{_decimal(rest, scale)}{unit}"
    minutes, rest = divmod(rest, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{_decimal(rest, 10**9)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}"
    return f"{sign}{minutes}m{seconds}" if minutes else f"{sign}{seconds}"


def _decimal(amount: int, scale: int) -> str:
    whole, part = divmod(amount, scale)
    if not part:
        return str(whole)
    return f"{whole}." + str(part).zfill(len(str(scale)) - 1).rstrip("0")


def duration_nanoseconds(text: str) -> int:
    """Whole nanoseconds of `1h30m`, `1.5s`, `500ms`. Raises ValueError."""
    body = text[1:] if text[:1] in ("+", "-") else text
    if body == "0":
        return 0
    total = Decimal(0)
    position = 0
    while position < len(body):
        match = _DURATION.match(body, position)
        if match is None or len(body) > 100:
            raise ValueError(text)
        total += Decimal(match[1]) * _NANOSECONDS[match[2]]
        position = match.end()
    if not body or total >= 2**63:
        raise ValueError(text)
    return int(-total if text.startswith("-") else total)


def size_bytes(text: str) -> int:
    """Bytes of `512`, `64m`, `1.5GiB`: each unit is 1024 of the one before. Raises ValueError."""
    if text == "-1":
        return -1
    match = _SIZE.match(text)
    if match is None or len(text) > 40:
        raise ValueError(text)
    power = _POWERS.get((match[2] or "").lower(), 0)
    return int(Decimal(match[1]) * 1024**power)


def shell_words(text: str) -> list[str]:
    """A command line in words, as Compose splits it: quotes, backslashes, no shell.

    It ends at an unquoted `;`, `&`, `|`, `<` or `>`, as it does for Compose. Raises ValueError
    for a quote that is not closed.
    """
    words: list[str] = []
    word: list[str] | None = None
    closing = ""
    escaped = False
    for char in text:
        if escaped:
            word, escaped = _with(word, char), False
        elif char == "\\" and closing != "'":
            escaped = True
        elif closing:
            word = _with(word, "" if char == closing and char in "'\"" else char)
            closing = "" if char == closing else closing
        elif char in ";&|<>":
            break
        elif char.isspace():
            words += [] if word is None else ["".join(word)]
            word = None
        else:
            closing = _closing(char, word)
            word = _with(word, "" if char in "'\"" else char)
    if closing or escaped:
        raise ValueError("a quote is not closed" if closing else "it ends with a backslash")
    return words if word is None else [*words, "".join(word)]


def _with(word: list[str] | None, char: str) -> list[str]:
    if word is None:
        return [char]
    word.append(char)
    return word


def _closing(char: str, before: list[str] | None) -> str:
    """What ends the quotation that `char` starts; empty if it starts none."""
    if char == "(":
        if not before or before[-1] != "$":
            raise ValueError("`(` means something to a shell only")
        return ")"
    return char if char in "'\"`" else ""
