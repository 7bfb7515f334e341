"""Colours and marks, only where a terminal shows them and NO_COLOR does not forbid them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import TextIO

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def colours(stream: TextIO) -> bool:
    """True if `stream` should get colours."""
    if os.environ.get("NO_COLOR"):
        return False
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, *styles: str, stream: TextIO | None = None) -> str:
    """`text` in these styles, or as it is."""
    if not text or not colours(stream or sys.stderr):
        return text
    codes = ";".join(_CODES[style] for style in styles)
    return f"\x1b[{codes}m{text}\x1b[0m"


def width() -> int:
    """Columns to write in: the terminal's, at most 100, and 80 where there is none."""
    return min(100, shutil.get_terminal_size((80, 24)).columns)


def table(rows: Sequence[tuple[str, ...]], gap: str = "  ") -> list[str]:
    """Rows as aligned lines; the last column is as long as it is."""
    if not rows:
        return []
    sizes = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        gap.join(cell.ljust(size) for cell, size in zip(row, sizes, strict=True)).rstrip()
        for row in rows
    ]


def seconds(value: float) -> str:
    """A duration as people say it: `0.4 s`, `12 s`, `3 min 5 s`."""
    if value < 10:
        return f"{value:.1f} s"
    if value < 90:
        return f"{value:.0f} s"
    return f"{int(value // 60)} min {int(value % 60)} s"


def ago(then: float, now: float) -> str:
    """How long since `then`: `12 s`, `5 min`, `3 h`, `2 d`."""
    gone = max(0.0, now - then)
    for limit, unit, size in ((90, "s", 1), (5400, "min", 60), (129600, "h", 3600)):
        if gone < limit:
            return f"{int(gone // size)} {unit}"
    return f"{int(gone // 86400)} d"
