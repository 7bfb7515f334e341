"""The command line as a whole: help, wrong words, exit codes, JSON errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.cli.commands import COMMANDS, GROUPS
from slipway.cli.main import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    captured = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, captured.out, captured.err


def test_every_command_is_in_the_table_once_and_loads() -> None:
    named = [name for names in GROUPS.values() for name in names]
    assert sorted(named) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, name, "--help")
    assert code == 0
    assert out.startswith("Usage: deploy")


def test_a_mistyped_command_is_exit_2_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "instal")
    assert code == 2
    assert "Did you mean 'install'?" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("word", "here"), [("up", "install"), ("ps", "status"), ("down", "cleanup")]
)
def test_other_tools_words_lead_to_ours(
    word: str, here: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, word)
    assert (code, f"`deploy {here}`" in err) == (2, True)


@pytest.mark.skipif(os.name == "nt", reason="redirections of a POSIX shell")
@pytest.mark.parametrize(
    ("redirected", "code"),
    [(">&-", 0), ("2>&-", 0), ("<&- >&- 2>&-", 0), ("| true", 0)],
)
def test_closed_streams_are_no_error(redirected: str, code: int, tmp_path: Path) -> None:
    ended = shell(f"config schema {redirected}", tmp_path)
    assert (ended.returncode, ended.stderr) == (code, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_output_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    ended = shell("config schema > /dev/full", tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: cannot write the output: ")


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """`deploy LINE` in a shell, in an empty folder."""
    return subprocess.run(
        ["/bin/sh", "-c", f'"$PYTHON" -m slipway {line}'],
        env={**os.environ, "PYTHON": sys.executable},
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_an_unknown_option_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "status", "--evn=x")
    assert code == 2
    assert "--evn" in err


def test_a_wrong_duration_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "status", "--timeout", "soon")[0] == 2
    assert run(capsys, "status", "--timeout", "0")[0] == 2


def test_a_project_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "status", "-C", "/nowhere/at/all")
    assert code == 2
    assert "is not a folder" in err


def test_errors_as_json_are_one_document_on_stdout(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, err = run(capsys, "config", "validate", "-C", str(tmp_path), "--output=json")
    document = json.loads(out)
    assert code == 2
    assert err == ""
    assert document["version"] == 1
    assert document["error"]["code"] == "config"
    assert document["error"]["exit_code"] == 2


def test_a_value_on_the_command_line_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, err = run(capsys, "secrets", "set", "TOKEN=hunter2", "-C", str(tmp_path))
    assert code == 2
    assert "hunter2" not in err


def test_help_and_version_import_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from slipway.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('asyncio', 'anyio', 'yaml', 'msgspec', 'psutil', 'rich', 'pyrage',"
        " 'jsonschema_rs', 'watchfiles') if m in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"
