"""What a service is for, as its Compose definition tells (deploy.yaml may say otherwise)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from slipway.app.known.images import Known, known_image, only_a_client
from slipway.app.model import Role


def completed_targets(services: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Services that another one waits for until they have ended well."""
    return frozenset(
        name
        for spec in services
        for name, dependency in (spec.get("depends_on") or {}).items()
        if dependency.get("condition") == "service_completed_successfully"
    )


def role_of(name: str, spec: Mapping[str, Any], completed: frozenset[str]) -> Role:
    """`job` if something waits for its end, else by image, published port and restart policy."""
    if name in completed:
        return "job"
    if backing_of(spec) is not None:
        return "backing"
    if spec.get("ports"):
        return "web"
    policy = (spec.get("deploy") or {}).get("restart_policy") or {}
    once = spec.get("restart") == "no" or policy.get("condition") == "none"
    return "job" if once else "worker"


def backing_of(spec: Mapping[str, Any]) -> Known | None:
    """The database, cache or broker that a service runs; None if it is only a client of one."""
    known = known_image(spec.get("image"))
    if known is None:
        return None
    command = [*(spec.get("entrypoint") or ()), *(spec.get("command") or ())]
    return None if only_a_client(known, map(str, command)) else known
