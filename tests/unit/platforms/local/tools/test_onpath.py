"""Programs that are already here: the first that is whole and new enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.platforms.local.tools import find_tool, version_tuple
from slipway.platforms.local.tools.catalogue import CATALOGUE
from slipway.platforms.local.tools.onpath import find_on_path
from slipway.platforms.local.tools.wheels import wheel_lock


def program(folder: Path, name: str, says: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_an_old_one_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "old", "traefik", "Version:      2.11.0")
    new = program(tmp_path / "new", "traefik", "Version:      3.4.1")
    path = f"{tmp_path / 'old'}:{tmp_path / 'missing'}:{tmp_path / 'new'}"
    tool = find_tool("traefik", tmp_path / "cache", path=path)
    assert tool is not None
    assert (tool.path, tool.version, tool.source) == (str(new), "3.4.1", "path")
    assert find_tool("traefik", tmp_path / "cache", path=str(tmp_path / "old")) is None


def test_one_without_its_companions_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path, "postgres", "postgres (PostgreSQL) 16.2")
    assert find_on_path(CATALOGUE["postgres"], str(tmp_path), folders=False) is None
    for name in ("initdb", "pg_ctl"):
        program(tmp_path, name, "")
    found = find_on_path(CATALOGUE["postgres"], str(tmp_path), folders=False)
    assert found == (str(tmp_path / "postgres"), "16.2")


def test_companions_are_looked_for_where_a_link_leads(tmp_path: Path) -> None:
    for name in ("postgres", "initdb", "pg_ctl"):
        program(tmp_path / "real", name, "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "postgres").symlink_to(tmp_path / "real" / "postgres")
    found = find_on_path(CATALOGUE["postgres"], str(tmp_path / "bin"), folders=False)
    assert found == (str(tmp_path / "real" / "postgres"), "15.18")


def test_valkey_is_as_good_as_redis(tmp_path: Path) -> None:
    program(tmp_path, "valkey-server", "Valkey server v=8.0.1 sha=00000000:0")
    tool = find_tool("redis", tmp_path / "cache", path=str(tmp_path))
    assert tool is not None
    assert tool.version == "8.0.1"


def test_a_broken_one_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "redis-server"
    path.write_text("#!/bin/sh\necho 7.0.0\nexit 1\n")
    path.chmod(0o755)
    assert find_tool("redis", tmp_path / "cache", path=str(tmp_path)) is None


def test_a_least_version(tmp_path: Path) -> None:
    for name in ("node", "npm", "npx"):
        program(tmp_path, name, "v18.3.0")
    assert find_tool("node", tmp_path, path=str(tmp_path), least=(18,)) is not None
    assert find_tool("node", tmp_path, path=str(tmp_path), least=(20,)) is None


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_wheel_is_pinned_with_hashes(name: str) -> None:
    recipe = next(recipe for known, recipe in CATALOGUE.items() if known == name)
    version, lock = wheel_lock(recipe)
    assert lock.startswith(f"{recipe.wheel}=={version} ")
    assert lock.count("--hash=sha256:") >= 3


def test_versions_compare_as_numbers() -> None:
    assert version_tuple("3.10.1") > version_tuple("3.9")
    assert version_tuple("16beta1") == ()
