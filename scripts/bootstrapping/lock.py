"""One bootstrap at a time in a checkout."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from problems import BootstrapError, say

WAIT_S = 600.0


@contextmanager
def alone(mutex: Path) -> Iterator[int]:
    """Holds the file `mutex`, giving its descriptor, which programs started meanwhile must
    inherit. The kernel lets go of it when the last of them ends: however they die, nothing is
    left behind, and nobody works beside a program that outlived its parent.

    Raises BootstrapError after ten minutes.
    """
    handle = os.open(mutex, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _wait_for(handle, mutex)
        yield handle
    finally:
        os.close(handle)


def _wait_for(handle: int, mutex: Path) -> None:
    deadline = time.monotonic() + WAIT_S
    told = False
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        if time.monotonic() > deadline:
            raise BootstrapError(
                f"another process has been making .venv for {WAIT_S:.0f} s.",
                f"see what holds {mutex} (fuser, lsof), end it, and run this again",
            )
        if not told:
            say(f"waiting for another process that makes .venv (at most {WAIT_S:.0f} s) ...")
            told = True
        time.sleep(0.2)
