"""Which names a release's services know, and where each of them is.

Names resolve to instances of the same release (by key, so that a reused service is found),
backing services by their name. Allocates what is not allocated yet: addresses are known
before anything is started, so the order of starting does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from slipway.app.model import Service
from slipway.plan.release import Release, ReleaseService
from slipway.platforms.local.network.addresses import AddressBook, Allocation

KEY_LENGTH = 8
_KNOWN_PORTS = {"postgres": 5432, "redis": 6379}


def instance_name(service: str, key: str, index: int) -> str:
    """The name of one instance: also its folder's, its program's and its log's."""
    return f"{service}-{key[:KEY_LENGTH]}-{index}" if key else backing_name(service)


def backing_name(service: str) -> str:
    return f"backing.{service}"


def container_ports(release: Release, entry: ReleaseService, kind: str | None = None) -> list[int]:
    """Every port of a service that its neighbours, routes or probes may speak of."""
    service = entry.service
    found = {port.target for port in service.ports if port.protocol == "tcp"}
    found |= set(service.expose)
    found |= {route.port for route in release.routes if route.service == service.name}
    probes = (service.probes.readiness, service.probes.liveness, service.probes.progress)
    found |= {probe.port for probe in probes if probe is not None and probe.port is not None}
    if kind in _KNOWN_PORTS:
        found.add(_KNOWN_PORTS[kind])
    if not found:
        found |= _mentioned(release, service)
    return sorted(found)


def first_port(service: Service, ports: Iterable[int]) -> int | None:
    """The port that stands for the service: its first published one, else its first."""
    published = [port.target for port in service.ports if port.protocol == "tcp"]
    return next(iter([*published, *service.expose, *ports]), None)


def allocate(
    release: Release, book: AddressBook, kinds: Mapping[str, str]
) -> dict[str, Allocation]:
    """Each service's first instance's allocation. `kinds`: backing service -> "postgres", ..."""
    found = {}
    for name, entry in release.services.items():
        if entry.service.role == "job":
            continue
        ports = container_ports(release, entry, kinds.get(name))
        found[name] = book.allocate(instance_name(name, entry.key, 0), ports)
    return found


def names(release: Release, allocations: Mapping[str, Allocation]) -> dict[str, Allocation]:
    """Every name that may occur in the release's configuration -> where it is."""
    result: dict[str, Allocation] = {}
    for name, entry in release.services.items():
        if name in allocations:
            for alias in aliases(entry.service):
                result.setdefault(alias, allocations[name])
    result.update(allocations)
    return result


def aliases(service: Service) -> list[str]:
    """Other names of a service in Compose: `container_name`, `hostname`, network aliases."""
    spec = service.spec
    found = [spec.get("container_name"), spec.get("hostname")]
    networks = spec.get("networks")
    if isinstance(networks, Mapping):
        for network in networks.values():
            found += (network or {}).get("aliases") or []
    return [str(alias) for alias in found if alias]


def linked(service: Service, known: Mapping[str, Allocation]) -> dict[str, Allocation]:
    """`links: [db:database]`: names that only this service knows."""
    links: Any = service.spec.get("links") or ()
    pairs = [str(link).partition(":") for link in links]
    return {alias: known[name] for name, _, alias in pairs if alias and name in known}


def _mentioned(release: Release, service: Service) -> set[int]:
    """Ports in `name:port` of the neighbours' environments and commands."""
    pattern = re.compile(rf"(?<![\w.\-]){re.escape(service.name)}:(\d{{2,5}})(?![\w.])")
    texts = [
        text
        for entry in release.services.values()
        for text in (*entry.service.environment.values(), *(entry.service.command or ()))
    ]
    return {int(number) for text in texts for number in pattern.findall(text)}
