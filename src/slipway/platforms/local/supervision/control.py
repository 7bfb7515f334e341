"""The programs of one environment: make one run, stop it, say how it is. All idempotent.

What should run is on disk: the program's file in `conf.d`, and the marker `wanted` in its
folder. So a supervisord that was lost, or a machine that was rebooted, comes back the same.
Blocking calls go through threads, one at a time: supervisord rereads all its files for each.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Mapping
from configparser import ConfigParser, Error
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from slipway.errors import PlatformError
from slipway.platforms.local import launchfile
from slipway.platforms.local.layout import Layout
from slipway.platforms.local.supervision import conf, daemon, rpc
from slipway.platforms.local.supervision.conf import Program
from slipway.platforms.local.supervision.rpc import ProgramState, UnreachableError
from slipway.support.files import atomic_write, make_folder, storage_errors

WANTED = "wanted"
PID = "pid"
STARTS = "starts"
UP = ("STARTING", "RUNNING", "BACKOFF", "STOPPING")
FIRST = 100
"""Programs up to this priority are what others need: backing services."""
LISTEN_DEADLINE = 15.0
LAUNCH_MODULE = "slipway.platforms.local.launch"
T = TypeVar("T")


def launch_command(launch_file: Path) -> tuple[str, ...]:
    """The command of every program: our launcher, which reveals secrets and becomes the program."""
    return (sys.executable, "-I", "-m", LAUNCH_MODULE, str(launch_file))


@dataclass(slots=True)
class Control:
    """Speaks for one environment's programs. `environ` is what supervisord itself starts with."""

    layout: Layout
    environ: Mapping[str, str]
    _lock: anyio.Lock = field(default_factory=anyio.Lock)

    async def run(self, program: Program, *, restart: bool = False) -> bool:
        """Make `program` run with this configuration; True if it was started by this call.

        `restart`: also if it runs already with the same configuration.
        """
        return await self._exclusive(lambda: self._run(program, restart))

    async def stop(self, name: str) -> None:
        """Stop a program, wait for it, and forget it. Fine if there is none."""
        await self._exclusive(lambda: self._forget(name), wait_for=name)

    async def states(self) -> dict[str, ProgramState]:
        """Every program's state; empty if the supervisor does not run."""
        return await anyio.to_thread.run_sync(self.look)

    def look(self) -> dict[str, ProgramState]:
        """`states`, blocking."""
        if not self.layout.socket.exists():
            return {}
        try:
            return rpc.states(self.layout.socket)
        except UnreachableError:
            return {}

    async def ensure_daemon(self) -> None:
        """Find the supervisor or start it; then start again what should run."""
        await self._exclusive(self._ensure_daemon)

    async def shut_down(self) -> None:
        """Stop everything, with the supervisor, also what outlived one that was killed."""
        await self._exclusive(self._shut_down)

    async def shut_down_if_idle(self) -> None:
        """Stop the supervisor when nothing is left for it to run."""
        await self._exclusive(self._shut_down_if_idle)

    async def _exclusive(self, action: Callable[[], T], wait_for: str | None = None) -> T:
        """One change at a time. Stopping is awaited outside the lock: it takes its grace time."""
        if wait_for is not None:
            await self._stop_and_wait(wait_for)
        async with self._lock:
            return await anyio.to_thread.run_sync(action)

    async def _stop_and_wait(self, name: str) -> None:
        config = self._configured(name)
        if config is None:
            return
        config.folder.joinpath(WANTED).unlink(missing_ok=True)
        leaders = await anyio.to_thread.run_sync(self._pids, name)
        if not await self._is_up(name):
            return
        await anyio.to_thread.run_sync(self._ask_to_stop, name)
        with anyio.move_on_after(config.grace + 10.0):
            while await self._is_up(name):
                await anyio.sleep(0.02)
        if await self._is_up(name):
            within = config.grace + 10.0
            raise PlatformError(f"{name} could not be stopped within {within:.0f} s")
        await anyio.to_thread.run_sync(daemon.end_rest, leaders, config.grace)

    async def _is_up(self, name: str) -> bool:
        state = (await self.states()).get(name)
        return state is not None and state.state in UP

    def _pids(self, *names: str) -> list[int]:
        """The processes of these programs, or of all."""
        states = self.look()
        found = [states[n].pid for n in names or states if n in states]
        return [pid for pid in found if pid]

    def _ask_to_stop(self, name: str) -> None:
        _tolerate(
            self.layout.socket, "stopProcess", name, False, ok=(rpc.NOT_RUNNING, rpc.BAD_NAME)
        )

    def _run(self, program: Program, restart: bool) -> bool:
        self._ensure_daemon()
        with storage_errors(program.folder):
            make_folder(program.folder)
            make_folder(program.log.parent)
        text = conf.program_text(program)
        path = self.layout.programs / f"{program.name}.conf"
        changed = not path.exists() or path.read_text() != text
        state = self.look().get(program.name)
        if state is not None and (changed or restart):
            self._stop_now(program.name)
            state = None
        if changed:
            atomic_write(path, text.encode())
        atomic_write(program.folder / WANTED, b"")
        if state is not None and state.state in ("STARTING", "RUNNING"):
            return False
        program.folder.joinpath(STARTS).unlink(missing_ok=True)
        self._start(program.name)
        return True

    def _start(self, name: str) -> None:
        """Add it to the running supervisor and start it, without waiting for it."""
        socket = self.layout.socket
        if name not in self.look():
            rpc.call(socket, "reloadConfig")
            _tolerate(socket, "addProcessGroup", name, ok=(rpc.ALREADY_ADDED,))
        _tolerate(socket, "startProcess", name, False, ok=(rpc.ALREADY_STARTED,))

    def _stop_now(self, name: str) -> None:
        """Stop and take out of the running supervisor, blocking for its grace time."""
        config = self._configured(name)
        grace = config.grace if config else 10.0
        socket = self.layout.socket
        ok = (rpc.NOT_RUNNING, rpc.BAD_NAME)
        leaders = self._pids(name)
        _tolerate(socket, "stopProcess", name, True, ok=ok, timeout=grace + 10.0)
        daemon.end_rest(leaders, grace)
        _tolerate(socket, "removeProcessGroup", name, ok=(rpc.BAD_NAME,))

    def _forget(self, name: str) -> None:
        config = self._configured(name)
        if name in self.look():
            self._stop_now(name)
        elif config is not None:
            daemon.end_orphans([config.orphan()])
        (self.layout.programs / f"{name}.conf").unlink(missing_ok=True)

    def _ensure_daemon(self) -> None:
        if daemon.is_up(self.layout):
            return
        configured = [c for c in map(self._configured, self._names()) if c is not None]
        self._replace_stuck()
        daemon.end_orphans(c.orphan() for c in configured)
        daemon.start(self.layout, self.environ)
        wanted = [c for c in configured if c.folder.joinpath(WANTED).exists()]
        for config in wanted:
            config.folder.joinpath(STARTS).unlink(missing_ok=True)  # it did not end by itself
        first = [c for c in wanted if c.priority <= FIRST]
        for config in first:
            self._start(config.name)
        _wait_listening([c.folder for c in first])
        for config in sorted(wanted, key=lambda c: c.priority):
            self._start(config.name)

    def _replace_stuck(self) -> None:
        """A supervisor that is there and does not answer is of no use to anyone."""
        pid = daemon.pid_of(self.layout)
        if pid is not None:
            path = self.layout.supervisor / "supervisord.pid"
            daemon.end_orphans([(path, signal.SIGTERM, daemon.STOP_DEADLINE)])

    def _shut_down_if_idle(self) -> None:
        if self._names():
            return
        self._shut_down()
        with contextlib.suppress(OSError):  # not there, or with a socket in it
            self.layout.short.rmdir()

    def _shut_down(self) -> None:
        configured = [c for c in map(self._configured, self._names()) if c is not None]
        leaders = self._pids()
        daemon.stop(self.layout)
        daemon.end_rest(leaders, max((c.grace for c in configured), default=0.0))
        daemon.end_orphans(c.orphan() for c in configured)
        for config in configured:
            (self.layout.programs / f"{config.name}.conf").unlink(missing_ok=True)

    def _names(self) -> list[str]:
        return sorted(path.stem for path in self.layout.programs.glob("*.conf"))

    def names(self) -> list[str]:
        """Every program that is configured, running or not."""
        return self._names()

    def _configured(self, name: str) -> _Configured | None:
        return read_configured(self.layout.programs / f"{name}.conf", name)


@dataclass(frozen=True, slots=True)
class _Configured:
    """What is read back of a program's file."""

    name: str
    folder: Path
    stop_signal: signal.Signals
    grace: float
    priority: int

    def orphan(self) -> tuple[Path, signal.Signals, float]:
        return self.folder / PID, self.stop_signal, self.grace


def read_configured(path: Path, name: str) -> _Configured | None:
    """Read a program's file back; None if it is not there or torn."""
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text())
        section = parser[f"program:{name}"]
        return _Configured(
            name=name,
            folder=Path(section["directory"].replace("%%", "%")),
            stop_signal=signal.Signals[f"SIG{section['stopsignal']}"],
            grace=float(section["stopwaitsecs"]),
            priority=int(section["priority"]),
        )
    except (OSError, Error, KeyError, ValueError):
        return None


def _wait_listening(folders: list[Path]) -> None:
    """Let databases come up before what needs them; one that does not is the next step's matter."""
    until = time.monotonic() + LISTEN_DEADLINE
    for launch in filter(None, map(launchfile.read, folders)):
        while launch.address and launch.port and time.monotonic() < until:
            try:
                socket.create_connection((launch.address, launch.port), 1.0).close()
            except OSError:
                time.sleep(0.05)
            else:
                break


def _tolerate(
    path: Path, method: str, *params: object, ok: tuple[int, ...], timeout: float = 15.0
) -> None:
    """A call whose refusals in `ok` mean that it is so already."""
    try:
        rpc.call(path, method, *params, timeout=timeout)
    except xmlrpc.client.Fault as fault:
        if fault.faultCode not in ok:
            raise PlatformError(f"the supervisor refused {method}: {fault.faultString}") from fault
