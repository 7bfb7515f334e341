"""The order of services: who must be ready before whom. Pure; called by `plan.rollout`."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from slipway.app.model import Service
from slipway.errors import ConfigError, Location


def dependencies(services: Mapping[str, Service], name: str) -> tuple[str, ...]:
    """The services of this set that `name` waits for, in the order they were written."""
    return tuple(d.service for d in services[name].depends_on if d.service in services)


def start_order(services: Mapping[str, Service]) -> tuple[str, ...]:
    """Every service after those it depends on.

    Raises ConfigError naming the cycle, with the place of its first service.
    """
    sorter = TopologicalSorter({name: dependencies(services, name) for name in services})
    try:
        return tuple(sorter.static_order())
    except CycleError as error:
        cycle = list(reversed(error.args[1]))
        origin = services[cycle[0]].origin
        raise ConfigError(
            f"services depend on each other in a circle: {' -> '.join(cycle)}",
            location=Location(origin.file, origin.line) if origin else None,
            hint="remove one of these depends_on entries",
        ) from None
