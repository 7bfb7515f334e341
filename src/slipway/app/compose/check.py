"""What no schema can see: names that nothing declares, circles, settings that exclude others."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from slipway.app.compose.finish import file_mounts, mounted_volumes
from slipway.app.compose.node import Node
from slipway.errors import ConfigError

_WORDS = {"networks": "network", "volumes": "volume", "secrets": "secret", "configs": "config"}
_SAME = (
    ("scale", ("replicas",)),
    ("cpus", ("resources", "limits", "cpus")),
    ("mem_limit", ("resources", "limits", "memory")),
    ("mem_reservation", ("resources", "reservations", "memory")),
    ("pids_limit", ("resources", "limits", "pids")),
)


def check_model(services: Node, disabled: Mapping[str, Node], resources: Node) -> None:
    """Nothing if the finished `services` fit together; else ConfigError at the first problem."""
    for name, service in services.items().items():
        _check_source(name, service)
        _check_dependencies(name, service, services, disabled)
        _check_resources(name, service, resources)
        _check_exclusive(name, service)
    _check_cycles(services)


def _check_source(name: str, service: Node) -> None:
    if service.scalar("image") is None and service.get("build") is None:
        raise service.error(
            f"services.{name} has neither `image` nor `build`", "add the one it should run"
        )


def _check_dependencies(
    name: str, service: Node, services: Node, disabled: Mapping[str, Node]
) -> None:
    listed = service.get("depends_on")
    for target, node in listed.items().items() if listed is not None else ():
        if services.get(target) is not None:
            continue
        if target in disabled:
            profiles = disabled[target].get("profiles")
            own = ", ".join(str(p.value) for p in profiles.elements()) if profiles else ""
            raise node.error(
                f"services.{name} depends on `{target}`, which is left out by its profiles ({own})",
                f"enable one of them, or give services.{name} the same `profiles`",
            )
        known = [*services.items(), *disabled]
        raise _undefined(node, f"services.{name} depends on the service", target, known, "services")


def _undefined(node: Node, what: str, name: str, known: Iterable[str], kind: str) -> ConfigError:
    close = difflib.get_close_matches(name, list(known), 1, 0.6)
    hint = f"did you mean `{close[0]}`?" if close else f"declare it under `{kind}:`"
    return node.error(f"{what} `{name}`, which is not defined", hint)


def _check_resources(name: str, service: Node, resources: Node) -> None:
    used: list[tuple[str, Node, str]] = []
    networks = service.get("networks")
    for network, node in networks.items().items() if networks is not None else ():
        used.append(("networks", node, network))
    used += [("volumes", node, volume) for node, volume in mounted_volumes(service)]
    for kind in ("secrets", "configs"):
        used += [(kind, node, source) for node, source in file_mounts(service, kind)]
    for kind, node, target in used:
        declared = resources.get(kind)
        known = declared.items() if declared is not None else {}
        if target not in known and (kind, target) != ("networks", "default"):
            what = f"services.{name} uses the {_WORDS[kind]}"
            raise _undefined(node, what, target, known, kind)


def _check_exclusive(name: str, service: Node) -> None:
    networks = service.get("networks")
    if service.scalar("network_mode") and networks is not None:
        raise networks.error(
            f"services.{name} has both `network_mode` and `networks`", "keep one of them"
        )
    for key, path in _SAME:
        short = service.get(key)
        long = service.get("deploy")
        for step in path:
            long = long.get(step) if long is not None else None
        if short is not None and long is not None and short.value != long.value:
            raise short.error(
                f"services.{name} says `{key}: {short.value}`, and "
                f"`deploy.{'.'.join(path)}: {long.value}`",
                "keep one of them",
            )


def _check_cycles(services: Node) -> None:
    graph = {}
    for name, service in services.items().items():
        listed = service.get("depends_on")
        graph[name] = list(listed.items()) if listed is not None else []
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as problem:
        circle = _from_first(list(reversed(problem.args[1])), list(graph))
        listed = services.items()[circle[0]].get("depends_on")
        node = listed.get(circle[1]) if listed is not None else None
        raise (node or services).error(
            f"services depend on each other in a circle: {' -> '.join(circle)}",
            "take one of these `depends_on` out",
        ) from None


def _from_first(circle: list[str], order: list[str]) -> list[str]:
    """The same circle, starting with the service that the file names first."""
    ring = circle[:-1]
    start = min(range(len(ring)), key=lambda i: order.index(ring[i]))
    turned = ring[start:] + ring[:start]
    return [*turned, turned[0]]
