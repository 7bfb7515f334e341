"""supervisord itself: started when it is needed, found again, and stopped when nothing is left.

A supervisord that was killed leaves its programs running without a parent. They cannot be
adopted, so before a new one starts they are ended (`orphans`), and what should run is
started again by `control.Control`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from slipway.errors import PlatformError
from slipway.platforms.local.layout import Layout, ensure_private
from slipway.platforms.local.supervision import conf, rpc
from slipway.support.files import atomic_write, make_folder, storage_errors
from slipway.support.machine import alive

START_DEADLINE = 15.0
STOP_DEADLINE = 30.0
STRAY_PATIENCE = 5.0
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "USER", "LOGNAME", "HOME", "TMPDIR", "SSL_CERT_FILE")


def is_up(layout: Layout) -> bool:
    """True if our supervisord answers."""
    if not layout.socket.exists():
        return False
    try:
        rpc.call(layout.socket, "getState", timeout=5.0)
    except rpc.UnreachableError:
        return False
    return True


def start(layout: Layout, environ: Mapping[str, str]) -> None:
    """Start supervisord in a session of its own and wait until it answers.

    One that a killed run was just starting is waited for, or ended: there is never a second.
    Raises PlatformError with the end of its log, StorageError.
    """
    if _end_strays(layout, patience=STRAY_PATIENCE):
        return
    _write_configuration(layout)
    layout.socket.unlink(missing_ok=True)
    command = [sys.executable, "-I", "-m", "supervisor.supervisord", "-c", str(_conf(layout))]
    kept = {name: environ[name] for name in _KEPT if name in environ}
    with (layout.supervisor / "start.log").open("wb") as output:
        done = subprocess.run(
            command,
            cwd=layout.supervisor,
            env=kept,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            timeout=START_DEADLINE,
            check=False,
        )
    if done.returncode != 0 or not _wait_up(layout):
        raise PlatformError(
            "the supervisor did not start",
            details=tail(layout.supervisor / "start.log") or tail(_log(layout)),
            hint=f"see {_log(layout)}",
        )


def stop(layout: Layout) -> None:
    """Shut supervisord down with all it runs, and wait until it is gone. Fine if there is none."""
    pid = pid_of(layout)
    try:
        rpc.call(layout.socket, "shutdown")
    except rpc.UnreachableError:
        pass
    if pid is not None:
        wait_gone([pid], STOP_DEADLINE)
    _end_strays(layout, patience=0.0)
    layout.socket.unlink(missing_ok=True)


def _end_strays(layout: Layout, *, patience: float) -> bool:
    """Every supervisord of this environment that is there: True if one of them answers within
    `patience` seconds, else they are ended.
    """
    strays = processes_with(str(_conf(layout)))
    until = time.monotonic() + patience
    while strays and time.monotonic() < until:
        if is_up(layout):
            return True
        time.sleep(0.05)
        strays = [pid for pid in strays if _exists(pid)] or processes_with(str(_conf(layout)))
    for pid in strays:
        _signal(pid, signal.SIGTERM)
    if not wait_gone(strays, STOP_DEADLINE):
        for pid in strays:
            _signal(pid, signal.SIGKILL)
    return False


def processes_with(path: str) -> list[int]:
    """Processes that have this path, or one below it, in a word of their command line."""
    import psutil

    pattern = re.compile(re.escape(path) + r"(?=$|[/\s\"'])")
    found = []
    for process in psutil.process_iter():
        try:
            if any(pattern.search(word) for word in process.cmdline()):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def pid_of(layout: Layout) -> int | None:
    """The process id of a living supervisord of this environment."""
    path = layout.supervisor / "supervisord.pid"
    pid = read_pid(path)
    return pid if pid is not None and is_alive(pid, path) else None


def end_orphans(pid_files: Iterable[tuple[Path, signal.Signals, float]]) -> list[int]:
    """End programs that outlived their supervisor: (pid file, stop signal, grace in seconds).

    All are asked at once; each is killed when its own time is over, with what it leaves of its
    group. Returns the ids that were found.
    """
    found = [(read_pid(p), p, sig, grace) for p, sig, grace in pid_files]
    alive = [(pid, sig, grace) for pid, p, sig, grace in found if pid and is_alive(pid, p)]
    for pid, sig, _ in alive:
        _signal(pid, sig)
    began = time.monotonic()
    for pid, _, grace in sorted(alive, key=lambda each: each[2]):
        if not wait_gone([pid], began + grace - time.monotonic()):
            _signal_group(pid, signal.SIGKILL)
    pids = [pid for pid, _, _ in alive]
    wait_gone(pids, 5.0)
    end_rest(pids, max((grace for _, _, grace in alive), default=0.0))
    return pids


def end_rest(leaders: Iterable[int], grace: float) -> None:
    """End what programs that have ended left running, as a container's end does: children of a
    shell that did not tell them, say. They are asked, waited for (`grace` in seconds), killed.
    """
    left = [pid for pid in leaders if _members(pid)]
    for pid in left:
        _signal_group(pid, signal.SIGTERM)
    if left and not wait_gone([m for pid in left for m in _members(pid)], grace):
        for pid in left:
            _signal_group(pid, signal.SIGKILL)


def read_pid(path: Path) -> int | None:
    try:
        return int(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def is_alive(pid: int, written: Path) -> bool:
    """True if `pid` is the process that wrote `written`, and not a later one of the same number.

    Our launcher writes who it is below the number; of others' files the times are compared.
    """
    import psutil

    identified = _identified(written)
    if identified:
        return alive(pid, identified)
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return process.create_time() <= written.stat().st_mtime + 1.0
    except (psutil.Error, OSError):
        return False


def _identified(path: Path) -> str:
    try:
        return path.read_text().partition("\n")[2].strip()
    except OSError:
        return ""


def wait_gone(pids: Iterable[int], deadline: float) -> bool:
    """Wait until none of the processes is there; False if the deadline passed first."""
    until = time.monotonic() + deadline
    left = list(pids)
    while left := [pid for pid in left if _exists(pid)]:
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def tail(path: Path, lines: int = 10, limit: int = 16384) -> tuple[str, ...]:
    """The last lines of a log; empty if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - limit))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple(line for line in text.splitlines() if line.strip())[-lines:]


def _write_configuration(layout: Layout) -> None:
    with storage_errors(layout.root):
        make_folder(layout.programs)
        ensure_private(layout.socket.parent)
    text = conf.daemon_text(layout.supervisor, layout.socket)
    atomic_write(_conf(layout), text.encode())


def _wait_up(layout: Layout) -> bool:
    until = time.monotonic() + START_DEADLINE
    while time.monotonic() < until:
        if is_up(layout):
            return True
        time.sleep(0.01)
    return False


def _conf(layout: Layout) -> Path:
    return layout.supervisor / "supervisord.conf"


def _log(layout: Layout) -> Path:
    return layout.supervisor / "supervisord.log"


def _exists(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _members(group: int) -> list[int]:
    """The living processes of a process group."""
    import psutil

    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return []  # by far the most: nobody has to be looked for
    except PermissionError:
        pass
    found = []
    for pid in psutil.pids():
        try:
            if os.getpgid(pid) == group and _exists(pid):
                found.append(pid)
        except OSError:
            continue
    return found


def _signal_group(pid: int, sig: signal.Signals) -> None:
    """Programs lead a process group of their own (supervisord makes it so)."""
    try:
        os.killpg(pid, sig)
    except (ProcessLookupError, PermissionError):
        _signal(pid, sig)


def _signal(pid: int, sig: signal.Signals) -> None:
    try:
        os.kill(pid, sig)
    except (ProcessLookupError, PermissionError):
        pass
