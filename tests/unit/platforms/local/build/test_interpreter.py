"""Which Python is taken, where there are several, broken ones among them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import anyio
import pytest

from slipway.platforms.local.build.interpreter import Interpreter, find_interpreter


def python(folder: Path, name: str, version: str) -> None:
    """A program that answers as an interpreter does."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho {version} {path}\n" if version else "#!/bin/sh\nexit 127\n")
    path.chmod(0o755)


def find(wanted: str, folder: Path) -> Interpreter:
    environ = {
        "PATH": str(folder),
        "HOME": str(folder),
        "UV_PYTHON_DOWNLOADS": "never",
    }
    return anyio.run(find_interpreter, wanted, lambda line: None, folder / "cache", environ)


def test_the_exact_minor(tmp_path: Path) -> None:
    python(tmp_path, "python3.97", "3.97")
    python(tmp_path, "python3.98", "3.98")
    assert find("3.98", tmp_path).path == str(tmp_path / "python3.98")


def test_else_the_next_newer(tmp_path: Path) -> None:
    python(tmp_path, "python3.97", "3.97")
    python(tmp_path, "python3.99", "3.99")
    assert find("3.96", tmp_path).version == "3.97"


def test_else_the_newest_older(tmp_path: Path) -> None:
    python(tmp_path, "python3.97", "3.97")
    assert find("3.98", tmp_path).version == "3.97"


def test_a_broken_program_is_passed_over(tmp_path: Path) -> None:
    python(tmp_path, "python3.98", "")
    python(tmp_path, "python3.99", "3.99")
    assert find("3.98", tmp_path).version == "3.99"


@pytest.mark.parametrize("wanted", ["3", f"{sys.version_info.major}.{sys.version_info.minor}"])
def test_our_own_where_it_fits(tmp_path: Path, wanted: str) -> None:
    found = find(wanted, tmp_path)
    assert found.version == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert os.access(found.path, os.X_OK)


def test_what_cannot_be_fetched_is_tried_once_by_all_builds(tmp_path: Path) -> None:
    python(tmp_path, "python3.97", "3.97")
    environ = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    lines: list[str] = []

    async def three_builds() -> None:
        async def one() -> None:
            found = await find_interpreter("3.98", lines.append, tmp_path / "cache", environ)
            assert found.version == "3.97"

        async with anyio.create_task_group() as group:
            group.start_soon(one)
            group.start_soon(one)
        await one()

    anyio.run(three_builds)
    assert lines.count("looking for Python 3.98 to install") == 1
