"""What a service said last, for the error that it failed with: short, and with what it lacks.

Pure; called by `wait` and by platforms that watch a service themselves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LINES_READ = 200
"""How many of a log's last lines are worth handing in."""

_MOST = 25
"""Shown: a stack of Python, Node or a JVM names its reason at one end, and fits in this."""

_MISSING = re.compile(
    r"(?:^|[\s:])(?:line \d+: |\d+: )?(?:cannot run )?([\w.+/-]+): "
    r"(?:command not found|not found|no such program)$"
)


def last_words(lines: Sequence[str]) -> tuple[str, ...]:
    """The end of `lines`, where what is said again and again is said once."""
    left, times = _once(list(lines)[-LINES_READ:])
    shown = left[-_MOST:]
    return (*shown, f"(the same, {times} times)") if times > 1 else tuple(shown)


def _once(lines: list[str]) -> tuple[list[str], int]:
    """Without the repetitions that it ends with, and how often those stand there."""
    for size in range(1, len(lines) // 2 + 1):
        block = lines[-size:]
        times = 1
        while lines[-size * (times + 1) : -size * times] == block:
            times += 1
        if times > 1:
            return lines[: len(lines) - size * (times - 1)], times
    return lines, 1


def missing_program(lines: Sequence[str]) -> str | None:
    """The program that a shell, or we, did not find, if that is what was said."""
    for line in reversed(lines[-_MOST:]):
        found = _MISSING.search(line)
        if found:
            return found[1].rpartition("/")[2]
    return None


def hint_of(lines: Sequence[str], default: str) -> str:
    """What to do next."""
    program = missing_program(lines)
    if program is None:
        return default
    return (
        f"install {program} where the service runs: it was not found (the notes of `deploy plan`"
        " say what of a Dockerfile is not run)"
    )
