"""The ways in: every published port of a web or backing service, unless deploy.yaml says more."""

from __future__ import annotations

from collections.abc import Mapping

from slipway.app.config.model import DeployConfig, RouteSettings, Settings
from slipway.app.config.validate import wrong
from slipway.app.model import Port, Route, Service

_NOT_HTTP = frozenset(
    {21, 22, 25, 53, 110, 143, 443, 465, 587, 993, 995, 1025, 1883, 3306, 5432, 5672, 6379}
    | {8443, 9092, 11211, 27017}
)


def routes_of(
    services: Mapping[str, Service], settings: Settings, config: DeployConfig
) -> tuple[Route, ...]:
    """All routes, those of Compose first. Raises ConfigError for two that are the same."""
    told = {route.service for route in settings.routes}
    routes = [
        route
        for service in services.values()
        if service.name not in told
        for route in _published(service)
    ]
    routes += [
        _told(given, services[given.service], config)
        for given in settings.routes
        if given.service in services
    ]
    _check_distinct(routes, settings, config)
    return tuple(routes)


def _published(service: Service) -> list[Route]:
    if service.role not in ("web", "backing"):
        return []
    tcp = [port for port in service.ports if port.protocol == "tcp"]
    if not tcp and service.role == "web" and service.expose:
        return [Route(service=service.name, port=service.expose[0])]
    return [_route(service, port) for port in tcp]


def _route(service: Service, port: Port) -> Route:
    http = service.role == "web" and port.target not in _NOT_HTTP
    return Route(
        service=service.name,
        port=port.target,
        listen=port.published,
        address=port.host_ip,
        protocol="http" if http else "tcp",
    )


def _told(given: RouteSettings, service: Service, config: DeployConfig) -> Route:
    ports = [port for port in service.ports if port.protocol == "tcp"]
    wanted = given.port or (ports[0].target if ports else next(iter(service.expose), None))
    if wanted is None:
        raise wrong(
            f'"{given.service}" has no port in the Compose file',
            given.where,
            config.locations,
            hint="say which one with `port:`",
        )
    matching = next((port for port in ports if port.target == wanted), None)
    return Route(
        service=given.service,
        port=wanted,
        listen=given.listen or (matching.published if matching else None),
        address=given.address or (matching.host_ip if matching else None),
        host=given.host,
        path=given.path,
        protocol=given.protocol,
    )


def _check_distinct(routes: list[Route], settings: Settings, config: DeployConfig) -> None:
    """Two routes cannot answer the same requests."""
    seen: dict[tuple[object, ...], Route] = {}
    for route in routes:
        if route.listen is None:
            continue
        key = (route.listen, route.address, route.host, route.path)
        other = seen.setdefault(key, route)
        if other is route:
            continue
        where = next((each.where for each in settings.routes if each.service == route.service), "")
        raise wrong(
            f"{other.service} and {route.service} both listen on port {route.listen}"
            + (f" for {route.host}{route.path}" if route.host else ""),
            where or "routes",
            config.locations,
            hint="give one of them another port, `host:` or `path:`",
        )
