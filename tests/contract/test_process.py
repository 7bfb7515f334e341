"""Other programs are run to their end, and nothing of them is left when they are ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import anyio
import psutil
import pytest

from slipway.errors import RunError
from slipway.support import process as processes
from slipway.support.machine import alive, can_listen, free_port, identity, port_owner, started_at
from slipway.support.process import Completed, find_program, run, run_blocking

pytestmark = pytest.mark.skipif(os.name == "nt", reason="process groups are POSIX")

# A program that starts a child, says both pids, and waits; both may ignore SIGTERM.
FAMILY = """
import os, signal, subprocess, sys, time
if sys.argv[1] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(600)
"""


def _run(code: str, *words: str, timeout: float = 60, **options: object) -> Completed:
    command = [sys.executable, "-c", code, *words]
    return anyio.run(partial(run, command, timeout=timeout, **options))  # type: ignore[arg-type]


def _gone(pid: int) -> bool:
    """Is it gone within 30 s? Killed ones may wait a moment for init to reap them."""
    end = time.monotonic() + 30
    while started_at(pid) is not None:
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def test_output_is_streamed_and_kept_apart() -> None:
    seen: list[str] = []
    done = _run(
        "import sys; print('ü one'); print('two', end=''); print('err', file=sys.stderr)",
        on_line=seen.append,
    )
    assert done.ok
    assert done.stdout == "ü one\ntwo"
    assert sorted(seen) == ["err", "two", "ü one"]
    assert sorted(done.lines) == sorted(seen)


def test_a_line_is_told_while_the_program_runs(tmp_path: Path) -> None:
    flag = tmp_path / "go"
    code = (
        "import pathlib, sys, time; print('ready', flush=True)\n"
        "while not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.01)\n"
    )
    assert _run(code, str(flag), on_line=lambda line: flag.touch()).lines == ("ready",)


def test_an_exit_code_is_the_callers_to_judge() -> None:
    assert _run("raise SystemExit(3)").exit_code == 3
    assert _run("import os; os.kill(os.getpid(), 9)").exit_code == -9


def test_what_it_reads_and_where_it_runs(tmp_path: Path) -> None:
    code = "import os, sys; print(sys.stdin.read(), os.getcwd(), os.environ['X'], len(os.environ))"
    done = _run(code, stdin=b"in", cwd=tmp_path, env={"X": "y", "LC_ALL": "C.UTF-8"})
    assert done.stdout.split() == ["in", str(tmp_path), "y", "2"]
    assert _run("", stdin=b"x" * 1_000_000).ok  # a program that reads nothing of much


def test_a_progress_bar_is_what_it_wrote_last() -> None:
    assert _run(r"print('10%\r50%\r100%\r')").lines == ("100%",)


def test_much_output_is_whole_and_the_last_lines_are_kept() -> None:
    done = _run("for i in range(5000): print('line', i)")
    assert done.stdout.count("\n") == 5000
    assert done.lines == tuple(f"line {i}" for i in range(4800, 5000))


@pytest.mark.parametrize("kind", ["polite", "stubborn"])
def test_stopped_ends_the_whole_family(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "GRACE", 0.3)
    stop = threading.Event()
    with pytest.raises(RunError, match="was stopped") as caught:
        run_blocking(
            [sys.executable, "-c", FAMILY, kind],
            timeout=60,
            on_line=lambda line: stop.set(),
            stop=stop,
        )
    pids = [int(pid) for pid in caught.value.details[-1].split()]
    assert len(pids) == 2
    assert all(_gone(pid) for pid in pids)


def test_too_late_is_an_error_and_leaves_nothing() -> None:
    before = psutil.Process().children()
    with pytest.raises(RunError, match=r"did not end within 0\.1 s"):
        _run("import time; time.sleep(600)", timeout=0.1)
    assert psutil.Process().children() == before


def test_cancelled_ends_the_whole_family_before_it_goes_on() -> None:
    pids: list[int] = []

    async def main() -> None:
        with anyio.CancelScope() as scope:

            def told(line: str) -> None:
                pids.extend(int(pid) for pid in line.split())
                scope.cancel()

            await run([sys.executable, "-c", FAMILY, "polite"], timeout=60, on_line=told)
        assert scope.cancelled_caught
        assert started_at(pids[0]) is None

    anyio.run(main)
    assert len(pids) == 2
    assert all(_gone(pid) for pid in pids)


def test_a_child_left_behind_holds_nothing_up() -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid)\n"
    )
    done = _run(code)
    child = int(done.stdout)
    try:
        assert started_at(child) is not None
    finally:
        os.kill(child, signal.SIGKILL)


def test_what_cannot_be_started_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such program") as caught:
        run_blocking(["no-such-program-here"], timeout=5)
    assert "PATH" in (caught.value.hint or "")
    with pytest.raises(RunError, match="there is no folder"):
        run_blocking([sys.executable], timeout=5, cwd=tmp_path / "no")
    plain = tmp_path / "plain"
    plain.write_text("")
    with pytest.raises(RunError, match="denied"):
        run_blocking([plain], timeout=5)
    with pytest.raises(RunError, match="no user nobody-like-this"):
        run_blocking([sys.executable], timeout=5, user="nobody-like-this")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_another_user_has_nothing_of_roots() -> None:
    done = run_blocking(["id"], timeout=30, user="nobody")
    assert "root" not in done.stdout
    assert "uid=" in done.stdout


def test_find_program(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\n")
    assert find_program("tool", {"PATH": str(tmp_path)}) is None
    tool.chmod(0o755)
    assert find_program("tool", {"PATH": str(tmp_path)}) == tool


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait(timeout=30)


def test_a_process_is_itself_until_it_ends(sleeper: subprocess.Popen[bytes]) -> None:
    own, other = identity(sleeper.pid), identity(os.getpid())
    assert own is not None
    assert own == identity(sleeper.pid)
    assert alive(sleeper.pid, own)
    assert other is not None
    assert not alive(sleeper.pid, other), "its pid, though another process"
    sleeper.kill()
    while psutil.Process(sleeper.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert not alive(sleeper.pid, own), "a zombie"
    assert started_at(sleeper.pid) is None
    sleeper.wait(timeout=30)
    assert not alive(sleeper.pid, own)
    assert identity(2**40) is started_at(2**40) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_taken_port_has_an_owner(host: str) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        owner = port_owner(port, host)
        assert owner is not None
        assert owner.startswith(f"pid {os.getpid()} (")
        assert not can_listen(port, host)
        assert port_owner(port, "127.0.0.2") is None
    assert port_owner(port, host) is None


def test_a_free_port_can_be_listened_on() -> None:
    assert can_listen(free_port())
    assert not can_listen(free_port(), "203.0.113.1"), "an address of another machine"
