"""Helper programs: their lines, their end, and that none outlives its deadline."""

from __future__ import annotations

import os
import select
import sys
from functools import partial
from pathlib import Path

import anyio
import pytest

from slipway.errors import BuildError, StorageError
from slipway.platforms.local.tools.command import Finished, locked, run_command
from slipway.platforms.local.tools.uv import uv_environment
from slipway.support.files import storage_errors


def run(*argv: str, lines: list[str] | None = None, deadline: float = 60) -> Finished:
    kept = lines if lines is not None else []
    return anyio.run(
        partial(
            run_command,
            argv,
            cwd=Path("/"),
            environment={"ONLY": "this"},
            on_line=kept.append,
            deadline=deadline,
        )
    )


def test_lines_and_exit_code() -> None:
    lines: list[str] = []
    done = run("/bin/sh", "-c", "echo one; echo two >&2; printf last; exit 3", lines=lines)
    assert (done.code, lines) == (3, ["one", "two", "last"])
    assert done.lines == ("one", "two", "last")


def test_only_the_environment_it_is_given() -> None:
    lines: list[str] = []
    run(
        sys.executable,
        "-I",
        "-c",
        "import os; print(sorted(set(os.environ) - {'LC_CTYPE'}))",
        lines=lines,
    )
    assert lines == ["['ONLY']"]


def test_a_missing_program() -> None:
    with pytest.raises(BuildError, match="cannot run /no/such"):
        run("/no/such")


def test_a_deadline() -> None:
    with pytest.raises(BuildError, match="was not done after"):
        run("/bin/sh", "-c", "sleep 600", deadline=0.05)


def test_cut_off_its_children_end_too(tmp_path: Path) -> None:
    """A child holds a pipe open: it hangs up when the last of the group has ended."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    async def cut_off() -> None:
        with anyio.CancelScope() as scope:
            await run_command(
                ["/bin/sh", "-c", f"exec 3>{pipe}; sleep 600 & echo ready; wait"],
                cwd=tmp_path,
                environment={"PATH": "/usr/bin:/bin"},
                on_line=lambda line: scope.cancel(),
            )

    anyio.run(cut_off)
    waiting = select.poll()
    waiting.register(end, select.POLLHUP)
    assert waiting.poll(20_000) == [(end, select.POLLHUP)]
    os.close(end)


def test_a_full_disk_is_seen_in_the_output() -> None:
    assert run(
        "/bin/sh", "-c", "echo 'write: No space left on device (os error 28)'; exit 1"
    ).disk_full
    assert not run("/bin/sh", "-c", "echo 'No space left on device'").disk_full


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_a_storage_error() -> None:
    with pytest.raises(StorageError) as caught, storage_errors(Path("/dev/full")):
        Path("/dev/full").write_text("x")
    assert "free some space" in (caught.value.hint or "")


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    order: list[str] = []

    async def hold(name: str) -> None:
        async with locked(tmp_path / "x.lock"):
            order.append(f"{name} in")
            await anyio.sleep(0.01)
            order.append(f"{name} out")

    async def both() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(hold, "a")
            group.start_soon(hold, "b")

    anyio.run(both)
    first, second = order[0][0], order[2][0]
    assert order == [f"{first} in", f"{first} out", f"{second} in", f"{second} out"]


def test_a_lock_that_is_never_free(tmp_path: Path) -> None:
    async def twice() -> None:
        async with locked(tmp_path / "x.lock"), locked(tmp_path / "x.lock", deadline=0.1):
            pass

    with pytest.raises(BuildError, match="another process"):
        anyio.run(twice)


def test_uv_takes_pips_registry_where_it_has_none_of_its_own() -> None:
    pip = {"PIP_INDEX_URL": "https://a.example.com/simple", "VIRTUAL_ENV": "/x"}
    assert uv_environment(pip)["UV_DEFAULT_INDEX"] == "https://a.example.com/simple"
    assert "VIRTUAL_ENV" not in uv_environment(pip)
    own = {**pip, "UV_DEFAULT_INDEX": "https://b.example.com/simple"}
    assert uv_environment(own)["UV_DEFAULT_INDEX"] == "https://b.example.com/simple"


def test_uv_trusts_the_systems_authorities_unless_the_user_names_some(tmp_path: Path) -> None:
    missing, system = tmp_path / "none.pem", tmp_path / "system.pem"
    system.write_text("")
    assert uv_environment({}, [missing, system])["SSL_CERT_FILE"] == str(system)
    assert "SSL_CERT_FILE" not in uv_environment({}, [missing])
    own = uv_environment({"PIP_CERT": "/own.pem"}, [system])
    assert own["SSL_CERT_FILE"] == "/own.pem"
    assert "SSL_CERT_FILE" not in uv_environment({"SSL_CERT_DIR": "/own"}, [system])
