"""Status: one document from the journal and from what is observed."""

from __future__ import annotations

from pathlib import Path

import anyio
import msgspec
import pytest

from slipway.cli.render.status import status_lines
from slipway.status.build import build_status, read_status
from slipway.status.document import Status
from slipway.testing.apps import Site, inbox, kill_at


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def status_of(site: Site) -> Status:
    return anyio.run(read_status, site.workspace)


def install(site: Site) -> None:
    async def go() -> None:
        await site.deploy(inbox(), label="v1", verb="install")

    anyio.run(go)


def test_nothing_is_installed(site: Site) -> None:
    status = status_of(site)
    assert (status.release, status.healthy, status.services) == (None, False, ())
    assert "deploy install" in "\n".join(status_lines(status, now=0.0))


def test_a_healthy_app(site: Site) -> None:
    install(site)
    status = status_of(site)
    assert status.healthy
    assert status.release is not None
    assert (status.release.number, status.release.label, status.release.verified) == (1, "v1", True)
    states = {s.name: s.state for s in status.services}
    assert states == {
        "db": "running", "migrate": "done", "model": "running", "worker": "running",
        "web": "running",
    }  # fmt: skip
    assert [(r.release, r.weight) for r in status.routes] == [(1, 100)]


@pytest.mark.parametrize("gone", ["web", "worker"])
def test_a_service_that_is_gone_is_a_problem(site: Site, gone: str) -> None:
    install(site)
    site.world.running = {at: n for at, n in site.world.running.items() if at[0] != gone}
    status = status_of(site)
    assert not status.healthy
    assert status.problems == (f"{gone} is stopped: 0 of 1 up",)
    lines = "\n".join(status_lines(status, now=0.0))
    assert (f"deploy logs {gone}" in lines, "deploy reconcile" in lines) == (True, True)


def test_a_proxy_that_is_gone_or_edited_is_a_problem(site: Site) -> None:
    install(site)
    site.world.weights = {"1": 50, "7": 50}
    assert status_of(site).problems == ("release 1 does not have all the traffic",)
    site.world.proxy = False
    assert status_of(site).problems == ("the proxy does not run",)


def test_an_interrupted_run_is_said_but_the_app_is_healthy(site: Site) -> None:
    install(site)
    killed = Site(site.folder, world=site.world, store=site.store, hook=kill_at(0, lambda: None))

    async def upgrade() -> None:
        await killed.deploy(inbox(web="2"))

    with pytest.raises(BaseExceptionGroup, match="unhandled"):
        anyio.run(upgrade)
    status = status_of(killed.after_kill())
    assert status.healthy
    assert status.problems == ("run 2 (upgrade) was interrupted; `deploy resume` closes it",)


def test_lines_fit_in_80_columns(site: Site) -> None:
    install(site)
    site.world.running.clear()
    lines = status_lines(status_of(site), now=2_000_000_000.0)
    assert max(len(line) for line in lines) <= 80


def status_with(site: Site, *, restarts: int, up_for: float) -> Status:
    """The status of an app whose worker was started again so often, the last time so long ago."""
    now, head = 1000.0, site.workspace.journal.head()
    observed = anyio.run(site.platform.observe)
    instances = tuple(
        msgspec.structs.replace(each, state="running", restarts=restarts, started=now - up_for)
        if each.service == "worker"
        else each
        for each in observed.instances
    )
    return build_status(
        release=site.workspace.releases.get(1),
        head=head,
        observed=msgspec.structs.replace(observed, instances=instances),
        lease=None,
        app="inbox",
        environment="development",
        platform="fake",
        now=now,
    )


def test_a_service_that_keeps_ending_is_a_problem_also_while_it_runs(site: Site) -> None:
    install(site)
    assert status_with(site, restarts=12, up_for=2.0).problems == ("worker is crashed: 0 of 1 up",)


@pytest.mark.parametrize(("restarts", "up_for"), [(1, 2.0), (12, 3600.0)])
def test_one_that_came_back_is_healthy(site: Site, restarts: int, up_for: float) -> None:
    install(site)
    assert status_with(site, restarts=restarts, up_for=up_for).healthy
