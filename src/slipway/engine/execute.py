"""The one loop that runs steps: as parallel as their needs allow, journalled, reverted on failure.

Called by every verb with a Plan. A failure, a timeout or Ctrl-C before the `activate` step
undoes what was done, in reverse order; from `activate` on the new release stays, and what
is left to take away is left to the next run, which sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, NoReturn

import anyio
import msgspec

from slipway.engine.own_steps import OwnSteps
from slipway.engine.revert import revert
from slipway.engine.signals import Interrupts
from slipway.engine.unseen import Unseen
from slipway.engine.verification import Check
from slipway.engine.workspace import Workspace
from slipway.errors import (
    InterruptedRunError,
    LeaseHeldError,
    NotReadyError,
    RevertError,
    SlipwayError,
    StorageError,
)
from slipway.journal.lease import Lease
from slipway.journal.records import RunClosed, RunOpened, StepRecord
from slipway.plan.model import Plan, Step, after_activate
from slipway.platforms.protocol import StepContext
from slipway.support.telemetry.events import (
    Event,
    Notice,
    ProbeAnswered,
    RunEnded,
    RunStarted,
    StepEnded,
    StepStarted,
)


class Execution:
    """One run of one plan. `run` does all; the rest are its parts."""

    def __init__(
        self,
        workspace: Workspace,
        plan: Plan,
        own: OwnSteps,
        *,
        lease: Lease,
        revert: bool = True,
        resumes: int | None = None,
    ) -> None:
        self._ws = workspace
        self._plan = plan
        self._own = own
        self._lease = lease
        self._resumes = resumes
        self._unseen = Unseen(workspace, plan.release)
        self._revert_on_failure = revert
        self._number = 0
        self._base = workspace.releases.get(plan.base) if plan.base is not None else None
        self._done: dict[str, anyio.Event] = {step.id: anyio.Event() for step in plan.steps}
        self._outcomes: dict[str, Mapping[str, Any]] = {}
        self._answers: dict[str, str] = {}
        self._ending = after_activate(plan)
        self._failure: BaseException | None = None
        self._step_failed = False
        self._activated = False

    def checks(self) -> tuple[Check, ...]:
        """What smoke tests and verification saw, each named once; for the summary."""
        found = [c for outcome in self._outcomes.values() for c in outcome.get("checks", ())]
        by_name = {c["name"]: c for c in found}
        return msgspec.convert(list(by_name.values()), tuple[Check, ...])

    async def run(self, timeout: float | None) -> None:
        """Carry the plan out. `timeout` in seconds bounds everything up to `activate`.

        Raises the first step's error once all is put back, InterruptedRunError likewise, and
        RevertError where something could not be put back.
        """
        started = self._ws.clock.monotonic()
        self._open()
        async with AsyncExitStack() as stack:
            interrupts = await stack.enter_async_context(Interrupts())
            await self._before_activation(interrupts, timeout)
            if self._failure is None:
                await self._after_activation(interrupts)
            else:
                await self._give_up(interrupts, started)
        self._close("succeeded", self._after(), started)

    def _open(self) -> None:
        self._number = self._ws.journal.next_run()
        release = self._plan.release
        opened = RunOpened(
            run=self._number,
            at=self._ws.clock.now(),
            verb=self._plan.verb,
            owner=self._lease.owner,
            base=self._plan.base,
            release=release.number if release else None,
            label=release.label if release else None,
            resumes=self._resumes,
        )
        self._ws.journal.open_run(opened, self._plan)
        self._ws.emit(
            RunStarted(
                at=opened.at,
                run=str(self._number),
                verb=self._plan.verb,
                environment=self._plan.environment,
                steps=len(self._plan.steps),
            )
        )

    async def _before_activation(self, interrupts: Interrupts, timeout: float | None) -> None:
        steps = [s for s in self._plan.steps if not self._is_ending(s)]
        with anyio.move_on_after(timeout) as scope:
            interrupts.cancels(scope)
            await self._run_all(steps)
        if self._failure is None and interrupts.count:
            self._failure = InterruptedRunError("interrupted")
        elif self._failure is None and scope.cancelled_caught:
            self._failure = self._timed_out(timeout)

    def _heard(self, event: Event) -> None:
        """Pass a platform's event on, and remember each step's last answer for `_timed_out`."""
        if isinstance(event, ProbeAnswered):
            self._answers[event.step] = self._unseen.text(f"last answer: {event.answer}")
        self._unseen.emit(event)

    def _timed_out(self, timeout: float | None) -> NotReadyError:
        waiting = [s for s in self._plan.steps if not self._done[s.id].is_set()]
        answered = [f"{s.title}: {self._answers[s.id]}" for s in waiting if s.id in self._answers]
        return NotReadyError(
            f"not done within {timeout:g} s, at: {waiting[0].title if waiting else 'the end'}",
            details=answered,
            hint="give it more with --timeout, or look at `deploy logs`",
        )

    async def _after_activation(self, interrupts: Interrupts) -> None:
        """Take away what was replaced. What fails here is said, and left to the next run."""
        steps = [s for s in self._plan.steps if self._is_ending(s)]
        with anyio.CancelScope() as scope:
            interrupts.cancels(scope)
            await self._run_all(steps)
        if self._failure is not None or scope.cancelled_caught:
            why = getattr(self._failure, "message", "interrupted")
            text = f"the release is live, but not all of the old one is gone: {why};"
            self._notice(f"{text} the next deploy takes the rest away")
            self._failure = None

    def _is_ending(self, step: Step) -> bool:
        """True for the steps that come after `activate`."""
        return step.id in self._ending

    async def _run_all(self, steps: list[Step]) -> None:
        async with anyio.create_task_group() as group:
            for step in steps:
                group.start_soon(self._run_step, step, group.cancel_scope)

    async def _run_step(self, step: Step, scope: anyio.CancelScope) -> None:
        for need in step.needs:
            await self._done[need].wait()
        try:
            await self._apply(step)
        except Exception as error:  # noqa: BLE001 - kept, and raised once all is put back
            self._step_failed = True
            if self._failure is None:
                self._failure = error
            scope.cancel()
            return
        self._done[step.id].set()

    async def _apply(self, step: Step) -> None:
        self._lease.check()
        began = self._ws.clock.monotonic()
        self._record(step, "intent")
        self._ws.emit(StepStarted(at=self._ws.clock.now(), step=step.id, title=step.title))
        context = StepContext(
            step=step, release=self._plan.release, emit=self._heard, base=self._base
        )
        try:
            if self._own.handles(step):
                outcome = await self._own.apply(context)
            else:
                outcome = await self._ws.platform.apply(context)
        except Exception as error:
            self._unseen.mend(error)
            message = getattr(error, "message", type(error).__name__)
            known = self._unseen.data(getattr(error, "outcome", {}))
            self._record(step, "failed", message=message, outcome=known)
            self._ended(step, began, ok=False, message=message)
            raise
        self._outcomes[step.id] = outcome
        self._activated = self._activated or step.kind == "activate"
        self._record(step, "done", outcome=self._unseen.data(outcome))
        self._ended(step, began, ok=True)

    def _record(self, step: Step, phase: Any, **more: Any) -> None:
        self._ws.journal.step(
            self._number, StepRecord(at=self._ws.clock.now(), step=step.id, phase=phase, **more)
        )

    def _ended(self, step: Step, began: float, *, ok: bool, message: str = "") -> None:
        self._ws.emit(
            StepEnded(
                at=self._ws.clock.now(),
                step=step.id,
                title=step.title,
                seconds=self._ws.clock.monotonic() - began,
                ok=ok,
                message=message,
            )
        )

    async def _give_up(self, interrupts: Interrupts, started: float) -> None:
        """Put everything back, close the run, and raise why."""
        error = self._failure
        assert error is not None
        kind = "interrupted" if isinstance(error, InterruptedRunError) else "failed"
        reason = getattr(error, "message", repr(error))
        if isinstance(error, LeaseHeldError):
            self._ws.emit(self._run_ended(kind, started, reason))
            raise error
        if self._plan.verb == "cleanup":
            self._ws.emit(self._run_ended(kind, started, reason))
            raise self._half_clean(error, reason)
        if self._plan.verb == "reconcile":
            self._repaired_in_part(error, kind, started, reason)
        if not self._revert_on_failure:
            self._notice("--no-rollback: everything is left as it is, for a look")
            self._close(kind, self._plan.base, started, reason)
            raise error
        why = "" if self._step_failed else f"{reason}; "
        self._notice(f"{why}putting everything back")
        with anyio.CancelScope(shield=True) as scope:
            interrupts.cancels(scope, after=2)
            troubles = await revert(self._ws, self._plan, self._number, self._own)
        if scope.cancelled_caught:
            troubles.append("interrupted again while putting back")
        if troubles:
            self._ws.emit(self._run_ended("failed", started, reason))
            first = getattr(error, "hint", None)
            raise RevertError(
                f"{reason}; and not everything could be put back",
                hint=(f"{first}; " if first else "")
                + "`deploy resume --revert` tries again; `deploy status` shows what is there",
                details=[*troubles, *getattr(error, "details", ())],
            ) from error
        if kind == "interrupted":
            error = InterruptedRunError(f"interrupted, and {self._put_back()}")
        else:
            self._notice(self._put_back())
        outcome = "interrupted" if kind == "interrupted" else "reverted"
        try:
            self._close(outcome, self._plan.base, started, reason)
        except StorageError as full:
            self._notice(f"the journal: {full.message}; the next command closes this run")
        raise error

    def _repaired_in_part(
        self, error: BaseException, kind: str, started: float, reason: str
    ) -> NoReturn:
        """A repair is not taken back: all of it led to the release that is current."""
        said = "what was repaired stays; `deploy reconcile` goes on with it"
        self._close(kind, self._plan.base, started, reason)
        if kind == "interrupted":
            raise InterruptedRunError(f"interrupted; {said}")
        self._notice(said)
        raise error

    @staticmethod
    def _half_clean(error: BaseException, reason: str) -> SlipwayError:
        """A cleanup is not put back: what is half taken down serves nobody. It stays open."""
        message = f"{reason}; not everything is taken away yet"
        hint = "`deploy cleanup` goes on with it"
        if isinstance(error, InterruptedRunError):
            return InterruptedRunError(message, hint=hint)
        return RevertError(message, hint=hint, details=getattr(error, "details", ()))

    def _put_back(self) -> str:
        base = self._plan.base
        if base is None:
            return "put back: nothing of it is left running"
        if self._plan.verb == "start":
            return f"put back: what of release {base} did not run before does not run now"
        return f"put back: release {base} serves as before"

    def _after(self) -> int | None:
        """The release that is current once the plan is done."""
        if self._plan.verb == "cleanup":
            return None
        return self._plan.release.number if self._plan.release else self._plan.base

    def _verified(self) -> bool:
        return any(s.kind == "verify" and s.id in self._outcomes for s in self._plan.steps)

    def _close(self, outcome: Any, current: int | None, started: float, reason: str = "") -> None:
        seconds = self._ws.clock.monotonic() - started
        closed = RunClosed(
            run=self._number,
            at=self._ws.clock.now(),
            outcome=outcome,
            seconds=round(seconds, 3),
            current=current,
            verified=outcome == "succeeded" and self._verified(),
            reason=reason,
        )
        self._ws.journal.close_run(closed)
        self._ws.emit(self._run_ended(outcome, started, reason))

    def _run_ended(self, outcome: str, started: float, reason: str) -> RunEnded:
        return RunEnded(
            at=self._ws.clock.now(),
            run=str(self._number),
            verb=self._plan.verb,
            outcome=outcome,
            seconds=self._ws.clock.monotonic() - started,
            message=reason,
        )

    def _notice(self, message: str) -> None:
        self._ws.emit(Notice(at=self._ws.clock.now(), message=message))
