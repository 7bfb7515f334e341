"""An old set is taken down from its callers to what they call."""

from __future__ import annotations

from slipway.app.model import Dependency, Route, Service
from slipway.plan.release import Release, ReleaseService
from slipway.plan.rollout.draining import callers_first
from slipway.support.health.model import Probe, Probes


def release(*services: Service, routed: tuple[str, ...] = ()) -> Release:
    return Release(
        number=1, label="v1", app="shop", environment="development", platform="fake", created=1.0,
        services={s.name: ReleaseService(service=s, key=f"key-{s.name}") for s in services},
        routes=tuple(Route(service=name, port=8000, listen=8000) for name in routed),
    )  # fmt: skip


def service(name: str, *after: str, names: tuple[str, ...] = (), serves: bool = False) -> Service:
    probe = Probe(kind="http", port=80) if serves else None
    return Service(
        name=name, role="worker", references=names, probes=Probes(readiness=probe),
        depends_on=tuple(Dependency(service=other) for other in after),
    )  # fmt: skip


def test_a_page_ends_before_the_api_that_it_depends_on_or_names() -> None:
    old = release(service("api", "model"), service("model"), service("page", names=("api",)))
    found = callers_first(old, ["api", "model", "page"])
    assert found == {"page": [], "api": ["page"], "model": ["page", "api"]}
    assert list(found) == ["page", "api", "model"]


def test_what_serves_without_a_route_ends_after_what_has_one() -> None:
    old = release(
        service("api", serves=True), service("mailer"), service("page"), routed=("page",)
    )  # fmt: skip
    assert callers_first(old, ["api", "mailer", "page"]) == {
        "page": [], "api": ["page"], "mailer": [],
    }  # fmt: skip


def test_those_that_call_each_other_end_together() -> None:
    old = release(service("a", names=("b",)), service("b", names=("a",)))
    assert callers_first(old, ["a", "b"]) == {"a": [], "b": []}


def test_services_that_stay_or_are_unknown_hold_nothing_up() -> None:
    old = release(service("api"), service("page", "api"))
    assert callers_first(old, ["api", "unknown"]) == {"api": [], "unknown": []}
