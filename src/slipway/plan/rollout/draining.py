"""In which order an old set is taken down, so that a request in flight still finds what it needs.

A page that is finishing may yet call its API: the API stops once the page has. Pure; called
by the builder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from slipway.app.model import Service
from slipway.plan.merkle import reached
from slipway.plan.release import Release

_SERVING = ("http", "tcp")


def callers_first(release: Release, names: Sequence[str]) -> dict[str, list[str]]:
    """`names` in an order to drain them in; for each, those before it that must end first.

    Services that name each other in a circle are taken down together. `release` is the old
    one; names it does not have wait for nobody.
    """
    services = {n: e.service for n, e in release.services.items() if n in names}
    routed = {route.service for route in release.routes} & services.keys()
    calls = {n: _called_by(services, n, routed) for n in services}
    order = sorted(dict.fromkeys(names), key=lambda n: (-len(calls.get(n, ())), names.index(n)))
    return {
        name: [n for n in order if name in calls.get(n, ()) and n not in calls.get(name, ())]
        for name in order
    }


def _called_by(services: Mapping[str, Service], name: str, routed: set[str]) -> set[str]:
    """What `name` depends on or names; of what has a route also all that serves without one,
    for a name may be written in its code.
    """
    found = reached(services, name)
    if name in routed:
        found |= {n for n, s in services.items() if n not in routed and _serves(s)}
        found |= {other for n in found for other in reached(services, n)}
    return found - {name}


def _serves(service: Service) -> bool:
    probe = service.probes.readiness
    return bool(service.expose) or (probe is not None and probe.kind in _SERVING)
