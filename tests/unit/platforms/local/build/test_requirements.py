"""Requirement and lock files of all kinds, read as one list."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slipway.errors import BuildError
from slipway.platforms.local.build.lockfiles import pipenv_lines, poetry_lines
from slipway.platforms.local.build.requirements import nothing, read_requirements


def test_files_are_followed(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "lib").mkdir()
    (tmp_path / "base.txt").write_text(
        "# a comment\n-r sub/more.txt\n-c limits.txt\nflask>=3 # why\n"
        "--extra-index-url https://wheels.example.com/x\n--trusted-host wheels.example.com\n"
        "-e ./lib[web]\ngit+https://git.example.com/x@v1#egg=x\n"
    )
    (tmp_path / "sub" / "more.txt").write_text("-r ../base.txt\nrich==14 \\\n  --hash=sha256:00\n")
    (tmp_path / "limits.txt").write_text("click<9\n")
    found = nothing()
    read_requirements(tmp_path / "base.txt", found)
    assert [" ".join(line.split()) for line in found.lines] == [
        "rich==14 --hash=sha256:00",
        "flask>=3",
        "git+https://git.example.com/x@v1#egg=x",
    ]
    assert found.constraints == ["click<9"]
    assert found.options == ["--extra-index-url https://wheels.example.com/x"]
    assert found.projects == [(tmp_path / "lib", ("web",))]
    assert not found.exact


def test_exact_means_every_line_has_a_version_and_hashes(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("a==1 --hash=sha256:00\nb==2 --hash=sha256:11\n")
    found = nothing()
    read_requirements(file, found)
    assert found.exact


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"requirements\.txt"):
        read_requirements(tmp_path / "requirements.txt", nothing())


def test_pipfile_lock(tmp_path: Path) -> None:
    lock = {
        "default": {
            "a": {"version": "==1", "hashes": ["sha256:00", "sha256:11"]},
            "b": {"version": "==2", "extras": ["x"], "markers": "python_version < '3.9'"},
        },
        "develop": {"c": {"version": "==3"}},
    }
    (tmp_path / "Pipfile.lock").write_text(json.dumps(lock))
    assert pipenv_lines(tmp_path, dev=False) == [
        "a==1 --hash=sha256:00 --hash=sha256:11",
        "b[x]==2 ; python_version < '3.9'",
    ]
    assert pipenv_lines(tmp_path, dev=True)[-1] == "c==3"


def test_poetry_names_what_is_asked_for_and_holds_it_to_the_lock(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.poetry.dependencies]\npython = '^3.11'\nA_b = '^1'\n"
        "c = {version = '*', extras = ['x'], optional = true}\nd = {path = '../d'}\ng = '*'\n"
        "[tool.poetry.extras]\nweb = ['c']\n"
        "[tool.poetry.group.dev.dependencies]\ndevtool = '*'\n"
        "[tool.poetry.group.ops]\noptional = true\n"
        "[tool.poetry.group.ops.dependencies]\ne = '*'\n"
    )
    (tmp_path / "poetry.lock").write_text(
        "[[package]]\nname = 'a-b'\nversion = '1.2'\n[[package]]\nname = 'e'\nversion = '5'\n"
        "[[package]]\nname = 'g'\nversion = '7'\n[package.source]\ntype = 'git'\n"
        "url = 'https://git.example.com/g'\nresolved_reference = 'abc'\n"
    )
    names, exact = poetry_lines(tmp_path, dev=False, groups=(), extras=())
    assert names == ["A_b", "g @ git+https://git.example.com/g@abc"]
    assert exact == ["a-b==1.2", "e==5"]
    names, _ = poetry_lines(tmp_path, dev=True, groups=("ops",), extras=("web",))
    assert names == ["A_b", "c[x]", "g @ git+https://git.example.com/g@abc", "devtool", "e"]
