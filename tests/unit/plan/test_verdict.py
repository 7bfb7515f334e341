"""The canary's verdict: too little traffic never passes, and each criterion can fail it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.app.model import Canary
from slipway.plan.rollout.verdict import Counters, judge, quantile

CRITERIA = Canary(min_requests=100, threshold=99.0, latency_factor=2.0)


def counters(requests: int, failed: int = 0, fast: int | None = None) -> Counters:
    """`fast` of the answers took at most 10 ms, the rest at most 1 s."""
    quick = requests if fast is None else fast
    return Counters(
        requests=requests, failed=failed, buckets={"0.01": quick, "0.1": quick, "1": requests}
    )


def test_enough_good_traffic_passes_and_says_its_numbers() -> None:
    verdict = judge(CRITERIA, new=counters(200, failed=1), old=counters(2000))
    assert verdict.status == "pass"
    assert verdict.reasons == ("200 requests, 99.50% succeeded, p95 10 ms (old 10 ms)",)
    assert (verdict.new.requests, verdict.new.failed, verdict.old.requests) == (200, 1, 2000)


@pytest.mark.parametrize("requests", [0, 1, 99])
def test_too_little_traffic_is_inconclusive_however_good(requests: int) -> None:
    verdict = judge(CRITERIA, new=counters(requests), old=counters(5000))
    assert verdict.status == "inconclusive"
    assert f"only {requests} of 100" in verdict.reasons[0]


def test_a_low_success_rate_fails() -> None:
    verdict = judge(CRITERIA, new=counters(200, failed=3), old=counters(200))
    assert verdict.status == "fail"
    assert verdict.reasons == ("success rate 98.50% is below 99% (3 of 200 failed)",)


def test_exactly_the_threshold_passes() -> None:
    assert judge(CRITERIA, new=counters(200, failed=2), old=counters(200)).status == "pass"


def test_slower_than_the_factor_fails_at_p95_and_p99() -> None:
    verdict = judge(CRITERIA, new=counters(200, fast=180), old=counters(2000))
    assert verdict.status == "fail"
    assert [r.split()[0] for r in verdict.reasons] == ["p95", "p99"]


def test_latency_is_not_compared_with_an_old_one_that_nobody_asked() -> None:
    assert judge(CRITERIA, new=counters(200, fast=0), old=counters(5)).status == "pass"


@pytest.mark.parametrize(
    ("given_", "reason"),
    [
        ({"restarts": 2}, "the new revision was restarted 2 times"),
        ({"not_ready": "503"}, "the new revision is not ready: 503"),
        ({"checks": {"orders": False, "other": True}}, "the check orders failed"),
    ],
)
def test_outright_failures_need_no_traffic(given_: dict[str, object], reason: str) -> None:
    verdict = judge(CRITERIA, new=counters(0), old=counters(0), **given_)  # type: ignore[arg-type]
    assert verdict.status == "fail"
    assert verdict.reasons == (reason,)


def test_counters_of_a_window() -> None:
    window = counters(300, failed=5, fast=200).since(counters(100, failed=1, fast=100))
    assert (window.requests, window.failed) == (200, 4)
    assert window.buckets == {"0.01": 100, "0.1": 100, "1": 200}


def test_a_proxy_that_started_anew_began_at_nothing() -> None:
    fresh = counters(10)
    assert fresh.since(counters(500)) == fresh


@pytest.mark.parametrize(("share", "expected"), [(0.5, 0.005), (0.95, 0.0095), (0.99, 0.0099)])
def test_quantiles_are_interpolated_as_prometheus_does(share: float, expected: float) -> None:
    assert quantile(share, counters(1000)) == pytest.approx(expected)


def test_a_quantile_beyond_all_bounds_is_the_highest() -> None:
    assert quantile(0.99, Counters(requests=100, buckets={"0.1": 10, "1": 20})) == 1.0


@given(
    st.lists(st.integers(0, 500), min_size=3, max_size=3).map(sorted),
    st.integers(0, 200),
    st.floats(0.01, 1.0),
)
def test_quantiles_grow_with_the_share(counts: list[int], beyond: int, share: float) -> None:
    total = Counters(
        requests=counts[-1] + beyond,
        buckets=dict(zip(("0.01", "0.1", "1"), counts, strict=True)),
    )
    low, high = quantile(share / 2, total), quantile(share, total)
    assert (low is None) == (high is None)
    if low is not None and high is not None:
        assert 0.0 <= low <= high <= 1.0
