"""Release beside release: what differs between two of them, by service. Pure.

Called by `engine.compare` for `deploy diff`. Unlike a plan's changes it asks nobody what runs.
Values of secrets cannot appear: releases hold placeholders, and versions are told by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from slipway.app.model import Dependency, FileMount, Mount, Port, Route
from slipway.plan.merkle import reached, secrets_of
from slipway.plan.release import Release, ReleaseService
from slipway.support.data import Frozen
from slipway.support.health.model import SmokeTest
from slipway.support.secrets.placeholder import reveal

_QUIET = frozenset({"spec", "origin", "build", "name", "references", "assumed"})
_PLACES = ("mounts ", "files ", "overrides")
_PREFIXES = ("probes.", "resources.")
# Compose keys that a Service has in fields of its own, or that do not decide what it does.
_TOLD = frozenset(
    {
        "build", "command", "configs", "container_name", "depends_on", "deploy", "entrypoint",
        "environment", "env_file", "expose", "healthcheck", "image", "labels", "ports", "profiles",
        "restart", "scale", "secrets", "stop_grace_period", "stop_signal", "user", "volumes",
        "working_dir", "x-deploy",
    }
)  # fmt: skip


class Difference(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """One value that differs. `what` is its name, such as `code`, `environment.LOG_LEVEL`,
    `secret DB_PASSWORD` or `readiness.path`; None: it is not there on that side.
    """

    what: str
    before: str | None
    after: str | None


class Compared(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """One service, or `app` for what belongs to no service (volumes, smoke tests, rollout).

    `reason` is said where nothing of the service itself differs, and it is another all the same.
    """

    subject: str
    action: Literal["add", "change", "remove", "keep"]
    differences: tuple[Difference, ...] = ()
    reason: str = ""


def compare(before: Release, after: Release) -> tuple[Compared, ...]:
    """Every service of both, in the order of `after`, then the app's own settings."""
    names = [*after.services, *(n for n in before.services if n not in after.services)]
    found = [_service(name, before, after) for name in names]
    own = tuple(_app(before, after))
    if own:
        found.append(Compared(subject="app", action="change", differences=own))
    return tuple(found)


def _service(name: str, before: Release, after: Release) -> Compared:
    old, new = before.services.get(name), after.services.get(name)
    if old is None or new is None:
        return Compared(subject=name, action="add" if old is None else "remove")
    differences = tuple(_of_service(name, before, after))
    if differences:
        return Compared(subject=name, action="change", differences=differences)
    if (old.key, old.fingerprint) == (new.key, new.fingerprint):
        return Compared(subject=name, action="keep")
    return Compared(subject=name, action="change", reason=_reason(name, before, after))


def _reason(name: str, before: Release, after: Release) -> str:
    """Why the key differs though nothing of the service itself does."""
    entry = after.services[name]
    if entry.artifact is not None and "DEPLOY_VERSION" in entry.artifact.reads:
        return f"it reads DEPLOY_VERSION: {before.label} -> {after.label}"
    both = before.services.keys() & after.services.keys()
    below = reached({n: e.service for n, e in after.services.items()}, name)
    changed = [n for n in sorted(below & both) if any(_of_service(n, before, after))]
    changed += sorted(below - both)
    if changed:
        return f"it depends on {', '.join(changed)}"
    return "a file that is mounted into it, or the label that it reads, is another"


def _of_service(name: str, before: Release, after: Release) -> Iterator[Difference]:
    old, new = before.services[name], after.services[name]
    yield from _leaf("code", _code(old), _code(new))
    same = (old.key, old.fingerprint) == (new.key, new.fingerprint)
    for difference in _walk("", old.service, new.service):
        what = difference.what
        if same and what.startswith(_PLACES):
            continue  # the same files, read from another checkout
        for prefix in _PREFIXES:
            what = what.removeprefix(prefix)
        yield msgspec.structs.replace(difference, what=what)
    if not same:
        yield from _walk("compose", _other_keys(old), _other_keys(new))
    yield from _secrets(before, after, name)
    yield from _routes(before, after, name)


def _code(entry: ReleaseService) -> str | None:
    return entry.artifact.id[:16] if entry.artifact else None


def _other_keys(entry: ReleaseService) -> Mapping[str, Any]:
    return {key: value for key, value in entry.service.spec.items() if key not in _TOLD}


def _secrets(before: Release, after: Release, name: str) -> Iterator[Difference]:
    used = {
        secret
        for release in (before, after)
        if name in release.services
        for secret in secrets_of(release.services[name].service)
    }
    for secret in sorted(used):
        old, new = before.secrets.get(secret), after.secrets.get(secret)
        yield from _leaf(f"secret {secret}", _version(old), _version(new))


def _version(number: int | None) -> str | None:
    return None if number is None else f"version {number}"


def _routes(before: Release, after: Release, name: str) -> Iterator[Difference]:
    old = tuple(r for r in before.routes if r.service == name)
    new = tuple(r for r in after.routes if r.service == name)
    yield from _walk("route", old, new)


def _app(before: Release, after: Release) -> Iterator[Difference]:
    yield from _walk("volume", before.volumes, after.volumes)
    yield from _walk("smoke test", before.smoke_tests, after.smoke_tests)
    yield from _walk("rollout", before.rollout, after.rollout)
    yield from _leaf("platform", before.platform, after.platform)
    yield from _leaf("backup", before.backup, after.backup)
    yield from _leaf("migration head", before.migration_head, after.migration_head)


def _walk(path: str, old: Any, new: Any) -> Iterator[Difference]:
    """What differs below two values of one kind: by field, by key, or as a whole."""
    if old == new:
        return
    if isinstance(old, msgspec.Struct) and type(old) is type(new):
        names = [n for n in old.__struct_fields__ if n not in _QUIET]
        pairs = [(n, getattr(old, n), getattr(new, n)) for n in names]
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        pairs = [(str(k), old.get(k), new.get(k)) for k in sorted(old.keys() | new.keys())]
    elif _named(old) and _named(new):
        mine, other = _by_name(old), _by_name(new)
        for name in dict.fromkeys([*mine, *other]):
            yield from _walk(f"{path} {name}", mine.get(name), other.get(name))
        return
    else:
        yield Difference(what=path, before=_shown(path, old), after=_shown(path, new, "another"))
        return
    for name, one, two in pairs:
        yield from _walk(f"{path}.{name}".lstrip("."), one, two)


def _leaf(what: str, old: str | None, new: str | None) -> Iterable[Difference]:
    return () if old == new else (Difference(what=what, before=old, after=new),)


_NAMED = (SmokeTest, Route, Mount, FileMount, Port, Dependency)


def _named(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, _NAMED) for item in value)


def _by_name(items: tuple[Any, ...]) -> dict[str, Any]:
    return {_name_of(item): item for item in items}


def _name_of(item: Any) -> str:
    """What tells one of several apart; the rest of it is what may differ."""
    match item:
        case SmokeTest():
            return item.name
        case Route():
            return f"{item.host or ''}{item.path} to port {item.port}"
        case Port():
            return f"{item.target}/{item.protocol}"
        case Dependency():
            return item.service
        case _:
            return str(item.target)


def _shown(path: str, value: Any, which: str = "a") -> str | None:
    """For a person. What is in a mounted file is not for a line."""
    if value is None:
        return None
    if path.endswith(".content"):
        return f"({which} text)"
    if isinstance(value, FileMount):
        return f"{value.kind} {value.source}"
    if isinstance(value, tuple) and all(isinstance(word, str) for word in value):
        text = " ".join(value)
    elif isinstance(value, str):
        text = value
    else:
        text = msgspec.json.encode(value).decode()
    return reveal(text, lambda name: f"(secret {name})")
