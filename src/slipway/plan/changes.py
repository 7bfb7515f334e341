"""A plan's changes: what differs between the current release and the wanted one, for people.

Values of secrets cannot appear: releases hold placeholders. Called by `plan.make`; `diff`
between two releases uses the same pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from slipway.app.model import Service
from slipway.plan.merkle import secrets_of
from slipway.plan.model import Change, Step
from slipway.plan.release import ReleaseService
from slipway.plan.rollout.situation import Situation
from slipway.support.secrets.placeholder import reveal

_QUIET = frozenset({"spec", "origin", "build", "name", "references", "files"})


def rollout_changes(situation: Situation, steps: Iterable[Step]) -> tuple[Change, ...]:
    """One change a service, route and volume; `keep` for what is shared."""
    steps = list(steps)
    touched = {s.service: s for s in steps if s.kind in ("start", "backing", "job")}
    changes = [
        _service_change(name, entry, situation, touched.get(name))
        for name, entry in situation.release.services.items()
    ]
    changes += [
        Change(action="add", subject=f"volume {s.service}", summary="new and empty")
        for s in steps
        if s.kind == "volume"
    ]
    changes += [
        Change(action="remove", subject=s.service or "", summary="left the app; its data stays")
        for s in steps
        if s.kind == "stop"
    ]
    changes += _removed_services(situation)
    changes += _route_changes(situation, steps)
    return tuple(changes)


def _service_change(
    name: str, entry: ReleaseService, situation: Situation, step: Step | None
) -> Change:
    before = situation.base.services.get(name) if situation.base else None
    details = service_differences(before, entry) if before else ()
    what = f"{entry.service.role}, {_source(entry.service)}"
    if step is None:
        return Change(action="keep", subject=name, summary="unchanged", details=details)
    if step.interrupts:
        return Change(
            action="interrupt", subject=name, summary="replaced: an interruption", details=details
        )
    if before is None:
        return Change(action="add", subject=name, summary=what)
    if step.kind == "job":
        return Change(action="change", subject=name, summary="runs again", details=details)
    if before.key == entry.key and before.fingerprint == entry.fingerprint:
        return Change(action="add", subject=name, summary="started: it does not run")
    reason = details or _unseen_reason(entry, situation)
    return Change(action="change", subject=name, summary="a new set beside it", details=reason)


def _unseen_reason(entry: ReleaseService, situation: Situation) -> tuple[str, ...]:
    """Why the key differs though nothing of the service itself does."""
    base = situation.base
    reads = entry.artifact is not None and "DEPLOY_VERSION" in entry.artifact.reads
    if reads and base is not None and base.label != situation.release.label:
        return (f"DEPLOY_VERSION, which it reads: {base.label} -> {situation.release.label}",)
    used = [
        f"secret {name}: version {base.secrets[name]} -> {version}"
        for name, version in situation.release.secrets.items()
        if base is not None
        and base.secrets.get(name, version) != version
        and name in secrets_of(entry.service)
    ]
    return tuple(used) or ("because of what it depends on",)


def _source(service: Service) -> str:
    return service.image if service.image and not service.build else "built here"


def _removed_services(situation: Situation) -> list[Change]:
    if situation.base is None:
        return []
    gone = [
        name
        for name, entry in situation.base.services.items()
        if name not in situation.release.services and entry.service.role != "backing"
    ]
    return [Change(action="remove", subject=name, summary="left the app") for name in gone]


def _route_changes(situation: Situation, steps: list[Step]) -> list[Change]:
    release = situation.release
    if not any(step.kind == "route" for step in steps):
        return []
    if situation.base is None or situation.base.number == release.number:
        summary = f"100% to release {release.number} ({release.label})"
    else:
        base = situation.base
        summary = f"100% from release {base.number} ({base.label}) to {release.number}"
        summary += f" ({release.label})"
    action = "add" if situation.base is None else "change"
    return [Change(action=action, subject="traffic", summary=summary)]  # type: ignore[arg-type]


def service_differences(before: ReleaseService, after: ReleaseService) -> tuple[str, ...]:
    """Lines such as `environment.LOG_LEVEL: info -> debug`, `code: 1a2b -> 3c4d`."""
    lines = []
    old_id = before.artifact.id if before.artifact else None
    new_id = after.artifact.id if after.artifact else None
    if old_id != new_id:
        lines.append(f"code: {_short(old_id)} -> {_short(new_id)}")
    old = _flat(before.service)
    new = _flat(after.service)
    lines += [
        f"{path}: {_shown(old.get(path))} -> {_shown(new.get(path))}"
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    ]
    return (*lines, *_file_differences(before.service, after.service))


def _file_differences(before: Service, after: Service) -> Iterable[str]:
    """Compose's secrets and configs, by name: what is in them is not for a line."""
    old = {(each.kind, each.source, each.target): each for each in before.files}
    new = {(each.kind, each.source, each.target): each for each in after.files}
    for key in sorted(old.keys() | new.keys()):
        kind, source, target = key
        if old.get(key) != new.get(key):
            what = "changed" if key in old and key in new else "added" if key in new else "removed"
            yield f"{kind} {source} ({target}): {what}"


def _short(artifact: str | None) -> str:
    return (artifact or "nothing")[:12]


def _flat(service: Service) -> dict[str, Any]:
    """Values by their path: `probes.readiness.port`."""
    flat: dict[str, Any] = {}
    for key, value in msgspec.structs.asdict(service).items():
        if key not in _QUIET:
            _flatten(key, value, flat)
    return flat


def _flatten(path: str, value: Any, into: dict[str, Any]) -> None:
    inner = msgspec.structs.asdict(value) if isinstance(value, msgspec.Struct) else value
    if not isinstance(inner, Mapping):
        into[path] = inner
        return
    for key, each in inner.items():
        _flatten(f"{path}.{key}", each, into)


def _shown(value: Any) -> str:
    if value is None:
        return "(none)"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    text = reveal(text, lambda name: f"(secret {name})")
    return text if len(text) <= 60 else text[:57] + "..."
