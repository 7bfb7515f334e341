"""`kill -9` of the tool anywhere inside a run: the same steps applied again bring it all up."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import anyio
import pytest
from world import World, twins

pytestmark = pytest.mark.local

CHILD = Path(__file__).with_name("killed_run.py")


@pytest.mark.parametrize("after", [0.05, 0.3, 0.8, 1.4, 2.0, 2.6, 3.2])
def test_a_run_that_was_killed_is_finished_by_the_next(world: World, after: float) -> None:
    """`after` seconds of the run lie at other steps on other machines: any of them will do."""
    with subprocess.Popen([sys.executable, CHILD, world.base], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(after)
        child.kill()

    async def scenario() -> None:
        release = world.release(1, twins("v1"))
        await world.up(release)
        await world.apply(release, "proxy")
        await world.apply(release, "route", None, {"weights": {"1": 100}})
        seen = await world.platform.observe()
        assert seen.weights == {"1": 100}
        assert sorted(i.service for i in seen.instances) == ["cache", "db", "web"]
        assert {i.state for i in seen.instances} <= {"starting", "running"}
        with urllib.request.urlopen(f"{seen.urls['web']}/ready", timeout=5) as answer:
            assert json.load(answer)["cache"][0] == "+OK"

    anyio.run(scenario)
    servers = [p for p in world.processes() if "server.py" in " ".join(p.cmdline())]
    assert len(servers) == 1
