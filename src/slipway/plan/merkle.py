"""The Merkle hash that decides reuse: a service is shared by the next revision exactly when
nothing that decides its behaviour changed, in itself or in any non-backing service it reaches.

Pure; called by `plan.desired`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from slipway.app.model import Service
from slipway.plan.release import Artifact
from slipway.support.secrets.placeholder import names_in

KEY_LENGTH = 16

# Compose keys that change how a service is reached, watched or multiplied, not what it is.
_NOT_BEHAVIOUR = frozenset(
    {"build", "ports", "healthcheck", "depends_on", "environment", "scale", "profiles", "labels"}
)


def _digest(value: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()


def _spec(service: Service) -> dict[str, Any]:
    spec = {k: v for k, v in service.spec.items() if k not in _NOT_BEHAVIOUR}
    deploy = spec.get("deploy")
    if isinstance(deploy, Mapping):
        spec["deploy"] = {k: v for k, v in deploy.items() if k == "resources"}
    return spec


def secrets_of(service: Service) -> tuple[str, ...]:
    """Names of the secrets that a service's configuration stands on, sorted."""
    text = msgspec.json.encode([service.environment, service.command, service.entrypoint])
    names = set(names_in(text.decode()))
    names.update(f.secret for f in service.files if f.secret is not None)
    for override in service.overrides.values():
        names.update(names_in(msgspec.json.encode(override).decode()))
    return tuple(sorted(names))


def local_hash(
    service: Service,
    *,
    directory: str,
    artifact: Artifact | None,
    secrets: Mapping[str, int],
    label: str,
    contents: Mapping[str, str],
) -> str:
    """What this service is by itself.

    `directory` is the project's folder: paths below it count by their place in it, so that a
    release made from a clean worktree equals one made from the working tree. `contents` maps
    files that are mounted into the service to a digest of their bytes.
    """
    described = {
        "name": service.name,
        "image": service.image,
        "artifact": artifact.id if artifact else None,
        "command": service.command,
        "entrypoint": service.entrypoint,
        "environment": service.environment,
        "mounts": service.mounts,
        "files": service.files,
        "contents": {f.file: contents.get(f.file, "") for f in service.files if f.file},
        "user": service.user,
        "working_dir": service.working_dir,
        "resources": service.resources,
        "overrides": service.overrides,
        "stop": [service.stop_signal, service.stop_grace],
        "spec": _spec(service),
        "secrets": {name: secrets.get(name) for name in secrets_of(service)},
        "label": label if _reads_label(service, artifact) else None,
    }
    text = msgspec.json.encode(described, order="deterministic").decode()
    return hashlib.sha256(text.replace(directory, ".").encode()).hexdigest()


def _reads_label(service: Service, artifact: Artifact | None) -> bool:
    if artifact and "DEPLOY_VERSION" in artifact.reads:
        return True
    configured = msgspec.json.encode([service.environment, service.command]).decode()
    return "DEPLOY_VERSION" in configured


def reached(services: Mapping[str, Service], start: str) -> set[str]:
    """Every non-backing service that `start` depends on or names, itself left out."""
    found: set[str] = set()
    open_names = [start]
    while open_names:
        service = services[open_names.pop()]
        for name in _neighbours(service):
            target = services.get(name)
            if target is not None and target.role != "backing" and name not in found:
                found.add(name)
                open_names.append(name)
    return found - {start}


def _neighbours(service: Service) -> Iterable[str]:
    yield from (d.service for d in service.depends_on)
    yield from service.references


def service_keys(
    services: Mapping[str, Service], local_hashes: Mapping[str, str]
) -> dict[str, str]:
    """Key by service: its own hash and those of all it reaches. Cycles of names are fine.

    Backing services have the key "".
    """
    keys: dict[str, str] = {}
    for name, service in services.items():
        if service.role == "backing":
            keys[name] = ""
            continue
        below = {other: local_hashes[other] for other in sorted(reached(services, name))}
        keys[name] = _digest([local_hashes[name], below])[:KEY_LENGTH]
    return keys


def fingerprint(service: Service, local: str) -> str:
    """What a backing service was started with; empty for others."""
    return local[:KEY_LENGTH] if service.role == "backing" else ""
