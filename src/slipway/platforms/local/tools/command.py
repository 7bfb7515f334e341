"""Runs one helper program (uv, npm, a build command) to its end, line by line.

Called by `tools` and `build`. The program gets no terminal, its own process group, and is
stopped as a whole when the run is cancelled or its deadline is over.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
from anyio.abc import Process

from slipway.errors import BuildError, StorageError
from slipway.support.data import Frozen
from slipway.support.files import storage_errors

OnLine = Callable[[str], None]
KEPT_LINES = 15
_FULL_WORDS = ("No space left on device", "ENOSPC", "Disk quota exceeded")


class Finished(Frozen, frozen=True, kw_only=True):
    """How a program ended: its exit code (negative: a signal) and its last lines."""

    code: int
    lines: tuple[str, ...] = ()

    @property
    def disk_full(self) -> bool:
        """Did it fail because nothing more could be written?"""
        return self.code != 0 and any(word in line for line in self.lines for word in _FULL_WORDS)


def silent(line: str) -> None:
    """An `OnLine` for callers that show nothing."""
    del line


async def run_command(
    argv: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    on_line: OnLine = silent,
    deadline: float = 1800.0,
    keep_open: tuple[int, ...] = (),
) -> Finished:
    """Run `argv` with exactly `environment`; each output line goes to `on_line`.

    `keep_open` are file descriptors the program inherits: a lock handed on so is held until
    the program has ended too, even if this process is killed. Raises BuildError when the
    program cannot be started, or is not done after `deadline` seconds.
    """
    tail: deque[str] = deque(maxlen=KEPT_LINES)
    try:
        process = await anyio.open_process(
            list(argv),
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=keep_open,
        )
    except OSError as error:
        raise BuildError(f"cannot run {argv[0]}: {error.strerror}") from error
    try:
        with anyio.fail_after(deadline):
            async for line in _lines(process):
                tail.append(line)
                on_line(line)
            code = await process.wait()
    except TimeoutError:
        raise BuildError(
            f"{Path(argv[0]).name} was not done after {deadline:.0f} s", details=tuple(tail)
        ) from None
    finally:
        await _stop(process)
    return Finished(code=code, lines=tuple(tail))


async def _lines(process: Process) -> AsyncIterator[str]:
    assert process.stdout is not None
    rest = b""
    async for chunk in process.stdout:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace").rstrip()
    if rest:
        yield rest.decode(errors="replace").rstrip()


async def _stop(process: Process) -> None:
    if process.returncode is None:
        with _gone_is_fine():
            os.killpg(process.pid, signal.SIGKILL)
        with anyio.CancelScope(shield=True):
            await process.wait()
    with anyio.CancelScope(shield=True):
        await process.aclose()


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except ProcessLookupError:
        return


@asynccontextmanager
async def locked(path: Path, deadline: float = 1800.0) -> AsyncIterator[int]:
    """Hold the lock file `path`; gives its descriptor (see `run_command`'s `keep_open`).

    The system lets go of it when its last holder ends, so none is ever left behind.
    Raises BuildError when another holder is not done after `deadline` seconds.
    """
    import fcntl

    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        with anyio.move_on_after(deadline) as scope:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await anyio.sleep(0.05)
        if scope.cancelled_caught:
            raise BuildError(
                f"another process has been at work for {deadline:.0f} s on {path.stem}",
                hint="wait for it, or end it, then run the same command again",
            )
        yield handle
    finally:
        os.close(handle)


def storage_full(path: Path, lines: Sequence[str] = ()) -> StorageError:
    """The error for a helper program that met a full disk while writing below `path`."""
    return StorageError(
        f"the disk is full: {path} could not be written",
        hint="free some space, then run the same command again",
        details=tuple(lines),
    )
