"""What was judged of the canaries of a run, read back from its steps; for history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from slipway.journal.journal import Journal
from slipway.journal.records import StepRecord
from slipway.plan.rollout.verdict import Verdict
from slipway.support.data import Frozen

End = Literal["pass", "fail", "inconclusive", "promoted", "aborted"]


class Judged(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """One share of the traffic, and how it ended there.

    `share` in percent, `seconds` is how long it was watched. `promoted` and `aborted` by
    someone, `by` is who; `verdict` has the numbers, None if there was none yet.
    """

    share: int
    end: End
    seconds: float | None = None
    by: str | None = None
    reasons: tuple[str, ...] = ()
    verdict: Verdict | None = None


def judged(journal: Journal, run: int) -> tuple[Judged, ...]:
    """Every verdict of a run, in the order they were given; none for other runs."""
    plan = journal.plan_of(run)
    shares = {s.id: int(s.args["share"]) for s in (plan.steps if plan else ()) if s.kind == "judge"}
    if not shares:
        return ()
    return tuple(
        _judged(record, shares[record.step])
        for record in journal.steps_of(run)
        if record.step in shares and record.phase in ("done", "failed")
    )


def _judged(record: StepRecord, share: int) -> Judged:
    outcome = record.outcome
    verdict = _verdict(outcome)
    promoted, aborted = outcome.get("promoted_by"), outcome.get("aborted_by")
    end: End = "fail" if record.phase == "failed" else "pass"
    if promoted or aborted:
        end = "promoted" if promoted else "aborted"
    elif verdict is not None:
        end = verdict.status
    reasons = verdict.reasons if verdict is not None else ()
    return Judged(
        share=share,
        end=end,
        seconds=outcome.get("seconds"),
        by=promoted or aborted,
        reasons=reasons or ((record.message,) if record.message else ()),
        verdict=verdict,
    )


def _verdict(outcome: Mapping[str, Any]) -> Verdict | None:
    found = outcome.get("verdict")
    return msgspec.convert(found, Verdict) if found is not None else None
