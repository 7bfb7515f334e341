"""What `uv tool install` and `pipx` install: everything the tool reads is in the wheel, and
both commands work where no checkout is."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from uv import find_uv_bin

from slipway.platforms.local.tools.uv import uv_environment

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("wheel")]

ROOT = Path(__file__).resolve().parent.parent.parent
DEADLINE_S = 300


def uv(*arguments: object) -> None:
    command = [find_uv_bin(), *map(str, arguments)]
    done = subprocess.run(
        command, env=uv_environment(), capture_output=True, text=True, timeout=DEADLINE_S
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--quiet", "--wheel", "--no-build-logs", "--out-dir", folder, ROOT)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    venv = tmp_path_factory.mktemp("tool") / "venv"
    uv("venv", "--quiet", "--python", sys.executable, venv)
    options = ["--require-hashes", "--only-binary", ":all:", "--python", venv / "bin/python"]
    uv("pip", "install", "--quiet", *options, "-r", ROOT / "requirements.lock")
    uv("pip", "install", "--quiet", "--no-deps", "--python", venv / "bin/python", wheel)
    return venv / "bin"


def test_the_wheel_has_all_files_of_the_package(wheel: Path) -> None:
    source = ROOT / "src"
    here = {
        str(path.relative_to(source))
        for path in (source / "slipway").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {name for name in names if name.startswith("slipway/")} == here
    assert {"slipway/py.typed", "slipway/platforms/local/tools/wheels.lock"} <= here
    assert {name.rpartition("/")[2] for name in names} >= {"LICENSE", "NOTICE"}


@pytest.mark.parametrize("command", ["deploy", "slipway"])
@pytest.mark.parametrize("arguments", [["--version"], ["config", "schema"], ["platform", "list"]])
def test_the_commands_work_outside_the_checkout(
    installed: Path, tmp_path: Path, command: str, arguments: list[str]
) -> None:
    environment = {"PATH": os.defpath, "HOME": str(tmp_path)}
    done = subprocess.run(
        [installed / command, *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert done.stderr == ""
