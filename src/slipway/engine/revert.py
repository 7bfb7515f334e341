"""Taking a run back: every step that began is undone, last first, each journalled.

Called when a run fails (`execute`) and when an interrupted one is found (`recover`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway.engine.own_steps import OwnSteps
from slipway.engine.workspace import Workspace
from slipway.errors import StorageError
from slipway.journal.records import Phase, StepRecord
from slipway.plan.model import Plan, Step
from slipway.platforms.protocol import StepContext
from slipway.support.telemetry.events import StepEnded, StepStarted, ignore

# Kinds whose undoing changes something; the others are only marked in the journal.
_CHANGING = frozenset(
    {"volume", "backing", "proxy", "start", "route", "drain", "stop", "remove", "teardown"}
)


async def revert(workspace: Workspace, plan: Plan, run: int, own: OwnSteps) -> list[str]:
    """Undo what run number `run` began; returns what could not be undone, a line each.

    A step whose outcome is missing was cut off inside: its undo gets an empty outcome.
    Steps that are undone already are left alone, so that a broken-off revert can go on.
    Where the traffic could not be moved back, what may have it is left running. A journal that
    cannot be written (a full disk) is a trouble, and keeps nothing from being undone. If the
    run went on with an interrupted one, what that did is undone after it.
    """
    troubles, stuck = await _revert_one(workspace, plan, run, own)
    earlier = workspace.journal.resumed_by(run)
    before = workspace.journal.plan_of(earlier) if earlier is not None else None
    if earlier is not None and before is not None and not stuck:
        troubles += await revert(workspace, before, earlier, own)
    return troubles


async def _revert_one(
    workspace: Workspace, plan: Plan, run: int, own: OwnSteps
) -> tuple[list[str], bool]:
    """The troubles, and whether traffic that could not be moved back put an end to it."""
    by_id = {step.id: step for step in plan.steps}
    troubles: list[str] = []
    for step_id, outcome in _to_undo(workspace.journal.steps_of(run)):
        step = by_id[step_id]
        trouble = await _undo(workspace, plan, run, own, step, outcome, troubles)
        if trouble and step.kind == "route":
            troubles.append("nothing more was stopped, as it may have the traffic")
            return troubles, True
    return troubles, False


def _to_undo(records: tuple[StepRecord, ...]) -> list[tuple[str, Mapping[str, Any]]]:
    """Steps that began and are not undone, last first, with what they said they did."""
    begun: dict[str, Mapping[str, Any]] = {}
    for record in records:
        if record.phase in ("intent", "failed"):
            begun.setdefault(record.step, {})
        elif record.phase == "done":
            begun.pop(record.step, None)
            begun[record.step] = record.outcome
        elif record.phase == "undone":
            begun.pop(record.step, None)
    return list(reversed(begun.items()))


async def _undo(
    workspace: Workspace,
    plan: Plan,
    run: int,
    own: OwnSteps,
    step: Step,
    outcome: Mapping[str, Any],
    troubles: list[str],
) -> str:
    """Returns why it could not be undone, or ""; adds to `troubles`."""
    clock = workspace.clock
    began = clock.monotonic()
    _note(workspace, run, step, "undo-intent", troubles)
    title = f"undo: {step.title}"
    emit = workspace.emit if step.kind in _CHANGING else ignore
    emit(StepStarted(at=clock.now(), step=step.id, title=title, undo=True))
    base = workspace.releases.get(plan.base) if plan.base is not None else None
    context = StepContext(step=step, release=plan.release, emit=workspace.emit, base=base)
    trouble = ""
    try:
        if own.handles(step):
            await own.undo(context, outcome)
        else:
            await workspace.platform.undo(context, outcome)
    except Exception as error:  # noqa: BLE001 - one trouble must not keep the rest from being undone
        trouble = getattr(error, "message", repr(error))
        troubles.append(f"{title}: {trouble}")
    _note(workspace, run, step, "undo-failed" if trouble else "undone", troubles, trouble)
    emit(
        StepEnded(
            at=clock.now(),
            step=step.id,
            title=title,
            seconds=clock.monotonic() - began,
            ok=not trouble,
            message=trouble,
            undo=True,
        )
    )
    return trouble


def _note(
    workspace: Workspace, run: int, step: Step, phase: Phase, troubles: list[str], message: str = ""
) -> None:
    """Journal it; that it cannot be written is said once."""
    record = StepRecord(at=workspace.clock.now(), step=step.id, phase=phase, message=message)
    try:
        workspace.journal.step(run, record)
    except StorageError as error:
        trouble = f"the journal: {error.message}"
        if trouble not in troubles:
            troubles.append(trouble)
