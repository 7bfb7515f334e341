"""A release's routes, resolved to ports of the proxy and addresses of instances. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from slipway.app.model import Route
from slipway.plan.release import Release
from slipway.platforms.local.launchfile import LaunchFile
from slipway.platforms.local.proxy.state import Check, Listen, Target

LOOPBACK = "127.0.0.1"


def target_name(release: Release, route: Route) -> str:
    """The weighted service's name: the service's, with its port where it has several routes."""
    same = [r for r in release.routes if r.service == route.service]
    plain = len({(r.port, r.host, r.path, r.listen) for r in same}) <= 1
    name = route.service if plain else f"{route.service}-{route.port}"
    if not plain and len([r for r in same if r.port == route.port]) > 1:
        name += f"-{same.index(route)}"
    return name.replace("/", "-").replace("@", "-")


def listen_of(release: Release, route: Route, chosen: Mapping[str, int]) -> Listen:
    """Where the proxy listens for a route; on this machine alone unless Compose says else."""
    port = route.listen if route.listen is not None else chosen[target_name(release, route)]
    return Listen(port=port, address=route.address or LOOPBACK, protocol=route.protocol)


def choose(
    release: Release, known: Mapping[str, int], taken: set[int], is_free: Callable[[int], bool]
) -> dict[str, int]:
    """Ports for the routes that name none: the container's own if it is free, else above it."""
    chosen = dict(known)
    used = taken | {r.listen for r in release.routes if r.listen is not None}
    for route in release.routes:
        name = target_name(release, route)
        if route.listen is not None or name in chosen:
            continue
        start = route.port if route.port >= 1024 else 8000 + route.port % 1000
        port = next(
            p for p in range(start, 65535) if p not in used | {*chosen.values()} and is_free(p)
        )
        chosen[name] = port
    return chosen


def targets_of(
    release: Release,
    chosen: Mapping[str, int],
    running: Callable[[str, str], list[LaunchFile]],
    real_port: Callable[[LaunchFile, int], int],
) -> tuple[Target, ...]:
    """One target for each route. `running` gives a set's launch files, `real_port` where an
    instance's container port is.
    """
    result = []
    for route in release.routes:
        entry = release.services[route.service]
        found = running(route.service, entry.key)
        servers = tuple(f"{i.address}:{real_port(i, route.port)}" for i in found)
        check = _check(release, route, found[0], real_port) if found else None
        result.append(
            Target(
                name=target_name(release, route),
                service=route.service,
                key=entry.key,
                listen=listen_of(release, route, chosen),
                servers=servers,
                host=route.host,
                path=route.path,
                check=check if route.protocol == "http" else None,
            )
        )
    return tuple(result)


def urls_of(targets: tuple[Target, ...]) -> dict[str, str]:
    """Public addresses by service: the first route's."""
    urls: dict[str, str] = {}
    for target in targets:
        listen = target.listen
        host = target.host or _reachable(listen.address)
        if listen.protocol == "tcp":
            urls.setdefault(target.service, f"tcp://{host}:{listen.port}")
        else:
            path = "" if target.path == "/" else target.path
            port = "" if listen.port == 80 else f":{listen.port}"
            urls.setdefault(target.service, f"http://{host}{port}{path}")
    return urls


def _check(
    release: Release,
    route: Route,
    instance: LaunchFile,
    real_port: Callable[[LaunchFile, int], int],
) -> Check | None:
    """The readiness probe, where the proxy can ask it.

    In shared mode instances differ in their ports, so only the route's own port is asked.
    """
    probe = release.services[route.service].service.probes.readiness
    if probe is None or probe.kind != "http":
        return None
    port = probe.port if probe.port is not None else route.port
    same = port == route.port
    exact = [s for s in probe.status if isinstance(s, int)]
    return Check(
        path=probe.path,
        port=None if same else real_port(instance, port),
        scheme=probe.scheme,
        status=exact[0] if len(exact) == 1 and len(probe.status) == 1 else None,
        headers=probe.headers,
    )


def _reachable(address: str) -> str:
    if address in ("0.0.0.0", "::", ""):
        return "localhost"
    return f"[{address}]" if ":" in address else address
