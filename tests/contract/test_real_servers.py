"""The probes understand the real servers, also while these start, or ask for a password."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from slipway.support.health.model import Answer, Probe
from slipway.support.health.probes import ask
from slipway.support.health.wait import wait_until_ready
from slipway.support.machine import free_port
from slipway.support.process import find_program, run_blocking

pytestmark = pytest.mark.local

HOST = "127.0.0.1"
_USER = "nobody" if os.name == "posix" and os.geteuid() == 0 else None


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of the user that servers run as; PostgreSQL refuses to be root."""
    path = Path(tempfile.mkdtemp(prefix="probe-"))
    if _USER is not None:
        entry = pwd.getpwnam(_USER)
        os.chown(path, entry.pw_uid, entry.pw_gid)
    yield path
    shutil.rmtree(path)


def _program(*names: str) -> Path:
    # Debian keeps a PostgreSQL server's programs off PATH.
    places = [os.environ["PATH"], *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
    environ = {"PATH": os.pathsep.join(places)}
    found = next((path for name in names if (path := find_program(name, environ))), None)
    return found or pytest.skip(f"no {' or '.join(names)} on this machine")


@contextlib.contextmanager
def _running(command: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    options: dict[str, Any] = {"user": _USER, "extra_groups": []} if _USER else {}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, **options)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)  # fast shutdown
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=30)


def _ready(probe: Probe, port: int, process: subprocess.Popen[bytes], folder: Path) -> Answer:
    def alive() -> str | None:
        return None if process.poll() is None else (folder / "log").read_text()

    async def main() -> Answer:
        return await wait_until_ready(lambda: [ask(probe, HOST, port)], deadline=60, alive=alive)

    return anyio.run(main)


def _postgres(folder: Path, *settings: str) -> tuple[list[str], int]:
    """An initialised cluster with passwords; the command that serves it, and its port."""
    server, initdb = _program("postgres"), _program("initdb")
    (folder / "password").write_text("s3cret")
    (folder / "password").chmod(0o644)
    how = ["-U", "owner", "-A", "scram-sha-256", "--pwfile", folder / "password", "--no-sync"]
    made = run_blocking([initdb, "-D", folder / "data", *how], timeout=120, cwd=folder, user=_USER)
    assert made.ok, made.lines
    port = free_port()
    options = [f"port={port}", f"listen_addresses={HOST}", f"unix_socket_directories={folder}"]
    words = [word for each in (*options, "fsync=off", *settings) for word in ("-c", each)]
    return [str(server), "-D", str(folder / "data"), *words], port


def test_postgres_accepts_connections(folder: Path) -> None:
    command, port = _postgres(folder)
    with _running(command, folder) as server:
        answer = _ready(Probe(kind="postgres"), port, server, folder)
        assert (answer.ok, answer.saw) == (True, "accepts connections")
        assert ask(Probe(kind="redis", timeout=0.2), HOST, port).ok is False
    assert "connection refused" in ask(Probe(kind="postgres"), HOST, port).saw


def test_postgres_that_still_starts_is_not_ready(folder: Path) -> None:
    command, port = _postgres(folder, "hot_standby=off", "restore_command=false")
    (folder / "data" / "standby.signal").touch()
    with _running(command, folder) as server:
        _ready(Probe(kind="tcp"), port, server, folder)
        answer = ask(Probe(kind="postgres"), HOST, port)
        assert not answer.ok
        assert "(57P03)" in answer.saw


@pytest.mark.parametrize("password", [None, "s3cret"])
def test_redis_answers(folder: Path, password: str | None) -> None:
    program, port = _program("redis-server", "valkey-server"), free_port()
    command = [
        str(program),
        "--port",
        str(port),
        "--bind",
        HOST,
        "--save",
        "",
        "--dir",
        str(folder),
    ]
    command += ["--requirepass", password] if password else []
    with _running(command, folder) as server:
        answer = _ready(Probe(kind="redis"), port, server, folder)
        assert answer.ok
        assert ("NOAUTH" if password else "PONG") in answer.saw
        assert not ask(Probe(kind="postgres", timeout=0.5), HOST, port).ok
