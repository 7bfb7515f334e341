"""Other programs: run one to its end, and whatever it started with it.

For builds, migrations, probes, git and the like. What has to outlive this process (services,
databases) is a supervisor's matter, not this module's.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread

from slipway.errors import RunError, SlipwayError
from slipway.support.data import Frozen
from slipway.support.output import OnLine, Output

GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""

_TICK, _DRAIN = 0.05, 0.5


class Completed(Frozen, frozen=True, kw_only=True):
    """A program that ended by itself. `exit_code` is negative if a signal ended it.

    `stdout` is whole (up to 16 MB), `lines` the last 200 of stdout and stderr as they came.
    """

    command: tuple[str, ...]
    exit_code: int
    stdout: str
    lines: tuple[str, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        return self.exit_code == 0


async def run(
    command: Sequence[str | Path],
    *,
    timeout: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    on_line: OnLine | None = None,
    stdin: bytes = b"",
    user: str | int | None = None,
) -> Completed:
    """Run a program in a process group of its own; its exit code is the caller's to judge.

    `env` is the whole environment (None: this process's); `on_line` gets each line of output
    in the event loop, and must not raise; `user` is whom to run as, for root. When it is
    cancelled, or `timeout` seconds are over, the whole group gets SIGTERM, after `GRACE`
    seconds SIGKILL, and this waits for its end. Children that a program leaves behind when
    it ends by itself are left running.
    Raises RunError: no such program, or not ended in time (its last lines are the details).
    """
    stop = threading.Event()

    def tell(line: str) -> None:
        if on_line is not None:
            anyio.from_thread.run_sync(on_line, line)

    work = partial(
        run_blocking,
        command,
        timeout=timeout,
        cwd=cwd,
        env=env,
        on_line=tell,
        stdin=stdin,
        user=user,
        stop=stop,
    )
    outcome: Completed | SlipwayError
    async with anyio.create_task_group() as group:
        group.start_soon(_set_when_cancelled, stop)
        try:  # not cancelled itself: the thread ends soon after `stop` is set
            outcome = await anyio.to_thread.run_sync(work, limiter=anyio.CapacityLimiter(1))
        except SlipwayError as error:
            outcome = error
        group.cancel_scope.cancel()
    await anyio.lowlevel.checkpoint()
    if isinstance(outcome, SlipwayError):
        raise outcome
    return outcome


def run_blocking(
    command: Sequence[str | Path],
    *,
    timeout: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    on_line: OnLine | None = None,
    stdin: bytes = b"",
    user: str | int | None = None,
    stop: threading.Event | None = None,
) -> Completed:
    """`run` for code that is in a thread, such as a `command` probe. `stop` ends it early.

    Raises RunError as `run` does, and when it was stopped.
    """
    words = tuple(str(word) for word in command)
    started = time.monotonic()
    process = _start(words, cwd, env, user)
    output = Output(process, stdin, on_line)
    try:
        why = _follow(process, output, started + timeout, stop or threading.Event())
    except BaseException:
        _end_group(process)
        raise
    if why is not None:
        _end_group(process)
        output.drain(_DRAIN)
        late = f"did not end within {timeout:g} s" if why == "late" else "was stopped"
        raise RunError(f"`{words[0]}` {late}, and was ended", details=tuple(output.lines)[-20:])
    output.drain(_DRAIN)
    return Completed(
        command=words,
        exit_code=process.returncode,
        stdout=output.stdout(),
        lines=tuple(output.lines),
        seconds=time.monotonic() - started,
    )


def find_program(name: str, environ: Mapping[str, str] | None = None) -> Path | None:
    """Where the program `name` is on PATH, or None."""
    path = (os.environ if environ is None else environ).get("PATH", os.defpath)
    found = shutil.which(name, path=path)
    return Path(found) if found else None


async def _set_when_cancelled(stop: threading.Event) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        stop.set()


def _start(
    words: tuple[str, ...], cwd: Path | None, env: Mapping[str, str] | None, user: str | int | None
) -> subprocess.Popen[bytes]:
    try:
        options = {} if user is None else _identity(user)
        return subprocess.Popen(
            words,
            cwd=cwd,
            env=None if env is None else dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **options,
        )
    except FileNotFoundError:
        if cwd is not None and not cwd.is_dir():
            raise RunError(f"cannot run `{words[0]}`: there is no folder {cwd}") from None
        raise RunError(
            f"cannot run `{words[0]}`: there is no such program",
            hint=f"install {Path(words[0]).name}, or put its folder on PATH",
        ) from None
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunError(f"cannot run `{words[0]}`: {reason}") from None


def _identity(user: str | int) -> dict[str, Any]:
    """Run as `user`, with that user's own group only."""
    import pwd

    try:
        entry = pwd.getpwuid(user) if isinstance(user, int) else pwd.getpwnam(user)
    except KeyError:
        raise OSError(f"there is no user {user}") from None
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _follow(
    process: subprocess.Popen[bytes], output: Output, deadline: float, stop: threading.Event
) -> str | None:
    """Take in output until the program ends; else why it has to be ended: "late", "stop"."""
    while process.poll() is None:
        if stop.is_set():
            return "stop"
        if time.monotonic() >= deadline:
            return "late"
        if output.ended:
            try:
                process.wait(_TICK)
            except subprocess.TimeoutExpired:
                continue
        output.take(_TICK)
    return None


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to all, SIGKILL to who is left after `GRACE`, and wait for the program itself."""
    if os.name == "nt":
        process.kill()
        process.wait()
        return
    for name in (signal.SIGTERM, signal.SIGKILL):
        if not _signal_group(process.pid, name):
            break
        end = time.monotonic() + GRACE
        while time.monotonic() < end:
            if process.poll() is not None and not _left(process.pid):
                return
            time.sleep(0.01)
    process.wait()


def _left(group: int) -> bool:
    from slipway.support.machine import group_runs

    return _signal_group(group, 0) and group_runs(group)


def _signal_group(group: int, number: int) -> bool:
    """False if nobody is left in it (macOS says "not permitted" of one of zombies only)."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
