"""What of a launch file was changed by hand is named, and never shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from slipway.platforms.local import launchfile
from slipway.platforms.local.launchfile import LaunchFile


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    launchfile.write(
        LaunchFile(
            name="web-1-0",
            folder=str(tmp_path),
            argv=("python", "app.py"),
            environment={"LEVEL": "info", "TOKEN": "«secret:TOKEN»"},
        )
    )
    return tmp_path


def change(folder: Path, **fields: Any) -> None:
    path = folder / launchfile.NAME
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_as_it_was_written_nothing_differs(folder: Path) -> None:
    assert launchfile.edited(folder) == []
    change(folder)
    assert launchfile.edited(folder) == []


def test_variables_the_command_and_other_fields_are_named(folder: Path) -> None:
    change(folder, environment={"LEVEL": "debug", "NEW": "x"}, argv=["sh"], cwd="/elsewhere")
    assert launchfile.edited(folder) == [
        "environment LEVEL", "environment NEW", "environment TOKEN", "command", "cwd",
    ]  # fmt: skip


def test_one_that_cannot_be_read_is_said(folder: Path) -> None:
    (folder / launchfile.NAME).write_text("{")
    assert launchfile.edited(folder) == ["all of it: it cannot be read"]


def test_one_of_an_earlier_version_is_not_known(folder: Path) -> None:
    (folder / launchfile.WRITTEN).unlink()
    change(folder, argv=["sh"])
    assert launchfile.edited(folder) == []


def test_written_again_it_is_as_it_should_be(folder: Path) -> None:
    change(folder, argv=["sh"])
    found = launchfile.read(folder)
    assert found is not None
    launchfile.write(found)
    assert launchfile.edited(folder) == []
