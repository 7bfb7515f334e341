"""Programs that name their port and their neighbours in their code: the network hooks."""

from __future__ import annotations

import urllib.request
from typing import Any

import anyio
import anyio.to_thread
import pytest
from world import CASES, World, web

from slipway.app.model import Build, Service
from slipway.support.health.model import Probe, Probes

pytestmark = pytest.mark.local


def named(label: str) -> dict[str, Service]:
    """Two services on the same port; `label` makes another revision of them."""
    made = {}
    for name in ("front", "back"):
        made[name] = web(
            "v1",
            name=name,
            build=Build(context=str(CASES / "named" / name)),
            environment={"LABEL": label},
            probes=Probes(readiness=Probe(kind="http", port=8000), deadline=20),
        )
    return made


@pytest.mark.parametrize("fixture", ["world", "shared"])
def test_names_and_ports_in_code_mean_the_own_revision(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    world: World = request.getfixturevalue(fixture)

    async def ask(release: Any, service: str, path: str) -> str:
        address = world.platform.address(release, service)
        assert address is not None
        url = f"http://{address[0]}:{address[1]}{path}"
        return await anyio.to_thread.run_sync(_get, url)

    async def scenario() -> None:
        releases = [world.release(n, named(str(n)), ()) for n in (1, 2)]
        for release in releases:
            for name in ("front", "back"):
                await world.apply(release, "build", name)
                await world.apply(release, "start", name)
        for release in releases:
            for name in ("front", "back"):
                await world.apply(release, "ready", name)
        for release in releases:
            back = world.platform.address(release, "back")
            assert back is not None
            assert await ask(release, "front", "/self") == "front"
            assert await ask(release, "front", "/back") == "back"
            assert await ask(release, "front", "/fetch") == "back"
            assert await ask(release, "front", "/name") == back[0]
            assert await ask(release, "back", "/front") == "front"
            assert await ask(release, "back", "/self") == str(back[1])

    anyio.run(scenario)


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())
