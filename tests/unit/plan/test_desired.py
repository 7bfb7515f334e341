"""The wanted release: what the image knows of itself counts where nobody said anything."""

from __future__ import annotations

import msgspec
import pytest

from slipway.app.model import App
from slipway.plan.desired import Inputs, desired_release
from slipway.plan.release import Artifact, Release
from slipway.support.health.model import Probe, Probes
from slipway.testing.apps import inbox

CHECK = {"test": ["CMD-SHELL", "curl -f http://localhost:8000/health"], "interval": "5s"}


def release(probes: Probes, healthcheck: dict[str, object] | None = CHECK) -> Release:
    web = msgspec.structs.replace(inbox().services["web"], probes=probes)
    app: App = msgspec.structs.replace(inbox(), services={**inbox().services, "web": web})
    return desired_release(
        Inputs(
            app=app,
            platform="fake",
            artifacts={"web": Artifact(kind="fake", id="1", healthcheck=healthcheck)},
            secrets={},
            label="v1",
            number=1,
            created=0.0,
        )
    )


ASSUMED = Probes(readiness=Probe(kind="tcp", port=8000), assumed=True)


def test_the_images_own_check_is_taken_where_nobody_said_how_to_ask() -> None:
    probes = release(ASSUMED).services["web"].service.probes
    assert probes.readiness == Probe(kind="http", port=8000, path="/health", interval=5.0)
    assert not probes.assumed


@pytest.mark.parametrize(
    "probes",
    [
        Probes(readiness=Probe(kind="tcp", port=8000)),
        Probes(readiness=Probe(kind="http", port=8000, path="/told")),
        Probes(),
    ],
)
def test_what_was_told_stays(probes: Probes) -> None:
    assert release(probes).services["web"].service.probes == probes


def test_an_image_without_a_check_is_asked_by_its_port() -> None:
    assert release(ASSUMED, None).services["web"].service.probes == ASSUMED
