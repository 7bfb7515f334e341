"""The verdict on a canary: the new revision beside the old one, in the same window of time.

Pure: counters in, verdict out. The engine takes the counters from the proxy
(`platforms.protocol.Metered`) and acts on the verdict; the verdict with its numbers goes
into the journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from slipway.app.model import Canary
from slipway.support.data import Frozen

Status = Literal["pass", "fail", "inconclusive"]


class Counters(Frozen, frozen=True, kw_only=True):
    """What a proxy has counted for one revision since it started; only ever grows.

    `failed` are answers with a 5xx status; a client that went away (499) is neither counted
    here nor in `requests`. `buckets` maps an upper bound in seconds to how many answers took
    at most that long (cumulative, as Prometheus histograms are); "+Inf" is left out.
    """

    requests: int = 0
    failed: int = 0
    buckets: Mapping[str, int] = {}

    def since(self, earlier: Counters) -> Counters:
        """What was counted after `earlier`. A proxy that started anew began at nothing."""
        if self.requests < earlier.requests:
            return self
        return Counters(
            requests=self.requests - earlier.requests,
            failed=max(0, self.failed - earlier.failed),
            buckets={
                bound: max(0, count - earlier.buckets.get(bound, 0))
                for bound, count in self.buckets.items()
            },
        )


class Side(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """One revision's numbers. `success` in percent; latencies in seconds, None: too few."""

    requests: int
    failed: int
    success: float | None
    p95: float | None
    p99: float | None


class Verdict(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """What was decided, why, and from which numbers. `reasons` are lines for people."""

    status: Status
    reasons: tuple[str, ...]
    new: Side
    old: Side


def judge(
    criteria: Canary,
    *,
    new: Counters,
    old: Counters,
    restarts: int = 0,
    not_ready: str = "",
    checks: Mapping[str, bool] | None = None,
) -> Verdict:
    """Judge one window. `restarts` of the new revision's instances in it; `not_ready` is what
    a failed probe saw; `checks` are further ones by name.

    Too little traffic is never a pass: it is inconclusive, unless something failed outright.
    """
    mine, theirs = side(new), side(old)
    failures = _failures(criteria, mine, theirs, restarts, not_ready, checks or {})
    if failures:
        return Verdict(status="fail", reasons=failures, new=mine, old=theirs)
    if mine.requests < criteria.min_requests:
        short = f"only {mine.requests} of {criteria.min_requests} requests so far"
        return Verdict(status="inconclusive", reasons=(short,), new=mine, old=theirs)
    return Verdict(status="pass", reasons=(_praise(mine, theirs),), new=mine, old=theirs)


def _failures(
    criteria: Canary,
    mine: Side,
    theirs: Side,
    restarts: int,
    not_ready: str,
    checks: Mapping[str, bool],
) -> tuple[str, ...]:
    found = []
    if restarts:
        found.append(f"the new revision was restarted {restarts} times")
    if not_ready:
        found.append(f"the new revision is not ready: {not_ready}")
    found += [f"the check {name} failed" for name, passed in checks.items() if not passed]
    if mine.requests >= criteria.min_requests:
        if mine.success is not None and mine.success < criteria.threshold:
            found.append(
                f"success rate {mine.success:.2f}% is below {criteria.threshold:g}%"
                f" ({mine.failed} of {mine.requests} failed)"
            )
        found += _slower(criteria, "p95", mine.p95, theirs.p95, theirs.requests)
        found += _slower(criteria, "p99", mine.p99, theirs.p99, theirs.requests)
    return tuple(found)


def _slower(
    criteria: Canary, name: str, mine: float | None, theirs: float | None, requests: int
) -> list[str]:
    """Compared only where the old one was asked as often as the new one has to be."""
    if mine is None or theirs is None or requests < criteria.min_requests:
        return []
    if mine <= theirs * criteria.latency_factor:
        return []
    limit = f"{criteria.latency_factor:g} times the old one's {_ms(theirs)}"
    return [f"{name} latency {_ms(mine)} is over {limit}"]


def _praise(mine: Side, theirs: Side) -> str:
    text = f"{mine.requests} requests, {mine.success:.2f}% succeeded"
    if mine.p95 is not None:
        text += f", p95 {_ms(mine.p95)}"
        if theirs.p95 is not None:
            text += f" (old {_ms(theirs.p95)})"
    return text


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def side(counters: Counters) -> Side:
    """Rates and quantiles of one revision's counters."""
    success = None
    if counters.requests:
        success = 100.0 * (counters.requests - counters.failed) / counters.requests
    return Side(
        requests=counters.requests,
        failed=counters.failed,
        success=success,
        p95=quantile(0.95, counters),
        p99=quantile(0.99, counters),
    )


def quantile(share: float, counters: Counters) -> float | None:
    """The latency that `share` of the answers did not exceed, interpolated within its bucket as
    Prometheus' `histogram_quantile` does; the highest bound if it lies beyond all of them.
    """
    bounds = sorted((float(bound), count) for bound, count in counters.buckets.items())
    if not bounds or not counters.requests:
        return None
    rank = share * counters.requests
    lower, below = 0.0, 0
    for bound, count in bounds:
        if count >= rank and count > below:
            return lower + (bound - lower) * (rank - below) / (count - below)
        lower, below = bound, count
    return bounds[-1][0]
