"""PostgreSQL and Redis as their official images would run them."""

from __future__ import annotations

import gzip
import socket
from pathlib import Path
from typing import Any

import anyio
import pytest
from world import World, cache, database, web

from slipway.app.model import Mount, Route, Service
from slipway.errors import ConfigError
from slipway.support.health.model import Probe

pytestmark = pytest.mark.local


def changed(service: Service, **changes: Any) -> Service:
    import msgspec

    return msgspec.structs.replace(service, **changes)


async def up(world: World, release: Any, *names: str) -> None:
    for name in names:
        await world.apply(release, "backing", name, {"replace": True})
        await world.apply(release, "ready", name)


async def ask(world: World, release: Any, service: str, *command: str) -> str:
    probe = Probe(kind="command", command=command)
    (answer,) = await world.platform.probe(release, service, probe)
    assert answer.ok, answer.saw
    return answer.saw.partition(": ")[2]


def test_init_scripts_run_once_and_clients_find_the_server(world: World, tmp_path: Path) -> None:
    scripts = world.base / "init"
    scripts.mkdir()
    (scripts / "1.sql").write_text("create table t (n int); insert into t values (1);")
    (scripts / "2.sql.gz").write_bytes(gzip.compress(b"insert into t values (2);"))
    (scripts / "3.sh").write_text('psql -c "insert into t values (3)" -d "$POSTGRES_DB"\n')
    mount = Mount(kind="bind", source=str(scripts), target="/docker-entrypoint-initdb.d")
    data = Mount(kind="volume", source="data", target="/var/lib/postgresql/data")

    async def scenario() -> None:
        release = world.release(1, {"db": changed(database(), mounts=(mount, data))}, ())
        await up(world, release, "db")
        assert await ask(world, release, "db", "psql", "-Atc", "select sum(n) from t") == "6"
        ready = "pg_isready -h localhost -U $POSTGRES_USER"
        assert "accepting" in await ask(world, release, "db", "sh", "-c", ready)
        await world.apply(release, "stop", "db")
        await up(world, release, "db")
        assert await ask(world, release, "db", "psql", "-Atc", "select sum(n) from t") == "6"
        assert (world.home / "local" / "volumes" / "data" / "PG_VERSION").exists()

    anyio.run(scenario)


def test_a_replaced_cache_keeps_its_data_and_can_be_put_back(world: World) -> None:
    async def scenario() -> None:
        plain = changed(cache(), command=("redis-server", "--appendonly", "yes"))
        small = changed(plain, command=(*plain.command, "--maxmemory", "64mb"))
        one, two = world.release(1, {"cache": plain}, ()), world.release(2, {"cache": small}, ())
        await up(world, one, "cache")
        assert await ask(world, one, "cache", "redis-cli", "set", "k", "kept") == "OK"
        args = {"replace": True, "fingerprint": two.services["cache"].fingerprint}
        outcome = await world.apply(two, "backing", "cache", args)
        assert outcome["replaced"]
        await world.apply(two, "ready", "cache")
        limit = ("sh", "-c", "redis-cli config get maxmemory | tail -1")
        assert await ask(world, two, "cache", *limit) == str(64 * 1024 * 1024)
        assert await ask(world, two, "cache", "redis-cli", "get", "k") == "kept"
        await world.undo(two, "backing", "cache", args, {})
        await world.apply(one, "ready", "cache")
        assert await ask(world, one, "cache", *limit) == "0"
        assert await ask(world, one, "cache", "redis-cli", "get", "k") == "kept"
        (seen,) = (await world.platform.observe()).instances
        assert seen.fingerprint == one.services["cache"].fingerprint

    anyio.run(scenario)


def test_a_published_database_is_reached_through_the_proxy(world: World) -> None:
    async def scenario() -> None:
        route = Route(service="cache", port=6379, protocol="tcp")
        plain = changed(cache(), command=None)
        release = world.release(1, {"cache": plain}, (route,))
        await up(world, release, "cache")
        await world.apply(release, "proxy")
        await world.apply(release, "route", None, {"weights": {"1": 100}})
        seen = await world.platform.observe()
        assert seen.weights == {"1": 100}
        scheme, _, where = seen.urls["cache"].partition("://")
        host, _, port = where.partition(":")
        assert (scheme, seen.listens) == ("tcp", (int(port),))
        with socket.create_connection((host, int(port)), timeout=5) as client:
            client.sendall(b"PING\r\n")
            assert client.recv(16) == b"+PONG\r\n"

    anyio.run(scenario)


def test_a_database_without_a_password_is_refused_as_its_image_does(world: World) -> None:
    async def scenario() -> None:
        release = world.release(1, {"db": changed(database(), environment={})}, ())
        with pytest.raises(ConfigError, match="POSTGRES_PASSWORD"):
            await world.apply(release, "backing", "db")

    anyio.run(scenario)


def test_a_link_and_an_alias_are_names_too(world: World) -> None:
    import json
    import urllib.request

    async def scenario() -> None:
        networks = {"default": {"aliases": ["store"]}}
        spec = {"networks": networks, "container_name": "cache"}
        aliased = changed(cache(), name="kv", command=None, spec=spec)
        service = web("v1", environment={"CACHE_PASSWORD": "", "DATABASE_HOST": "store"})
        release = world.release(1, {"kv": aliased, "web": service})
        await up(world, release, "kv")
        await world.apply(release, "build", "web")
        await world.apply(release, "start", "web")
        await world.apply(release, "ready", "web")
        where, kv = world.platform.address(release, "web"), world.platform.address(release, "kv")
        assert where is not None
        assert kv is not None
        with urllib.request.urlopen(f"http://{where[0]}:{where[1]}/", timeout=5) as answer:
            assert json.load(answer)["database"] == kv[0]

    anyio.run(scenario)
