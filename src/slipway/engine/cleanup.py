"""`deploy cleanup`: stop and remove everything that Slipway started; data only when asked."""

from __future__ import annotations

from pathlib import Path

from slipway.engine.deploy import Approve, Result, RunOptions, run_plan
from slipway.engine.prepare import Prepared
from slipway.engine.recover import close_overtaken, is_activated, recover
from slipway.engine.workspace import Workspace
from slipway.journal.journal import Run
from slipway.plan.make import cleanup_plan


def _app_name(workspace: Workspace) -> str:
    """As the last release has it: the Compose file may be broken, or gone."""
    numbers = workspace.releases.numbers()
    if not numbers:
        return Path(workspace.target.directory).name
    return workspace.releases.get(numbers[-1]).app


async def cleanup(
    workspace: Workspace, *, volumes: bool, approve: Approve, options: RunOptions
) -> Result:
    """Take the environment down. Its history stays, and so does its data without `volumes`."""

    async def prepare() -> Prepared:
        overtaken = await _overtaken(workspace, dry=options.dry_run)
        observed = await workspace.platform.observe()
        plan = cleanup_plan(
            app=_app_name(workspace),
            environment=workspace.target.environment,
            platform=workspace.platform.name,
            observed=observed,
            volumes=volumes,
        )
        if overtaken is not None and not plan.steps and not options.dry_run:
            close_overtaken(workspace, overtaken)
        resumes = overtaken.opened.run if overtaken is not None else None
        return Prepared(plan=plan, observed=observed, values={}, resumes=resumes)

    return await run_plan(workspace, "cleanup", prepare, approve, options, closes=False)


async def _overtaken(workspace: Workspace, *, dry: bool) -> Run | None:
    """The interrupted run that this cleanup puts an end to. It is not put back before: what it
    left goes with the rest, also where it could not be put back. An interrupted cleanup is
    finished, and a run whose release is live is done.
    """
    run = workspace.journal.head().interrupted
    plan = workspace.journal.plan_of(run.opened.run) if run is not None else None
    if run is None or plan is None:
        return run
    live = is_activated(plan, workspace.journal.steps_of(run.opened.run))
    if plan.verb != "cleanup" and not live:
        return run
    if not dry:
        await recover(workspace)
    return None
