"""`deploy resume` on the fake platform: what it puts back when it fails, and its dry run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slipway.engine.cleanup import cleanup
from slipway.engine.deploy import RunOptions
from slipway.engine.resume import resume, revert_interrupted
from slipway.errors import NotReadyError, UsageError
from slipway.plan.model import Plan, Step
from slipway.testing.apps import KilledError, Site, agree, inbox
from slipway.testing.fake_platform import Hook

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    await made.deploy(inbox(), verb="install")
    return made


def at(step_id: str, when: str) -> Hook:
    def hook(step: Step, moment: str) -> None:
        if (step.id, moment) == (step_id, when):
            raise KilledError

    return hook


async def interrupted(site: Site, step: str, when: str, *, clean: bool = False) -> Site:
    """What a fresh process finds after an upgrade, or a cleanup, was killed there."""
    doomed = Site(site.folder, world=site.world, store=site.store, hook=at(step, when))
    options = RunOptions()
    run = (
        cleanup(doomed.workspace, volumes=False, approve=agree, options=options)
        if clean
        else doomed.deploy(inbox(web="2", model="2"))
    )
    with pytest.raises(BaseException):  # noqa: B017 - a KilledError, or a group with it
        await run
    return doomed.after_kill()


def shown(site: Site) -> dict[str, Any]:
    return {"running": dict(site.world.running), "weights": dict(site.world.weights)}


async def test_what_fails_after_a_resume_puts_back_both_runs(site: Site) -> None:
    before = shown(site)
    fresh = await interrupted(site, "route", "before")
    assert shown(fresh) != before
    fresh.world.unhealthy.add("web")
    with pytest.raises(NotReadyError):
        await resume(fresh.workspace, approve=agree, options=RunOptions())
    assert shown(fresh) == before
    outcomes = [run.closed.outcome for run in fresh.workspace.journal.runs() if run.closed]
    assert outcomes == ["succeeded", "interrupted", "reverted"]


async def test_a_resume_that_was_not_agreed_to_can_be_had_again(site: Site) -> None:
    def refuse(plan: Plan) -> None:
        raise UsageError("no")

    fresh = await interrupted(site, "route", "before")
    with pytest.raises(UsageError):
        await resume(fresh.workspace, approve=refuse, options=RunOptions())
    result = await resume(fresh.workspace, approve=agree, options=RunOptions())
    assert result is not None
    assert fresh.world.weights == {"2": 100}


async def test_history_says_which_run_went_on_with_it(site: Site) -> None:
    fresh = await interrupted(site, "route", "before")
    await resume(fresh.workspace, approve=agree, options=RunOptions())
    closed = fresh.workspace.journal.runs()[1].closed
    assert closed is not None
    assert (closed.outcome, closed.current) == ("interrupted", 1)
    assert closed.reason == "interrupted; run 3 (upgrade) went on from there"


@pytest.mark.parametrize("clean", [False, True])
async def test_a_dry_run_says_what_it_would_do_and_does_nothing(site: Site, clean: bool) -> None:
    step = "teardown" if clean else "route"
    fresh = await interrupted(site, step, "inside", clean=clean)
    before, records = shown(fresh), fresh.store.writes
    await resume(fresh.workspace, approve=agree, options=RunOptions(dry_run=True))
    await revert_interrupted(fresh.workspace, dry_run=True)
    assert (shown(fresh), fresh.store.writes) == (before, records)
    said = " ".join(getattr(e, "message", "") for e in fresh.events)
    assert "was interrupted" in said
