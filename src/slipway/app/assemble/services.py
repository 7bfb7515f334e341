"""One canonical Compose service and what deploy.yaml says of it, as a Service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, cast

import msgspec

from slipway.app.assemble.healthcheck import healthcheck_deadline, probe_of
from slipway.app.assemble.mounts import mounts_of
from slipway.app.assemble.roles import backing_of, role_of
from slipway.app.config.model import ServiceSettings
from slipway.app.config.values import make_probe
from slipway.app.model import (
    Build,
    Dependency,
    FileMount,
    Origin,
    Port,
    Resources,
    RestartPolicy,
    Role,
    Service,
)
from slipway.app.units import seconds, size
from slipway.support.health.model import Probe, Probes, Progress

DEFAULT_DEADLINE = 120.0
_POLICIES: Mapping[str, RestartPolicy] = {
    "none": "no",
    "on-failure": "on-failure",
    "any": "unless-stopped",
}


class Part(NamedTuple):
    """All that one Service is made of. `spec` has placeholders already, `publish` is the
    public port that the environment gives it, `said` the port that others name it with.
    """

    name: str
    spec: Mapping[str, Any]
    settings: ServiceSettings
    files: tuple[FileMount, ...]
    references: tuple[str, ...]
    completed: frozenset[str]
    publish: int | None
    said: int | None
    known: frozenset[str]
    origin: Origin | None


def make_service(part: Part) -> Service:
    """The Service. Everything was checked before; raises nothing."""
    spec, settings = part.spec, part.settings
    role = settings.role or role_of(part.name, spec, part.completed)
    ports, expose = _ports(part)
    restart, restart_max = _restart(spec, role)
    return Service(
        name=part.name,
        role=role,
        image=spec.get("image"),
        build=_build(spec.get("build")),
        command=_words(spec.get("command")),
        entrypoint=_words(spec.get("entrypoint")),
        environment=_environment(spec),
        depends_on=_dependencies(spec, part.known),
        references=part.references,
        probes=_probes(part, role, ports, expose),
        ports=ports,
        expose=expose,
        mounts=mounts_of(spec),
        files=part.files,
        replicas=_replicas(spec, settings),
        restart=restart,
        restart_max=restart_max,
        stop_signal=spec.get("stop_signal") or "SIGTERM",
        stop_grace=seconds(spec.get("stop_grace_period", 10.0)),
        user=None if spec.get("user") is None else str(spec["user"]),
        working_dir=spec.get("working_dir"),
        resources=_resources(spec),
        overrides=settings.overrides,
        spec={key: value for key, value in spec.items() if key != "x-deploy"},
        origin=part.origin,
    )


def _words(value: Any) -> tuple[str, ...] | None:
    return None if value is None else tuple(str(word) for word in value)


def _build(raw: Mapping[str, Any] | None) -> Build | None:
    if not raw:
        return None
    args = raw.get("args") or {}
    return Build(
        context=raw.get("context", "."),
        dockerfile=raw.get("dockerfile", "Dockerfile"),
        dockerfile_inline=raw.get("dockerfile_inline"),
        target=raw.get("target"),
        args={key: str(value) for key, value in args.items() if value is not None},
    )


def _environment(spec: Mapping[str, Any]) -> dict[str, str]:
    """A variable without a value is not passed on, as in Compose."""
    return {
        key: str(value)
        for key, value in (spec.get("environment") or {}).items()
        if value is not None
    }


def _dependencies(spec: Mapping[str, Any], known: frozenset[str]) -> tuple[Dependency, ...]:
    """Those on services that a profile leaves out are left out too."""
    return tuple(
        Dependency(
            service=name,
            condition=each.get("condition", "service_started"),
            required=each.get("required", True),
        )
        for name, each in (spec.get("depends_on") or {}).items()
        if name in known
    )


def _ports(part: Part) -> tuple[tuple[Port, ...], tuple[int, ...]]:
    ports = [_port(raw) for raw in part.spec.get("ports") or ()]
    expose = [
        int(str(raw).partition("/")[0].partition("-")[0]) for raw in part.spec.get("expose") or ()
    ]
    own = part.settings.port
    if own is not None and own not in (*(port.target for port in ports), *expose):
        expose.insert(0, own)
    if not ports and not expose and part.said is not None:
        expose = [part.said]
    if part.publish is not None:
        _publish(ports, expose, part)
    return tuple(ports), tuple(dict.fromkeys(expose))


def _publish(ports: list[Port], expose: list[int], part: Part) -> None:
    """Give the first published tcp port another public number, or publish the first there is."""
    for index, port in enumerate(ports):
        if port.protocol == "tcp":
            ports[index] = Port(target=port.target, published=part.publish, host_ip=port.host_ip)
            return
    known = backing_of(part.spec)
    target = expose[0] if expose else known.port if known else part.publish
    if target is not None:
        ports.insert(0, Port(target=target, published=part.publish))


def _port(raw: Mapping[str, Any]) -> Port:
    published = str(raw.get("published") or "").partition("-")[0]
    return Port(
        target=int(raw["target"]),
        published=int(published) if published and published != "0" else None,
        host_ip=raw.get("host_ip") or None,
        protocol="udp" if raw.get("protocol") == "udp" else "tcp",
    )


def first_port(
    spec: Mapping[str, Any],
    settings_port: int | None,
    ports: tuple[Port, ...],
    expose: tuple[int, ...],
) -> int | None:
    """The port that a service is asked on: told, published, exposed, or its image's own."""
    if settings_port is not None:
        return settings_port
    for port in ports:
        if port.protocol == "tcp":
            return port.target
    if expose:
        return expose[0]
    known = backing_of(spec)
    return known.port if known else None


def _probes(part: Part, role: Role, ports: tuple[Port, ...], expose: tuple[int, ...]) -> Probes:
    settings = part.settings
    port = first_port(part.spec, settings.port, ports, expose)
    names = frozenset({part.name, str(part.spec.get("hostname") or part.name)})
    checked = probe_of(part.spec, names)
    default = None if role == "job" else checked or _default_probe(part.spec, port)
    readiness = _told(settings.readiness, default, port)
    deadline = settings.deadline
    if deadline is None:
        deadline = healthcheck_deadline(readiness if checked else None, DEFAULT_DEADLINE)
    told = settings.readiness is not None or checked is not None
    return Probes(
        assumed=not told and readiness is not None and readiness.kind == "tcp",
        readiness=readiness,
        liveness=_told(settings.liveness, None, port),
        progress=_progress(settings.progress, port),
        deadline=deadline,
    )


def _progress(told: Progress | None, port: int | None) -> Progress | None:
    if told is None or told.path is None or told.port is not None:
        return told
    return msgspec.structs.replace(told, port=port)


def _default_probe(spec: Mapping[str, Any], port: int | None) -> Probe | None:
    """A server is asked in its own words, anything else by its first port."""
    if port is None:
        return None
    known = backing_of(spec)
    return Probe(kind=known.probe if known else "tcp", port=port)


def _told(
    told: Mapping[str, Any] | Literal[False] | None, default: Probe | None, port: int | None
) -> Probe | None:
    if told is None:
        return default
    return None if told is False else make_probe(told, default, port)


def _replicas(spec: Mapping[str, Any], settings: ServiceSettings) -> int:
    if settings.replicas is not None:
        return settings.replicas
    told = (spec.get("deploy") or {}).get("replicas")
    return int(spec.get("scale", 1) if told is None else told)


def _restart(spec: Mapping[str, Any], role: Role) -> tuple[RestartPolicy, int | None]:
    policy = (spec.get("deploy") or {}).get("restart_policy") or {}
    if policy.get("condition") in _POLICIES:
        return _POLICIES[policy["condition"]], policy.get("max_attempts")
    told, _, most = str(spec.get("restart") or "").partition(":")
    if told:
        return cast(RestartPolicy, told), int(most) if most else None
    return ("no" if role == "job" else "unless-stopped"), None


def _resources(spec: Mapping[str, Any]) -> Resources:
    limits = ((spec.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    cpus = limits.get("cpus") or spec.get("cpus")
    memory = limits.get("memory") or spec.get("mem_limit")
    return Resources(cpus=float(cpus) if cpus else None, memory=size(memory) if memory else None)
