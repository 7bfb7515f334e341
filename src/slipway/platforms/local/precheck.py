"""Before anything is changed: ports that are taken, programs that are missing, no space left."""

from __future__ import annotations

from collections.abc import Iterable

from slipway.app.model import App, Route
from slipway.errors import InputError, Location, PortTakenError, RefusedError
from slipway.plan.observed import Observed
from slipway.platforms.local.proxy import manage
from slipway.platforms.local.proxy.targets import LOOPBACK
from slipway.platforms.local.runtime import Runtime
from slipway.support.files import free_bytes
from slipway.support.machine import can_listen, port_owner

LEAST_FREE = 200 * 1000 * 1000


class NoSpaceError(InputError):
    """Too little disk space to begin with."""

    code = "no-space"


def precheck(runtime: Runtime, app: App, observed: Observed) -> None:
    """Raises PortTakenError, NoSpaceError, RefusedError."""
    _check_ports(app, {*observed.listens, *manage.orphaned_ports(runtime)})
    for folder in (runtime.context.home, runtime.context.cache):
        free = free_bytes(folder)
        if free < LEAST_FREE:
            raise NoSpaceError(
                f"too little disk space: {free // 1_000_000} MB are free at {folder}, "
                f"{LEAST_FREE // 1_000_000} MB are needed to begin",
                hint="free some space, or point DEPLOY_HOME and DEPLOY_CACHE elsewhere",
            )


def _check_ports(app: App, ours: Iterable[int]) -> None:
    held = set(ours)
    for route in app.routes:
        if route.listen is None or route.listen in held:
            continue
        address = route.address or LOOPBACK
        if can_listen(route.listen, address):
            continue
        raise _taken(app, route, route.listen, address)


def _taken(app: App, route: Route, port: int, address: str) -> InputError:
    origin = app.services[route.service].origin if route.service in app.services else None
    location = Location(origin.file, origin.line) if origin is not None else None
    hint = (
        f"stop it, or choose another port: environments.{app.environment.name}.ports in "
        f"deploy.yaml, such as {{{route.service}: {port + 1000}}}"
    )
    owner = port_owner(port, address)
    if owner is None and port < 1024:
        return RefusedError(
            f"{route.service} publishes port {port}, which needs root on this machine",
            location=location,
            hint=hint.removeprefix("stop it, or "),
        )
    return PortTakenError(
        f"port {port}, which {route.service} publishes, is taken by {owner or 'another program'}",
        location=location,
        hint=hint,
    )
