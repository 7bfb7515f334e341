"""`deploy resume`: finish a run that was interrupted, or put it back."""

from __future__ import annotations

from slipway.engine.deploy import Approve, Result, RunOptions, run_plan
from slipway.engine.prepare import Prepared, job_keys, plan_for
from slipway.engine.recover import close_finished, is_activated, recover, say_what
from slipway.engine.workspace import Workspace
from slipway.errors import NotFoundError, RefusedError
from slipway.journal.journal import Run
from slipway.journal.lease import Lease
from slipway.plan.model import Plan
from slipway.plan.observed import Observed


async def revert_interrupted(workspace: Workspace, *, dry_run: bool = False) -> Run | None:
    """Put the interrupted run back; None if there is none. Raises RevertError."""
    if dry_run:
        run = workspace.journal.head().interrupted
        if run is not None:
            say_what(workspace, run)
        return run
    with Lease(workspace.store, workspace.clock, "resume"):
        return await recover(workspace, tidy=True)


async def resume(workspace: Workspace, *, approve: Approve, options: RunOptions) -> Result | None:
    """Go on to the release that the interrupted run was after; None if nothing is interrupted.

    What is done already is seen and kept; where the release is live already, only what it
    replaced is taken away. Raises NotFoundError if the run was cut off before
    its release was written: then there is nothing to go on with.
    """
    run = workspace.journal.head().interrupted
    if run is None:
        return None
    plan = workspace.journal.plan_of(run.opened.run)
    if plan is None or plan.release is None or plan.verb == "cleanup" or _live(workspace, run):
        await revert_interrupted(workspace, dry_run=options.dry_run)
        return None

    async def prepare() -> Prepared:
        return await _remaining(workspace, run, plan, dry=options.dry_run)

    return await run_plan(workspace, plan.verb, prepare, approve, options, closes=False)


def _live(workspace: Workspace, run: Run) -> bool:
    """True if the run was cut off after its release was made current."""
    plan = workspace.journal.plan_of(run.opened.run)
    return plan is not None and is_activated(plan, workspace.journal.steps_of(run.opened.run))


async def _remaining(workspace: Workspace, run: Run, plan: Plan, *, dry: bool) -> Prepared:
    """A plan from what is there now to the interrupted run's release.

    The interrupted run ends when the next one begins, so that whatever happens in between
    can still be gone on with, or put back.
    """
    assert plan.release is not None
    head = workspace.journal.head()
    if head.interrupted != run:
        raise RefusedError(f"somebody else went on with run {run.opened.run} just now")
    if plan.release.number not in workspace.releases.numbers():
        raise NotFoundError(
            f"run {run.opened.run} was cut off before release {plan.release.number} was written",
            hint=f"`deploy {plan.verb}` puts it back and starts again",
        )
    observed = await workspace.platform.observe()
    remaining = plan_for(
        workspace,
        plan.release,
        observed,
        head,
        verb=plan.verb,
        verify=any(step.kind == "verify" for step in plan.steps),
        new_release=False,
        finished_jobs=_finished_jobs(workspace, run, plan, observed),
    )
    if not remaining.steps and not dry:
        close_finished(workspace, run, plan)
    return Prepared(plan=remaining, observed=observed, values={}, resumes=run.opened.run)


def _finished_jobs(
    workspace: Workspace, run: Run, plan: Plan, observed: Observed
) -> tuple[str, ...]:
    """Jobs of the interrupted plan that need not run again: they ran and were not put back,
    or were not to run. Where the volume or the database that the run made is gone, so may be
    what they did: a revert on a full disk cannot say what it undid.
    """
    assert plan.release is not None
    planned = {step.id: step for step in plan.steps if step.kind == "job"}
    ended: set[str] = set()
    for record in workspace.journal.steps_of(run.opened.run):
        if record.phase == "done":
            ended.add(record.step)
        elif record.phase in ("undo-intent", "undone"):
            ended.discard(record.step)
    if not _data_is_there(plan, observed):
        ended.clear()
    open_keys = {step.args["key"] for name, step in planned.items() if name not in ended}
    return tuple(key for key in job_keys(plan.release) if key not in open_keys)


def _data_is_there(plan: Plan, observed: Observed) -> bool:
    """Is all there that the plan was to make for jobs to work in?"""
    running = {i.service for i in observed.instances if not i.key}
    made = {step.service for step in plan.steps if step.kind == "volume"}
    started = {step.service for step in plan.steps if step.kind == "backing"}
    return made <= set(observed.volumes) and started <= running
