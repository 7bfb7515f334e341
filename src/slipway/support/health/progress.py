"""How far is a service that starts slowly? Read from an HTTP/JSON field, or from its log."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from slipway.support.health.exchange import Request, exchange
from slipway.support.health.model import Progress
from slipway.support.health.wire import Deadline, NoAnswer

_TIMEOUT = 1.0
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:(%)|(?:/|of)\s*(\d+(?:\.\d+)?))?\s*")


def read_progress(
    progress: Progress, host: str, port: int, log_lines: Sequence[str] = ()
) -> tuple[float, str] | None:
    """How far it is (0-1) and what it says; None if it does not say now. Blocking, at most 1 s.

    `port` is where this instance is reached; `log_lines` are its last lines, oldest first.
    """
    if progress.path is not None:
        return _from_http(progress, host, port)
    if progress.pattern is not None:
        return _from_log(progress.pattern, log_lines)
    return None


def fraction(value: Any, *, percent: bool = False) -> float | None:
    """0-1 of 0.45, 45, "45%", "0.45", "9/20", "9 of 20"; None if it is none of these.

    A whole number in a text is a percentage with `percent`, and any number above 1 is.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = min(value, 100) / 100 if value > 1 else float(value)
        return min(1.0, number) if math.isfinite(number) and number >= 0 else None
    match = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    number = float(match.group(1))
    if match.group(3) is not None:
        total = float(match.group(3))
        number = number / total if total else 0.0
    elif match.group(2) or number > 1 or (percent and "." not in match.group(1)):
        number /= 100
    return min(1.0, number)


def _from_http(progress: Progress, host: str, port: int) -> tuple[float, str] | None:
    """Any status will do: what is not ready yet often answers 503, with its progress."""
    try:
        answer = exchange(Request("http", host, port, progress.path or "/"), Deadline(_TIMEOUT))
        document = msgspec.json.decode(answer.body)
    except (NoAnswer, msgspec.DecodeError):
        return None
    done = fraction(_field(document, progress.field))
    if done is None:
        return None
    message = _field(document, progress.message_field) if progress.message_field else None
    return done, _one_line(message) if isinstance(message, str) else ""


def _field(document: Any, dotted: str) -> Any:
    for name in dotted.split("."):
        if isinstance(document, list) and name.isdigit() and int(name) < len(document):
            document = document[int(name)]
        elif isinstance(document, dict):
            document = document.get(name)
        else:
            return None
    return document


def _from_log(pattern: str, lines: Sequence[str]) -> tuple[float, str] | None:
    """The newest line that matches says it."""
    try:
        expression = re.compile(pattern)
    except re.error:
        return None
    for line in reversed(lines):
        plain = _ANSI.sub("", line)
        match = expression.search(plain)
        if match and match.re.groups:
            sign = plain[match.end(1) : match.end(1) + 1] == "%"
            said = match.group(1) or ""
            done = fraction(said + "%" if sign else said, percent=True)
            if done is not None:
                return done, _one_line(plain)
    return None


def _one_line(text: str) -> str:
    """Progress bars rewrite their line: only what was written last counts."""
    return " ".join(text.strip().rpartition("\r")[2].split())[:160]
