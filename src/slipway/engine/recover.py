"""What an interrupted run left: found by the next verb, said in one line, and closed.

Promise 2: nothing stays pending for ever. Called under the lease, so the run's owner is dead.
"""

from __future__ import annotations

from slipway.engine.own_steps import OwnSteps
from slipway.engine.revert import revert
from slipway.engine.workspace import Workspace
from slipway.errors import RevertError, SlipwayError
from slipway.journal.journal import Run
from slipway.journal.records import Outcome, Phase, RunClosed, StepRecord
from slipway.plan.model import Plan, Step, after_activate
from slipway.platforms.protocol import StepContext
from slipway.support.telemetry.events import Notice


async def recover(workspace: Workspace, *, tidy: bool = False) -> Run | None:
    """Close the interrupted run, if there is one: finished if its release was made current,
    else reverted. Returns that run. `tidy`: nobody plans from here on, so that what a live
    release replaced is taken away, too.

    Raises RevertError if something could not be put back; the run then stays open, and the
    next verb tries again.
    """
    run = workspace.journal.head().interrupted
    if run is None:
        return None
    number = run.opened.run
    plan = workspace.journal.plan_of(number)
    records = workspace.journal.steps_of(number)
    if plan is None:
        _close(workspace, run, "interrupted", run.opened.base)
        return run
    say_what(workspace, run)
    if plan.verb == "cleanup":
        await _finish_cleanup(workspace, run, plan)
        return run
    if plan.verb == "reconcile":  # every step led to the current release: nothing to take back
        _close(workspace, run, "interrupted", run.opened.base)
        return run
    if is_activated(plan, records):
        if tidy:
            await _take_away_rest(workspace, number, plan, records)
        current = plan.release.number if plan.release else run.opened.base
        _close(workspace, run, "succeeded", current, _verified(records))
        return run
    troubles = await revert(workspace, plan, number, OwnSteps(workspace, {}))
    if troubles:
        raise RevertError(
            f"the interrupted {plan.verb} (run {number}) could not be put back",
            details=troubles,
            hint="mend what the lines above name, then run `deploy resume --revert`",
        )
    _close(workspace, run, "interrupted", run.opened.base)
    return run


async def _finish_cleanup(workspace: Workspace, run: Run, plan: Plan) -> None:
    """A cleanup goes forward: what is half taken down serves nobody."""
    for step in plan.steps:
        context = StepContext(step=step, release=None, emit=workspace.emit)
        await workspace.platform.apply(context)
    _close(workspace, run, "succeeded", None)


async def _take_away_rest(
    workspace: Workspace, run: int, plan: Plan, records: tuple[StepRecord, ...]
) -> None:
    """The steps after `activate` that were not done. What fails is said, and left there."""
    done = {r.step for r in records if r.phase == "done"}
    base = workspace.releases.get(plan.base) if plan.base is not None else None
    for step in plan.steps:
        if step.id in done or step.id not in after_activate(plan):
            continue
        context = StepContext(step=step, release=plan.release, emit=workspace.emit, base=base)
        _note(workspace, run, step, "intent")
        try:
            await workspace.platform.apply(context)
        except SlipwayError as error:
            _note(workspace, run, step, "failed", error.message)
            text = f"not done: {step.title}: {error.message}; the next deploy takes the rest away"
            workspace.emit(Notice(at=workspace.clock.now(), message=text))
            return
        _note(workspace, run, step, "done")


def _note(workspace: Workspace, run: int, step: Step, phase: Phase, message: str = "") -> None:
    at = workspace.clock.now()
    workspace.journal.step(run, StepRecord(at=at, step=step.id, phase=phase, message=message))


def close_finished(workspace: Workspace, run: Run, plan: Plan) -> None:
    """Say that all that `run` wanted is there: for a caller that found nothing left to do."""
    current = plan.release.number if plan.release is not None else run.opened.base
    _close(workspace, run, "succeeded", current)


def close_overtaken(workspace: Workspace, run: Run) -> None:
    """Say that `run` ended where it was cut off, for a cleanup that found nothing of it."""
    _close(workspace, run, "interrupted", None)


def is_activated(plan: Plan, records: tuple[StepRecord, ...]) -> bool:
    """True if the run's release was made current before it was cut off."""
    kinds = {step.id: step.kind for step in plan.steps}
    return any(r.phase == "done" and kinds.get(r.step) == "activate" for r in records)


def _verified(records: tuple[StepRecord, ...]) -> bool:
    return any(r.step == "verify" and r.phase == "done" for r in records)


def say_what(workspace: Workspace, run: Run) -> None:
    """Tell in one line what was interrupted, and what comes of it."""
    plan = workspace.journal.plan_of(run.opened.run)
    if plan is not None:
        text = describe(run, plan, workspace.journal.steps_of(run.opened.run))
        workspace.emit(Notice(at=workspace.clock.now(), message=text))


def describe(run: Run, plan: Plan, records: tuple[StepRecord, ...]) -> str:
    """One line: what was interrupted, where, and what happens to it."""
    last = next((r for r in reversed(records) if not r.phase.startswith("undo")), None)
    titles = {step.id: step.title for step in plan.steps}
    at = f" at {titles.get(last.step, last.step)!r}" if last else ""
    target = f" to {run.opened.label}" if run.opened.label else ""
    if plan.verb == "cleanup":
        return f"run {run.opened.run} (cleanup) was interrupted; finishing it"
    what = f"run {run.opened.run} ({run.opened.verb}{target}) was interrupted{at}"
    if plan.verb == "reconcile":
        return f"{what}; what it repaired stays"
    if is_activated(plan, records):
        return f"{what}; its release is live, so it counts as done"
    return f"{what}; putting it back"


def _close(
    workspace: Workspace, run: Run, outcome: Outcome, current: int | None, verified: bool = False
) -> None:
    now = workspace.clock.now()
    workspace.journal.close_run(
        RunClosed(
            run=run.opened.run,
            at=now,
            outcome=outcome,
            seconds=max(0.0, round(now - run.opened.at, 3)),
            current=current,
            verified=verified,
            reason="" if outcome == "succeeded" else "interrupted, found by a later command",
        )
    )
