"""Traefik's configuration from a ProxyState: pure functions that make plain data.

The values that look arbitrary were measured under load: a throttle of 20 ms, generous
active checks together with passive ones, retries by status for GET and HEAD alone. The files
are JSON, which YAML includes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from slipway.platforms.local.proxy.state import Check, Listen, ProxyState, Sharing, Target

Json = dict[str, Any]
IDLE = "250ms"
"""How long a connection to an instance is kept without a request: what is open for longer is a
request in flight, so that a drain knows when the last one has ended."""
_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
_RETRY = {"attempts": 4, "initialInterval": "5ms"}
_RETRY_SAFE = {**_RETRY, "status": ["502-504"], "maxRequestBodyBytes": 1024}
_MIDDLEWARES = {"retry": {"retry": _RETRY}, "retry-safe": {"retry": _RETRY_SAFE}}
_PASSIVE = {"failureWindow": "3s", "maxFailedAttempts": 1}


def static(listens: Iterable[Listen], api: tuple[str, int], dynamic: Path) -> Json:
    """The part that needs a restart: listen ports, and where the rest is read from."""
    points: Json = {listen.name: {"address": _host_port(listen)} for listen in listens}
    points["traefik"] = {"address": f"{api[0]}:{api[1]}"}
    return {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "entryPoints": points,
        "api": {"insecure": True, "dashboard": False},
        "log": {"level": "WARN"},
        "serversTransport": {"forwardingTimeouts": {"idleConnTimeout": IDLE}},
        "providers": {
            "providersThrottleDuration": "20ms",
            "file": {"directory": str(dynamic), "watch": True},
        },
        "metrics": {
            "prometheus": {
                "addServicesLabels": True,
                "addEntryPointsLabels": False,
                "buckets": _BUCKETS,
            }
        },
    }


def dynamic(state: ProxyState) -> Json:
    """Routers and services for every release that has a weight."""
    serving = {n: w for n, w in state.weights.items() if w > 0 and n in state.releases}
    http: dict[str, list[tuple[str, int, Target]]] = {}
    tcp: dict[str, list[tuple[str, int, Target]]] = {}
    for number, weight in serving.items():
        for target in state.releases[number]:
            group = http if target.listen.protocol == "http" else tcp
            group.setdefault(target.name, []).append((number, weight, target))
    result: Json = {}
    if http:
        result["http"] = _http(http, state.sharing if len(serving) > 1 else None)
    if tcp:
        result["tcp"] = _tcp(tcp)
    return result


def release_of(service: str) -> str | None:
    """The release's number in the name of a Traefik service ("web-r12" -> "12")."""
    number = service.removesuffix("@file").rpartition("-r")[2]
    return number if number.isdigit() else None


def _http(groups: Mapping[str, list[tuple[str, int, Target]]], sharing: Sharing | None) -> Json:
    routers: Json = {}
    services: Json = {}
    for name, shares in groups.items():
        routers.update(_routers(name, shares[-1][2]))
        children = [{"name": f"{name}-r{number}", "weight": w} for number, w, _ in shares]
        weighted: Json = {"services": children}
        if all(target.check for _, _, target in shares):
            weighted["healthCheck"] = {}
        if sharing is not None:
            _share(name, shares, sharing, weighted, routers)
        services[name] = {"weighted": weighted}
        for number, _, target in shares:
            services[f"{name}-r{number}"] = {"loadBalancer": _balancer(target)}
    return {"routers": routers, "middlewares": _MIDDLEWARES, "services": services}


def _share(
    name: str,
    shares: list[tuple[str, int, Target]],
    sharing: Sharing,
    weighted: Json,
    routers: Json,
) -> None:
    """Stickiness, and a router of its own for those who ask for the new revision."""
    if sharing.sticky:
        weighted["sticky"] = {"cookie": {"name": f"slipway-{name}", "httpOnly": True}}
    chosen = [target for number, _, target in shares if number == sharing.release]
    rule = _selection(sharing)
    if not rule or not chosen:
        return
    for key, router in _routers(name, chosen[0]).items():
        routers[f"{key}-select"] = {
            **router,
            "rule": f"({rule}) && ({router['rule']})",
            "priority": router["priority"] + 100_000,
            "service": f"{name}-r{sharing.release}",
        }


def _selection(sharing: Sharing) -> str:
    """Traefik's rule for the header or the cookie that selects the new revision."""
    rules = []
    if sharing.header:
        header, _, value = sharing.header.partition("=")
        any_value = f"HeaderRegexp(`{header}`, `.`)"
        rules.append(f"Header(`{header}`, `{value}`)" if value else any_value)
    if sharing.cookie:
        pair = re.escape(sharing.cookie)
        rules.append(f"HeaderRegexp(`Cookie`, `(^|; *){pair}(;|$)`)")
    return " || ".join(rules)


def _routers(name: str, target: Target) -> Json:
    """Two for each route: what is safe to repeat is repeated on a bad answer as well."""
    rule = f"PathPrefix(`{target.path}`)"
    priority = 10 + 10 * len(target.path)
    if target.host:
        rule = f"Host(`{target.host}`) && {rule}"
        priority += 10000
    common = {"entryPoints": [target.listen.name], "service": name}
    safe = f"(Method(`GET`) || Method(`HEAD`)) && {rule}"
    return {
        name: {**common, "rule": rule, "priority": priority, "middlewares": ["retry"]},
        f"{name}-safe": {
            **common,
            "rule": safe,
            "priority": priority + 5,
            "middlewares": ["retry-safe"],
        },
    }


def _balancer(target: Target) -> Json:
    """Passive checks without active ones would take the only server out for seconds."""
    balancer: Json = {"servers": [{"url": f"http://{server}"} for server in target.servers]}
    if target.check is not None:
        balancer["healthCheck"] = _check(target.check)
    if target.check is not None or len(target.servers) > 1:
        balancer["passiveHealthCheck"] = _PASSIVE
    return balancer


def _check(check: Check) -> Json:
    data: Json = {"path": check.path, "interval": "1s", "timeout": "5s"}
    if check.port is not None:
        data["port"] = check.port
    headers = {k: v for k, v in check.headers.items() if k.lower() != "host"}
    data["hostname"] = next(
        (v for k, v in check.headers.items() if k.lower() == "host"), "localhost"
    )
    if headers:
        data["headers"] = headers
    if check.scheme != "http":
        data["scheme"] = check.scheme
    if check.status is not None:
        data["status"] = check.status
    return data


def _tcp(groups: Mapping[str, list[tuple[str, int, Target]]]) -> Json:
    routers: Json = {}
    services: Json = {}
    for name, shares in groups.items():
        routers[name] = {
            "entryPoints": [shares[-1][2].listen.name],
            "rule": "HostSNI(`*`)",
            "service": name,
        }
        children = [{"name": f"{name}-r{number}", "weight": w} for number, w, _ in shares]
        services[name] = {"weighted": {"services": children}}
        for number, _, target in shares:
            servers = [{"address": server} for server in target.servers]
            services[f"{name}-r{number}"] = {"loadBalancer": {"servers": servers}}
    return {"routers": routers, "services": services}


def _host_port(listen: Listen) -> str:
    host = f"[{listen.address}]" if ":" in listen.address else listen.address
    return f"{host}:{listen.port}"
