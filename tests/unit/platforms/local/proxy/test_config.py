"""The proxy's configuration, its comparison with what the API shows, and its listen ports."""

from __future__ import annotations

from typing import Any

from slipway.app.model import Route, Service
from slipway.plan.release import Release, ReleaseService
from slipway.platforms.local.proxy import api, config, targets
from slipway.platforms.local.proxy.state import Check, Listen, ProxyState, Target


def target(number: int, **changes: Any) -> Target:
    values: dict[str, Any] = {
        "name": "web",
        "service": "web",
        "key": "k",
        "listen": Listen(port=8000),
        "servers": (f"127.1.1.{number}:8000",),
        "check": Check(path="/ready"),
    }
    return Target(**{**values, **changes})


def two(weights: dict[str, int], **changes: Any) -> ProxyState:
    releases = {"1": (target(1, **changes),), "2": (target(2, **changes),)}
    return ProxyState(releases=releases, weights=weights)


def seen_of(wanted: config.Json) -> dict[str, dict[str, config.Json]]:
    """What the API would show if everything was taken."""
    found: dict[str, dict[str, config.Json]] = {}
    for kind in ("http", "tcp"):
        for what in ("services", "routers"):
            items = wanted.get(kind, {}).get(what, {})
            found[f"{kind}/{what}"] = {n: {**d, "status": "enabled"} for n, d in items.items()}
    return found


def test_weights_are_split_over_one_service_per_release() -> None:
    services = config.dynamic(two({"1": 90, "2": 10}))["http"]["services"]
    assert services["web"]["weighted"] == {
        "services": [{"name": "web-r1", "weight": 90}, {"name": "web-r2", "weight": 10}],
        "healthCheck": {},
    }
    check = services["web-r2"]["loadBalancer"]["healthCheck"]
    assert (check["path"], check["interval"], check["timeout"]) == ("/ready", "1s", "5s")


def test_a_release_without_weight_is_left_out() -> None:
    services = config.dynamic(two({"1": 0, "2": 100}))["http"]["services"]
    assert sorted(services) == ["web", "web-r2"]


def test_without_an_active_check_the_only_server_is_never_taken_out() -> None:
    services = config.dynamic(two({"1": 100}, check=None))["http"]["services"]
    assert "healthCheck" not in services["web"]["weighted"]
    assert set(services["web-r1"]["loadBalancer"]) == {"servers"}


def test_only_safe_methods_are_repeated_on_bad_answers() -> None:
    http = config.dynamic(two({"1": 100}))["http"]
    safe, plain = http["routers"]["web-safe"], http["routers"]["web"]
    assert safe["priority"] > plain["priority"]
    assert "Method(`GET`)" in safe["rule"]
    assert http["middlewares"][safe["middlewares"][0]]["retry"]["status"] == ["502-504"]
    assert "status" not in http["middlewares"][plain["middlewares"][0]]["retry"]


def test_longer_paths_and_hosts_come_first() -> None:
    state = ProxyState(
        releases={
            "1": (
                target(1),
                target(2, name="api", path="/api"),
                target(3, name="site", host="a.example"),
            )
        },
        weights={"1": 100},
    )
    routers = config.dynamic(state)["http"]["routers"]
    assert routers["api"]["priority"] > routers["web-safe"]["priority"]
    assert routers["site"]["priority"] > routers["api-safe"]["priority"]
    assert routers["site"]["rule"] == "Host(`a.example`) && PathPrefix(`/`)"


def test_a_change_counts_only_when_the_api_shows_all_of_it() -> None:
    old, new = config.dynamic(two({"1": 100})), config.dynamic(two({"2": 100}))
    assert api.differences(new, seen_of(new)) == []
    assert api.differences(new, seen_of(old)) != []
    broken = seen_of(new)
    broken["http/routers"]["web"]["status"] = "disabled"
    assert api.differences(new, broken) == ["http routers web differs"]
    other = seen_of(new)
    other["http/services"]["web-r2"] = {"loadBalancer": {"servers": [{"url": "http://1.1.1.1"}]}}
    assert api.differences(new, other) == ["http services web-r2 differs"]


def test_weights_are_read_back_as_percent() -> None:
    seen = seen_of(config.dynamic(two({"1": 45, "2": 5})))
    assert api.weights(seen) == {"1": 90, "2": 10}
    assert api.weights({}) == {}
    tcp = config.dynamic(two({"2": 100}, listen=Listen(port=5432, protocol="tcp")))
    assert api.weights(seen_of(tcp)) == {"2": 100}


def release(*routes: Route) -> Release:
    names = {route.service for route in routes}
    services = {n: ReleaseService(service=Service(name=n, role="web"), key="k") for n in names}
    return Release(
        number=3,
        label="v3",
        app="a",
        environment="e",
        platform="local",
        created=0.0,
        services=services,
        routes=routes,
    )


def test_ports_are_chosen_once_and_never_a_taken_one() -> None:
    found = release(Route(service="web", port=8000), Route(service="api", port=8000))
    chosen = targets.choose(found, {}, set(), lambda port: port != 8001)
    assert chosen == {"web": 8000, "api": 8002}
    assert targets.choose(found, chosen, {8000}, lambda port: False) == chosen


def test_a_service_with_two_routes_has_two_weighted_services() -> None:
    routes = (
        Route(service="web", port=80, listen=1),
        Route(service="web", port=81, listen=2),
        Route(service="api", port=80, listen=3),
    )
    found = release(*routes)
    assert [targets.target_name(found, r) for r in routes] == ["web-80", "web-81", "api"]


def test_urls_are_what_a_person_opens() -> None:
    shown = (
        target(1, listen=Listen(port=80, address="0.0.0.0"), path="/app"),
        target(1, service="db", listen=Listen(port=5432, protocol="tcp")),
        target(1, service="six", listen=Listen(port=1, address="::1")),
    )
    assert targets.urls_of(shown) == {
        "web": "http://localhost/app",
        "db": "tcp://127.0.0.1:5432",
        "six": "http://[::1]:1",
    }
