"""What a program writes, taken in by threads and told line by line (for `support.process`)."""

from __future__ import annotations

import os
import queue
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import IO, Any

_KEPT_LINES, _KEPT_OUTPUT, _LONGEST_LINE = 200, 16 * 1024 * 1024, 64 * 1024
_TICK = 0.05

OnLine = Callable[[str], None]
"""Called with each line of output, without its newline."""


class Output:
    """Both streams of a program, read by threads of their own, told line by line."""

    def __init__(
        self, process: subprocess.Popen[bytes], stdin: bytes, on_line: OnLine | None
    ) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._on_line = on_line
        self._stdout = bytearray()
        self._rest = {"out": b"", "err": b""}
        self._open = {"out", "err"}
        self._queue: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        for name, stream in (("out", process.stdout), ("err", process.stderr)):
            self._thread(_read, name, stream, self._queue)
        self._thread(_feed, process.stdin, stdin)

    @property
    def ended(self) -> bool:
        return not self._open

    def stdout(self) -> str:
        return self._stdout.decode("utf-8", "replace")

    def drain(self, seconds: float) -> None:
        """What is still to come, though not longer: a child left behind may hold the pipe."""
        end = time.monotonic() + seconds
        while self._open and time.monotonic() < end:
            self.take(_TICK)
        for name in list(self._rest):
            self._tell(name, b"\n" if self._rest[name] else b"")

    def take(self, seconds: float) -> None:
        """Wait for one piece of output, and tell the lines that it completes."""
        try:
            name, data = self._queue.get(timeout=seconds)
        except queue.Empty:
            return
        if not data:
            self._open.discard(name)
            return
        if name == "out" and len(self._stdout) < _KEPT_OUTPUT:
            self._stdout += data
        self._tell(name, data)

    def _tell(self, name: str, data: bytes) -> None:
        *whole, rest = (self._rest[name] + data).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            whole, rest = [*whole, rest], b""
        self._rest[name] = rest
        for raw in whole:
            # A progress bar rewrites its line: what it wrote last counts.
            line = raw.decode("utf-8", "replace").rstrip("\r").rpartition("\r")[2]
            self.lines.append(line)
            if self._on_line is not None:
                self._on_line(line)

    @staticmethod
    def _thread(target: Callable[..., None], *args: Any) -> None:
        threading.Thread(target=target, args=args, daemon=True).start()


def _read(name: str, stream: IO[bytes], into: queue.SimpleQueue[tuple[str, bytes]]) -> None:
    """Until the end of the stream, which is told as an empty piece."""
    with stream:
        while data := os.read(stream.fileno(), 65536):
            into.put((name, data))
    into.put((name, b""))


def _feed(stream: IO[bytes], data: bytes) -> None:
    """What the program reads; it may end before it has read all."""
    try:
        with stream:
            stream.write(data)
    except OSError:
        pass
