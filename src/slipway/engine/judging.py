"""The `judge` step: watch a canary at one share of the traffic until it passes, fails, or
somebody says what to do. Called by `own_steps`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from slipway.app.model import Canary
from slipway.engine.canary_checks import run_checks
from slipway.engine.canary_control import Said, take
from slipway.engine.workspace import Workspace
from slipway.errors import CanaryError, PlatformError
from slipway.plan.release import Release
from slipway.plan.rollout.verdict import Counters, Verdict, judge
from slipway.platforms.protocol import Metered, Outcome, StepContext
from slipway.support.telemetry.events import Notice, StepProgress

_LOOK = 0.2
_JUDGE = 1.0


@dataclass(slots=True)
class _Watch:
    """One step's watch. Times are of the workspace's monotonic clock."""

    workspace: Workspace
    context: StepContext
    run: int
    criteria: Canary
    release: Release
    began: float
    new_before: Counters
    old_before: Counters
    restarts_before: int
    held_by: str = ""
    told: str = field(default="")
    last: Verdict | None = None

    @property
    def elapsed(self) -> float:
        return self.workspace.clock.monotonic() - self.began


async def watch(workspace: Workspace, context: StepContext, run: int) -> Outcome:
    """Returns the verdict with its numbers, for the journal. Raises CanaryError to go back."""
    release = context.release
    assert release is not None
    counted = await _counters(workspace)
    args = context.step.args
    state = _Watch(
        workspace=workspace,
        context=context,
        run=run,
        criteria=release.rollout.canary,
        release=release,
        began=workspace.clock.monotonic(),
        new_before=counted.get(args["new"], Counters()),
        old_before=counted.get(args["old"], Counters()),
        restarts_before=await _restarts(workspace, release),
    )
    next_verdict = 0.0
    while True:
        said = take(workspace.store, run)
        if said is not None and (outcome := _obey(state, said)) is not None:
            return outcome
        if state.elapsed >= next_verdict:
            next_verdict = state.elapsed + _JUDGE
            if (outcome := await _decide(state)) is not None:
                return outcome
        await workspace.clock.sleep(_LOOK)


def _obey(state: _Watch, said: Said) -> Outcome | None:
    if said.word == "abort":
        raise CanaryError(
            f"aborted by {said.by}",
            hint="`deploy history --verbose` keeps its verdicts",
            outcome={"aborted_by": said.by, **_outcome(state, state.last)},
        )
    if said.word == "promote":
        _notice(state, f"promoted by {said.by}")
        return {"promoted_by": said.by, **_outcome(state, state.last)}
    state.held_by = said.by
    _notice(state, f"held by {said.by}: `deploy canary promote` or `abort` goes on")
    return None


async def _decide(state: _Watch) -> Outcome | None:
    """The outcome if this share has passed, None to go on watching."""
    verdict = await _verdict(state, last=False)
    if verdict.status == "fail":
        raise _failed(state, verdict)
    _tell(state, verdict)
    if state.held_by or state.elapsed < state.criteria.bake:
        return None
    if verdict.status == "pass":
        verdict = await _verdict(state, last=True)
        if verdict.status == "fail":
            raise _failed(state, verdict)
        return _outcome(state, verdict)
    if state.elapsed < state.criteria.bake + state.criteria.patience:
        return None
    return _inconclusive(state, verdict)


def _inconclusive(state: _Watch, verdict: Verdict) -> Outcome | None:
    """Too little traffic for too long: what deploy.yaml says."""
    if state.criteria.inconclusive == "promote":
        _notice(state, f"inconclusive ({verdict.reasons[0]}); promoted, as deploy.yaml says")
        return _outcome(state, verdict)
    if state.criteria.inconclusive == "abort":
        raise CanaryError(
            f"inconclusive: {verdict.reasons[0]}, and deploy.yaml says to abort then",
            hint="more traffic, a longer `patience` or fewer `min_requests` decide it",
            outcome=_outcome(state, verdict),
        )
    state.held_by = "deploy.yaml"
    _notice(
        state,
        f"inconclusive: {verdict.reasons[0]}; it holds until `deploy canary promote` or `abort`",
    )
    return None


async def _verdict(state: _Watch, *, last: bool) -> Verdict:
    """Judge what was counted since this step began; further checks only at the end."""
    counted = await _counters(state.workspace)
    args = state.context.step.args
    restarts = await _restarts(state.workspace, state.release) - state.restarts_before
    checks: Mapping[str, bool] = {}
    if last and state.criteria.checks:
        checks = await run_checks(state.criteria.checks)
    state.last = judge(
        state.criteria,
        new=counted.get(args["new"], Counters()).since(state.new_before),
        old=counted.get(args["old"], Counters()).since(state.old_before),
        restarts=max(0, restarts),
        not_ready=await _not_ready(state),
        checks=checks,
    )
    return state.last


async def _counters(workspace: Workspace) -> Mapping[int, Counters]:
    platform = workspace.platform
    if not isinstance(platform, Metered):
        raise PlatformError(f"{platform.name} does not count requests")
    return await platform.counters()


async def _restarts(workspace: Workspace, release: Release) -> int:
    observed = await workspace.platform.observe()
    keys = {(name, entry.key) for name, entry in release.services.items() if entry.key}
    return sum(i.restarts for i in observed.instances if (i.service, i.key) in keys)


async def _not_ready(state: _Watch) -> str:
    """What a failed readiness probe of the new revision's routed services saw, or ""."""
    for name in dict.fromkeys(route.service for route in state.release.routes):
        probe = state.release.services[name].service.probes.readiness
        if probe is None:
            continue
        answers = await state.workspace.platform.probe(state.release, name, probe)
        bad = next((a for a in answers if not a.ok), None)
        if bad is not None or not answers:
            return f"{name}: {bad.saw if bad else 'no instance is running'}"
    return ""


def _outcome(state: _Watch, verdict: Verdict | None) -> dict[str, Any]:
    """For the journal; there is no verdict where somebody decided before the first one."""
    known = {
        "share": state.context.step.args["share"],
        "seconds": round(state.elapsed, 1),
    }
    return known if verdict is None else {**known, "verdict": msgspec.to_builtins(verdict)}


def _failed(state: _Watch, verdict: Verdict) -> CanaryError:
    share = state.context.step.args["share"]
    return CanaryError(
        f"the canary failed at {share}%: {verdict.reasons[0]}",
        details=[
            *verdict.reasons[1:],
            f"new: {verdict.new.requests} requests, {verdict.new.failed} failed",
            f"old: {verdict.old.requests} requests, {verdict.old.failed} failed",
        ],
        hint="`deploy logs` shows what the new revision said",
        outcome=_outcome(state, verdict),
    )


def _tell(state: _Watch, verdict: Verdict) -> None:
    fraction = min(1.0, state.elapsed / state.criteria.bake) if state.criteria.bake else 1.0
    words = f"held by {state.held_by}; " if state.held_by else ""
    state.context.emit(
        StepProgress(
            at=state.workspace.clock.now(),
            step=state.context.step.id,
            message=words + verdict.reasons[0],
            fraction=fraction,
        )
    )


def _notice(state: _Watch, message: str) -> None:
    state.workspace.emit(Notice(at=state.workspace.clock.now(), message=message))
