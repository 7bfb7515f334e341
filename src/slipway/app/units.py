"""Durations and sizes as Compose and deploy.yaml write them: `1m30s`, `500ms`, `512m`, `1GiB`."""

from __future__ import annotations

import re

_PART = re.compile(r"(\d+(?:\.\d+)?)(us|µs|ms|s|m|h|d)")
_SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtp]?)i?b?", re.IGNORECASE)
_BYTES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}


def seconds(value: str | float) -> float:
    """A duration in seconds; a bare number is seconds. Raises ValueError."""
    if isinstance(value, int | float):
        return float(value)
    text = value.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = list(_PART.finditer(text))
    if not parts or "".join(part.group() for part in parts) != text:
        raise ValueError(f'"{value}" is not a duration such as 500ms, 30s or 1m30s')
    return round(sum(float(part[1]) * _SECONDS[part[2]] for part in parts), 6)


def percent(value: str | float) -> float:
    """A percentage: `10%`, `99.9%` or a number. Raises ValueError."""
    text = str(value).strip().removesuffix("%").strip()
    if isinstance(value, bool) or not re.fullmatch(r"\d+(\.\d+)?", text):
        raise ValueError(f'"{value}" is not a percentage such as 10% or 99.5%')
    return float(text)


def size(value: str | int) -> int:
    """A size in bytes; units are powers of 1024, as in Compose. Raises ValueError."""
    if isinstance(value, int):
        return value
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise ValueError(f'"{value}" is not a size such as 512m or 1g')
    return int(float(match[1]) * _BYTES[match[2].lower()])


def duration_text(value: float) -> str:
    """The shortest way to write a duration: 90.0 -> `90s`, 0.5 -> `500ms`."""
    if value == int(value):
        return f"{int(value)}s"
    milliseconds = round(value * 1000, 3)
    if milliseconds == int(milliseconds):
        return f"{int(milliseconds)}ms"
    return f"{value:.6f}".rstrip("0") + "s"
