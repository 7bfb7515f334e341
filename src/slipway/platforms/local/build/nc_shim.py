#!/usr/bin/env python3
"""Stands in for `nc` where an image's start script waits for a neighbour: `nc -z db 5432`.

A copy of it runs as a program of the service: with any Python 3, without imports of ours, and
with services' names known as in all of the service's Python programs. For anything but asking
whether a port accepts, the system's own `nc` takes over.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterator

_WITH_VALUE = "iIpqsTwX"
_REFUSED = 1
_USAGE = 2


def main(arguments: list[str]) -> int:
    flags, wait, words = _read(arguments)
    try:
        ports = list(_ports(words[1:]))
    except ValueError:
        ports = []
    if "z" not in flags or not ports:
        return _hand_over(arguments)
    answers = [_accepts(words[0], port, wait, tell="v" in flags) for port in ports]
    return 0 if all(answers) else _REFUSED


def _read(arguments: list[str]) -> tuple[str, float | None, list[str]]:
    """The flags without a value, the seconds of `-w`, and what is no option."""
    flags, wait, words = "", None, []
    rest = iter(arguments)
    for word in rest:
        if not word.startswith("-"):
            words.append(word)
            continue
        for at, letter in enumerate(word[1:], 2):
            if letter not in _WITH_VALUE:
                flags += letter
                continue
            value = word[at:] or next(rest, "")
            if letter == "w" and value.isdigit():
                wait = float(value) or None
            break
    return flags, wait, words


def _ports(words: list[str]) -> Iterator[int]:
    """`80`, `20-25`, each in turn. Raises ValueError for a port's name."""
    for word in words:
        first, _, last = word.partition("-")
        yield from range(int(first), int(last or first) + 1)


def _accepts(host: str, port: int, wait: float | None, *, tell: bool) -> bool:
    try:
        socket.create_connection((host, port), timeout=wait).close()
    except OSError as error:
        said, found = f"nc: connect to {host} port {port} failed: {error}", False
    else:
        said, found = f"Connection to {host} {port} port succeeded!", True
    if tell:
        sys.stderr.write(f"{said}\n")
    return found


def _hand_over(arguments: list[str]) -> int:
    """Become the system's program of this name; say so if there is none."""
    name, here = os.path.basename(sys.argv[0]), os.path.dirname(os.path.abspath(sys.argv[0]))  # noqa: PTH100, PTH119, PTH120
    folders = os.environ.get("PATH", "").split(os.pathsep)
    program = shutil.which(name, path=os.pathsep.join(f for f in folders if f != here))
    if program is not None:
        os.execv(program, [program, *arguments])
    sys.stderr.write(f"{name}: this machine has no {name}; only `{name} -z` is known here\n")
    return _USAGE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
