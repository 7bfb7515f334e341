"""Traefik's metrics become counters per release."""

from __future__ import annotations

from slipway.platforms.local.proxy.counters import parse

METRICS = """
# HELP traefik_service_requests_total How many HTTP requests processed on a service
# TYPE traefik_service_requests_total counter
traefik_service_requests_total{code="200",method="GET",protocol="http",service="web-r2@file"} 90
traefik_service_requests_total{code="201",method="POST",protocol="http",service="web-r2@file"} 5
traefik_service_requests_total{code="503",method="GET",protocol="http",service="web-r2@file"} 5
traefik_service_requests_total{code="499",method="GET",protocol="http",service="web-r2@file"} 7
traefik_service_requests_total{code="200",method="GET",protocol="http",service="api-r2@file"} 10
traefik_service_requests_total{code="200",method="GET",protocol="http",service="web-r1@file"} 900
traefik_service_requests_total{code="200",method="GET",protocol="http",service="web@file"} 1000
traefik_service_request_duration_seconds_bucket{code="200",service="web-r2@file",le="0.005"} 80
traefik_service_request_duration_seconds_bucket{code="200",service="web-r2@file",le="+Inf"} 90
traefik_service_request_duration_seconds_bucket{code="503",service="web-r2@file",le="0.005"} 5
""".splitlines()


def test_counts_are_summed_by_release_without_the_weighted_service_and_clients_that_left() -> None:
    found = parse(METRICS)
    assert set(found) == {1, 2}
    assert (found[2].requests, found[2].failed) == (110, 5)
    assert found[2].buckets == {"0.005": 85}
    assert (found[1].requests, found[1].failed) == (900, 0)


def test_nothing_counted_yet() -> None:
    assert parse(["traefik_config_reloads_total 1", ""]) == {}
