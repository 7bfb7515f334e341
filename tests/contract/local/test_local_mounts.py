"""Volumes, binds, secrets and configs as a service sees them, and homes with long paths."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import anyio
import pytest
from world import CASES, SECRETS, World, twins

from slipway.app.model import Build, FileMount, Mount, Service

pytestmark = pytest.mark.local

SEE = """
import os, pathlib, time
print(pathlib.Path(os.environ["PASSWORD_FILE"]).read_text())
print(pathlib.Path("settings/app.toml").read_text())
print(pathlib.Path(os.environ["STORE"]).joinpath("kept").exists())
pathlib.Path("data/kept").write_text("x")
print(pathlib.Path("server.py").exists(), os.environ["PORT"], flush=True)
time.sleep(600)
"""


def service(world: World, **changes: Any) -> Service:
    values: dict[str, Any] = {
        "name": "web",
        "role": "web",
        "build": Build(context=str(CASES / "twins" / "v1")),
        "command": ("python", "-c", SEE),
        "expose": (8000,),
        "environment": {"PASSWORD_FILE": "/run/secrets/pw", "STORE": "/app/data"},
        "files": (
            FileMount(kind="secret", source="pw", target="/run/secrets/pw", secret="DB_PASSWORD"),
            FileMount(kind="config", source="app", target="/app/settings/app.toml", content="a=1"),
        ),
        "mounts": (
            Mount(kind="volume", source="files", target="/app/data"),
            Mount(kind="bind", source=str(world.base / "elsewhere"), target="/app"),
        ),
        "stop_grace": 2.0,
    }
    return Service(**{**values, **changes})


async def run(world: World, release: Any) -> list[str]:
    await world.apply(release, "build", "web")
    await world.apply(release, "start", "web")
    await world.apply(release, "ready", "web")
    return [line.text async for line in world.platform.logs(("web",), lines=9, follow=False)]


def test_mounts_are_where_the_container_has_them(world: World) -> None:
    async def scenario() -> None:
        one = world.release(1, {"web": service(world)}, ())
        two = world.release(2, {"web": service(world, replicas=2)}, ())
        password = SECRETS["DB_PASSWORD"]
        assert await run(world, one) == [password, "a=1", "False", "True 8000"]
        seen = await run(world, two)
        assert seen[4:8] == [password, "a=1", "True", "True 8000"]
        runtime = world.platform._runtime.layout.runtime()
        (secret, *_) = [p for p in runtime.rglob("*pw") if p.is_file()]
        assert stat.S_IMODE(secret.stat().st_mode) == 0o400
        await world.apply(None, "teardown", None, {"volumes": True})
        assert not runtime.exists()

    anyio.run(scenario)


def test_a_home_with_a_long_path_works(world: World) -> None:
    long = World(world.base / ("long-" * 24), {}, secrets_made=False)

    async def scenario() -> None:
        release = long.release(1, twins("v1"))
        await long.up(release)
        short = long.platform._runtime.layout.short
        assert short.is_dir()
        assert stat.S_IMODE(short.stat().st_mode) == 0o700
        await long.apply(None, "teardown", None, {"volumes": True})
        assert not [p for p in Path(short.parent).iterdir() if p.name.startswith(short.name)]

    anyio.run(scenario)
