"""The stand-ins for an image's small programs, run as an image's start script runs them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.platforms.local.build.shims import FOLDER, write_shims


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH with the shims, then this Python and the shell, and no `nc` of the system's."""
    write_shims(tmp_path, "/nowhere")
    system = tmp_path / "system"
    system.mkdir()
    (system / "python3").symlink_to(sys.executable)
    return os.pathsep.join((str(tmp_path / FOLDER), str(system)))


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def shell(script: str, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", script], env={"PATH": path}, capture_output=True, text=True, timeout=30,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize("asking", ["nc -z", "nc -zv", "netcat -w 3 -z", "nc -vzw1", "ncat -z"])
def test_a_script_waits_for_a_port_without_nc(
    asking: str, path: str, port: int, closed_port: int
) -> None:
    assert shell(f"{asking} 127.0.0.1 {port} && echo up", path).stdout == "up\n"
    assert shell(f"{asking} 127.0.0.1 {closed_port} || echo down", path).stdout == "down\n"


def test_all_ports_must_accept(path: str, port: int, closed_port: int) -> None:
    assert shell(f"nc -z 127.0.0.1 {port} {closed_port}", path).returncode == 1


def test_what_it_cannot_do_is_said(path: str, port: int) -> None:
    ended = shell(f"nc 127.0.0.1 {port}", path)
    assert ended.returncode == 2
    assert "this machine has no nc" in ended.stderr


def test_the_systems_own_does_the_rest(path: str, port: int, tmp_path: Path) -> None:
    own = tmp_path / "system" / "nc"
    own.write_text('#!/bin/sh\necho "the system\'s, with $*"\n')
    own.chmod(0o755)
    assert shell(f"nc 127.0.0.1 {port}", path).stdout == f"the system's, with 127.0.0.1 {port}\n"


@pytest.mark.parametrize("starting", ["tini --", "dumb-init", "gosu app", "su-exec app:app"])
def test_what_only_starts_another_program_does(starting: str, path: str) -> None:
    assert shell(f"{starting} python3 -c 'print(1)'", path).stdout == "1\n"
