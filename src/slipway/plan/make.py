"""Situation -> Plan: the strategy's steps, the changes as a diff, and a fingerprint.

The verbs in `engine` call `rollout_plan` and `cleanup_plan`. Pure: no I/O.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from slipway.plan.changes import rollout_changes
from slipway.plan.graph import start_order
from slipway.plan.model import Change, Plan, Step
from slipway.plan.observed import Observed
from slipway.plan.release import Release
from slipway.plan.rollout import blue_green, canary, mending, rolling
from slipway.plan.rollout.situation import Situation

# Steps that look but do not change anything; a plan of only these has nothing to do.
_PASSIVE = frozenset({"ready", "smoke", "verify"})


class Request(Situation, frozen=True, kw_only=True):
    """A Situation with the verb that asked, and what the platform can do.

    `direct`: whatever the release's strategy, take the shortest way to it (a rollback).
    """

    verb: str
    direct: bool = False
    weights_supported: bool = True


def situation_order(release: Release) -> tuple[str, ...]:
    """A start order of a release's services; ConfigError names a cycle."""
    return start_order({name: entry.service for name, entry in release.services.items()})


def rollout_plan(request: Request) -> Plan:
    """The plan of install, upgrade, rollback and start.

    Raises RefusedError for a strategy that the platform, or the app, cannot have.
    """
    release = request.release
    steps = _strategy(request)
    if not any(step.kind not in _PASSIVE for step in steps):
        steps = []
    return Plan(
        verb=request.verb,
        app=release.app,
        environment=release.environment,
        platform=release.platform,
        release=release,
        base=request.base.number if request.base else None,
        new_release=request.new_release and bool(steps),
        changes=rollout_changes(request, steps),
        steps=tuple(steps),
        notes=_notes(release, steps),
        fingerprint=fingerprint(release, request.observed, steps),
    )


def _strategy(request: Request) -> list[Step]:
    """The steps of the strategy that the release asks for; a repair has its own."""
    if request.verb == "reconcile":
        return mending.steps(request)
    strategy = request.release.rollout.strategy
    if request.direct and strategy in ("canary", "rolling"):
        strategy = "blue-green"
    match strategy:
        case "blue-green":
            return blue_green.steps(request)
        case "recreate":
            return blue_green.recreate(request)
        case "canary":
            canary.check(request, weights_supported=request.weights_supported)
            return canary.steps(request)
        case "rolling":
            return rolling.steps(request)


def _notes(release: Release, steps: Iterable[Step]) -> tuple[str, ...]:
    built = {s.service for s in steps if s.kind in ("build", "backing")}
    found = [
        f"{name}: {note}"
        for name, entry in release.services.items()
        if name in built and entry.artifact is not None
        for note in entry.artifact.notes
    ]
    return tuple(dict.fromkeys(found))


def fingerprint(release: Release | None, observed: Observed, steps: Iterable[Step]) -> str:
    """A digest of what decides the plan; times and counters of the world are left out."""
    world = sorted((i.service, i.key, i.index, i.fingerprint) for i in observed.instances)
    keys = {n: (e.key, e.fingerprint) for n, e in release.services.items()} if release else {}
    data = [keys, world, dict(observed.weights), [msgspec.to_builtins(s) for s in steps]]
    return hashlib.sha256(msgspec.json.encode(data, order="deterministic")).hexdigest()[:16]


def cleanup_plan(
    *, app: str, environment: str, platform: str, observed: Observed, volumes: bool
) -> Plan:
    """Stop and remove everything of an environment; data only with `volumes`."""
    changes = [
        Change(action="remove", subject=f"{i.service} {i.key[:8]}".strip(), summary="stopped")
        for i in observed.instances
    ]
    if observed.proxy:
        changes.append(Change(action="remove", subject="proxy", summary="stopped"))
    if observed.artifacts:
        count = len(observed.artifacts)
        built = f"{count} build" + ("s" if count > 1 else "")
        changes.append(Change(action="remove", subject=built, summary="deleted"))
    verdict = "deleted, with its data" if volumes else "its data stays"
    changes += [
        Change(action="remove" if volumes else "keep", subject=f"volume {name}", summary=verdict)
        for name in observed.volumes
    ]
    there = (observed.instances, observed.proxy, observed.artifacts, volumes and observed.volumes)
    steps = [
        Step(
            id="teardown",
            kind="teardown",
            title="stop and remove everything" + (", with its data" if volumes else ""),
            args={"volumes": volumes},
            interrupts=True,
        )
    ]
    return Plan(
        verb="cleanup",
        app=app,
        environment=environment,
        platform=platform,
        changes=tuple(changes),
        steps=tuple(steps) if any(there) else (),
        fingerprint=fingerprint(None, observed, steps),
    )
