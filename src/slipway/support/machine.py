"""Who is who on this machine: is that process still the same one, who has that port."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

_LINUX: bool = sys.platform == "linux"
_WILDCARDS = {"0.0.0.0", "::", ""}


def identity(pid: int) -> str | None:
    """What tells this process from every other that had or will have its pid; None if none runs.

    For records that outlive both (a lease, a pid file), to be compared by `alive`. Unlike a
    time of day it stays the same when the clock is set, or a virtual machine was suspended.
    """
    if _LINUX:
        return _linux_identity(pid)
    started = started_at(pid)
    return None if started is None else f"started {started:.3f}"


def alive(pid: int, identified: str) -> bool:
    """Does that very process (`identified` by `identity`) still run? A zombie does not."""
    return identity(pid) == identified


def started_at(pid: int) -> float | None:
    """When the process began, in seconds since the epoch, for people; None if there is none.

    Moves when the clock is set: compare by `identity`.
    """
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except (psutil.Error, ValueError, OverflowError):
        return None


def _linux_identity(pid: int) -> str | None:
    """This boot, and the clock ticks since it (see proc(5)); cheaper than psutil, too."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    state, ticks = fields[0], fields[19]
    return None if state in "ZX" else f"boot {boot} tick {ticks}"


def group_runs(group: int) -> bool:
    """Does any process of this process group still run? Zombies that nobody reaps do not count."""
    import psutil

    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                return True
        except (psutil.Error, OSError):
            continue
    return False


def port_owner(port: int, host: str = "0.0.0.0") -> str | None:
    """Who listens on a TCP port: "pid 123 (nginx)"; None if nobody does, or it cannot be seen.

    `host` is the address that one wants to listen on; a wildcard meets everyone.
    """
    import psutil

    try:
        connections = psutil.net_connections("tcp")
    except (psutil.Error, OSError):
        return None
    owners = [
        entry.pid
        for entry in connections
        if entry.status == psutil.CONN_LISTEN
        and entry.laddr
        and entry.laddr.port == port
        and _meet(host, entry.laddr.ip)
    ]
    pid = next((each for each in owners if each is not None), None)
    if pid is None:
        return "a process of another user" if owners else None
    try:
        return f"pid {pid} ({psutil.Process(pid).name()})"
    except psutil.Error:
        return f"pid {pid}"


def can_listen(port: int, host: str = "127.0.0.1") -> bool:
    """Could a server listen there now? Not if taken, forbidden, or no address of this machine."""
    try:
        with _socket(host) as server:
            if os.name != "nt":
                server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((host, port))
            server.listen(1)
    except (OSError, OverflowError):
        return False
    return True


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on now. Another may take it: bind to 0 where you can."""
    with _socket(host) as server:
        server.bind((host, 0))
        return int(server.getsockname()[1])


def _socket(host: str) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)


def _meet(wanted: str, listening: str) -> bool:
    plain = listening.removeprefix("::ffff:")
    return wanted in _WILDCARDS or plain in _WILDCARDS or wanted == plain
