"""Two revisions with the same hard-coded port, a cache and a database, on real processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import urllib.request
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import psutil
import pytest
from world import SECRETS, World, twins

from slipway.platforms.local.supervision.daemon import wait_gone
from slipway.platforms.local.tools import find_tool

pytestmark = pytest.mark.local


def get(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


async def fetch(url: str) -> dict[str, Any]:
    return await anyio.to_thread.run_sync(get, url)


async def logged(world: World, service: str) -> list[str]:
    return [line.text async for line in world.platform.logs((service,), lines=50, follow=False)]


class Traffic:
    """Requests without a pause, on a thread, until stopped; counts answers and failures."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.versions: list[str] = []
        self.failures: list[str] = []

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.versions.append(get(self._url)["version"])
            except OSError as error:
                self.failures.append(repr(error))

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()


@pytest.mark.parametrize("fixture", ["world", "shared"])
def test_two_revisions_run_side_by_side_and_traffic_moves_without_a_failure(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    world: World = request.getfixturevalue(fixture)

    async def scenario() -> None:
        one, two = world.release(1, twins("v1")), world.release(2, twins("v2"))
        await world.up(one)
        await world.apply(one, "proxy")
        await world.apply(one, "route", None, {"weights": {"1": 100}})
        url = (await world.platform.observe()).urls["web"]
        with Traffic(url) as traffic:
            await world.up(two)
            for release, version in ((one, "v1"), (two, "v2")):
                address = world.platform.address(release, "web")
                assert address is not None
                answer = await fetch(f"http://{address[0]}:{address[1]}/ready")
                assert answer["version"] == version
                assert answer["cache"][0] == "+OK"
            moved = await world.apply(two, "route", None, {"weights": {"2": 100}})
            assert (await fetch(url))["version"] == "v2"
            await world.undo(two, "route", None, {"weights": {"2": 100}}, moved)
            assert (await fetch(url))["version"] == "v1"
            await world.apply(two, "route", None, {"weights": {"2": 100}})
            key = one.services["web"].key
            await world.apply(two, "drain", "web", {"key": key, "grace": 3})
            assert (await fetch(url))["version"] == "v2"
        assert traffic.failures == []
        assert {"v1", "v2"} == set(traffic.versions)
        seen = await world.platform.observe()
        assert seen.weights == {"2": 100}
        assert [i.service for i in seen.instances if i.key] == ["web"]

    anyio.run(scenario)


def test_a_request_in_flight_ends_before_its_revision_does(world: World) -> None:
    async def scenario() -> None:
        one, two = world.release(1, twins("v1")), world.release(2, twins("v2"))
        await world.up(one)
        await world.apply(one, "proxy")
        await world.apply(one, "route", None, {"weights": {"1": 100}})
        await world.up(two)
        url = (await world.platform.observe()).urls["web"]
        answers: list[str] = []

        async def slow() -> None:
            answers.append((await fetch(f"{url}/slow"))["version"])

        async with anyio.create_task_group() as group:
            group.start_soon(slow)
            with anyio.fail_after(10):
                while "slow one begun" not in await logged(world, "web"):
                    await anyio.sleep(0.02)
            await world.apply(two, "route", None, {"weights": {"2": 100}})
            key = one.services["web"].key
            await world.apply(two, "drain", "web", {"key": key, "grace": 10})
            assert answers == ["v1"]

    anyio.run(scenario)


def test_a_killed_supervisor_comes_back_with_what_ran(world: World) -> None:
    async def scenario() -> None:
        release = world.release(1, twins("v1"))
        await world.up(release)
        await world.apply(release, "proxy")
        await world.apply(release, "route", None, {"weights": {"1": 100}})
        url = (await world.platform.observe()).urls["web"]
        before = await fetch(f"{url}ready" if url.endswith("/") else f"{url}/ready")
        supervisor = world.supervisor()
        os.kill(supervisor.pid, signal.SIGKILL)
        wait_gone([supervisor.pid], 5)
        broken = await world.platform.observe()
        assert {i.state for i in broken.instances} == {"crashed"}
        assert not broken.proxy
        await world.up(release)
        await world.apply(release, "proxy")
        again = await world.platform.observe()
        assert {i.state for i in again.instances} <= {"starting", "running"}
        after = await fetch(f"{url}/ready")
        assert int(after["cache"][1][1:]) > int(before["cache"][1][1:])
        assert len([p for p in world.processes() if "server.py" in " ".join(p.cmdline())]) == 1

    anyio.run(scenario)


def test_applying_a_start_again_starts_nothing(world: World) -> None:
    async def scenario() -> None:
        release = world.release(1, {"web": _plain()}, ())
        await world.apply(release, "build", "web")
        first = await world.apply(release, "start", "web", {"replicas": 2})
        pids = [i.pid for i in (await world.platform.observe()).instances]
        second = await world.apply(release, "start", "web", {"replicas": 2})
        assert len(first["started"]) == 2
        assert second == {"started": [], "stopped": []}
        assert [i.pid for i in (await world.platform.observe()).instances] == pids
        third = await world.apply(release, "start", "web", {"replicas": 1})
        assert len(third["stopped"]) == 1
        await world.undo(release, "start", "web", {}, first)
        assert (await world.platform.observe()).instances == ()

    anyio.run(scenario)


def test_secrets_are_in_no_file_and_no_command_line(world: World) -> None:
    async def scenario() -> None:
        release = world.release(1, twins("v1"))
        await world.up(release)
        await world.apply(release, "proxy")
        await world.apply(release, "route", None, {"weights": {"1": 100}})

    anyio.run(scenario)
    assert all(value.startswith("Zq7") for value in SECRETS.values())
    values = [b"Zq7c", b"Zq7d"]  # also where quoting or escaping changed the rest
    for path in world.base.rglob("*"):
        if path.is_file() and not path.is_symlink() and world.context.cache not in path.parents:
            data = path.read_bytes()
            assert not any(value in data for value in values), path
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        assert not any(value.decode() in line for value in values), line


def test_the_database_has_the_account_and_keeps_its_data(world: World) -> None:
    async def scenario() -> None:
        release = world.release(1, twins("v1"))
        await world.apply(release, "backing", "db")
        await world.apply(release, "ready", "db")
        assert _query(world, release, "create table t (n int); insert into t values (7)") == ""
        await world.apply(release, "stop", "db")
        await world.apply(release, "backing", "db")
        await world.apply(release, "ready", "db")
        assert _query(world, release, "select n from t") == "7"
        database = next(i for i in (await world.platform.observe()).instances)
        assert database.pid is not None
        for child in psutil.Process(database.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):  # the first one's end ends others
                child.kill()
        os.kill(database.pid, signal.SIGKILL)
        wait_gone([database.pid], 5)
        await world.apply(release, "backing", "db")
        await world.apply(release, "ready", "db")
        assert _query(world, release, "select n from t") == "7"

    anyio.run(scenario)


def _query(world: World, release: Any, sql: str) -> str:
    address = world.platform.address(release, "db")
    assert address is not None
    tool = find_tool("postgres", world.context.cache)
    assert tool is not None
    psql = tool.folder / "psql"
    program = str(psql) if psql.exists() else "psql"
    where = ["-h", address[0], "-p", str(address[1]), "-U", "app", "-d", "appdb"]
    done = subprocess.run(
        [program, "-XAtq", *where, "-c", sql],
        env={**os.environ, "PGPASSWORD": SECRETS["DB_PASSWORD"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_teardown_leaves_nothing(world: World) -> None:
    async def scenario() -> None:
        release = world.release(1, twins("v1"))
        await world.up(release)
        await world.apply(release, "proxy")
        assert world.processes() != []
        await world.apply(None, "teardown", None, {"volumes": True})
        assert world.processes() == []
        assert not (world.home / "local").exists()
        seen = await world.platform.observe()
        assert (seen.instances, seen.proxy, seen.volumes) == ((), False, ())

    anyio.run(scenario)


def _plain() -> Any:
    from world import web

    return web("v1", environment={"CACHE_PASSWORD": "x", "DATABASE_HOST": "db"})


def test_what_cannot_be_run_is_refused_where_it_is_written(world: World, tmp_path: Path) -> None:
    from world import environment

    from slipway.app.model import App, Origin, Service
    from slipway.errors import RefusedError

    service = Service(
        name="queue", role="backing", image="rabbitmq:3", origin=Origin(file="compose.yaml", line=7)
    )
    app = App(
        name="a", directory=str(tmp_path), environment=environment(), services={"queue": service}
    )
    with pytest.raises(RefusedError) as caught:
        world.platform.resolve(app)
    assert str(caught.value.location) == "compose.yaml:7"
    assert "x-deploy: {local: {run:" in (caught.value.hint or "")
