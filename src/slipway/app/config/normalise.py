"""Short forms to long ones, durations to seconds: one shape for everything that reads on.

What a JSON Schema cannot say is checked here, so that later steps cannot fail on a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from slipway.app.config.marks import child
from slipway.app.config.rollout import RolloutError, normalise_rollout
from slipway.app.config.validate import wrong
from slipway.app.model import Origin
from slipway.app.units import seconds

Locations = Mapping[str, Origin]

PROBE_KINDS = ("http", "tcp", "command", "postgres", "redis")
SERVICE_KEYS = frozenset(
    {"role", "replicas", "port", "readiness", "liveness", "progress", "deadline"}
)
_PROBE_DURATIONS = ("timeout", "interval", "start_period")


def normalise(data: Mapping[str, Any], locations: Locations) -> dict[str, Any]:
    """A whole deploy.yaml that holds to its schema, in long form. Raises ConfigError."""
    result = _section(data, locations, "")
    result["environments"] = {
        name: _section(each or {}, locations, child("environments", name))
        for name, each in (data.get("environments") or {}).items()
    }
    return result


def normalise_service(raw: Mapping[str, Any], locations: Locations, path: str) -> dict[str, Any]:
    """One service's settings, in long form. `path` is where they are. Raises ConfigError."""
    result = raw = _told(raw)
    for key in ("readiness", "liveness"):
        if key in raw:
            result[key] = _probe(raw[key], locations, child(path, key))
    if "progress" in raw:
        result["progress"] = _progress(raw["progress"], locations, child(path, "progress"))
    _durations(result, ("deadline",), locations, path)
    for key in raw.keys() - SERVICE_KEYS:
        if isinstance(raw[key], dict):
            result[key] = _override(raw[key])
    return result


def _section(raw: Mapping[str, Any], locations: Locations, path: str) -> dict[str, Any]:
    """What the top of the file and an environment have in common."""
    result = raw = _told(raw)
    if "services" in raw:
        base = child(path, "services")
        result["services"] = {
            name: normalise_service(each or {}, locations, child(base, name))
            for name, each in raw["services"].items()
        }
    if "rollout" in raw:
        result["rollout"] = _rollout(raw["rollout"], locations, child(path, "rollout"))
    for key, make in (("routes", _route), ("smoke_tests", _smoke_test)):
        if key in raw:
            result[key] = _each(raw[key], make, locations, child(path, key))
    if "variables" in raw:
        result["variables"] = {name: text_of(value) for name, value in raw["variables"].items()}
    return result


def _rollout(raw: Any, locations: Locations, path: str) -> dict[str, Any]:
    try:
        return normalise_rollout(raw)
    except RolloutError as error:
        where = path
        for key in error.path:
            where = child(where, key)
        raise wrong(str(error), where, locations) from None


def _told(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A copy without extensions, and without keys whose value was left empty."""
    return {
        key: value for key, value in raw.items() if value is not None and not key.startswith("x-")
    }


def _each(
    items: list[Any],
    make: Callable[[Mapping[str, Any], Locations, str], dict[str, Any]],
    locations: Locations,
    path: str,
) -> list[dict[str, Any]]:
    return [make(item, locations, child(path, index)) for index, item in enumerate(items)]


def _probe(raw: Any, locations: Locations, path: str) -> dict[str, Any] | bool:
    if raw is False:
        return False
    if isinstance(raw, str):
        return {"http": raw}
    result = dict(raw)
    kinds = [kind for kind in PROBE_KINDS if kind in raw]
    if len(kinds) > 1:
        raise wrong(
            f"a probe asks one thing, not {' and '.join(kinds)}",
            path,
            locations,
            hint="keep one of them, or put the others into liveness",
        )
    for kind in kinds:
        if raw[kind] is False:
            raise wrong("give a port, or true", child(path, kind), locations)
    if "command" in raw:
        result["command"] = _command(raw["command"])
    if "status" in raw:
        result["status"] = _statuses(raw["status"])
    if "headers" in raw:
        result["headers"] = {key: text_of(value) for key, value in raw["headers"].items()}
    _durations(result, _PROBE_DURATIONS, locations, path)
    return result


def _progress(raw: Any, locations: Locations, path: str) -> dict[str, Any]:
    if isinstance(raw, str):
        return {"path": raw}
    if ("path" in raw) == ("pattern" in raw):
        raise wrong("takes either path or pattern", path, locations)
    if "pattern" in raw:
        where = child(path, "pattern")
        try:
            groups = re.compile(raw["pattern"]).groups
        except re.error as error:
            raise wrong(f"not a regular expression: {error}", where, locations) from None
        if not groups:
            raise wrong("needs a group around the number, as in ([0-9]+)%", where, locations)
    return dict(raw)


def _override(raw: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(raw)
    if isinstance(raw.get("build"), str):
        result["build"] = [raw["build"]]
    if "environment" in raw:
        result["environment"] = {key: text_of(value) for key, value in raw["environment"].items()}
    return result


def _route(raw: Mapping[str, Any], locations: Locations, path: str) -> dict[str, Any]:
    if raw.get("protocol") == "tcp" and ("host" in raw or raw.get("path", "/") != "/"):
        raise wrong("a tcp route has neither host nor path", path, locations)
    return {**raw, "where": path}


def _smoke_test(raw: Mapping[str, Any], locations: Locations, path: str) -> dict[str, Any]:
    if "body" in raw and "json" in raw:
        raise wrong("takes body or json, not both", path, locations)
    result = dict(raw)
    method = raw.get("method") or ("POST" if "body" in raw or "json" in raw else "GET")
    result["method"] = method.upper()
    result.setdefault("name", f"{result['method']} {raw['path']}")
    if "headers" in raw:
        result["headers"] = {key: text_of(value) for key, value in raw["headers"].items()}
    expect = raw.get("expect", {})
    expect = dict(expect) if isinstance(expect, dict) else {"status": expect}
    if "status" in expect:
        expect["status"] = _statuses(expect["status"])
    _durations(expect, ("latency",), locations, child(path, "expect"))
    result["expect"] = expect
    _durations(result, ("within",), locations, path)
    return result


def _durations(
    values: dict[str, Any], keys: tuple[str, ...], locations: Locations, path: str
) -> None:
    for key in keys:
        if key not in values:
            continue
        try:
            values[key] = seconds(values[key])
        except ValueError as error:
            raise wrong(str(error), child(path, key), locations) from None


def _command(raw: str | list[Any]) -> list[str]:
    return ["sh", "-c", raw] if isinstance(raw, str) else [text_of(each) for each in raw]


def _statuses(raw: Any) -> list[int | str]:
    return [
        int(each) if str(each).isdigit() else each
        for each in (raw if isinstance(raw, list) else [raw])
    ]


def text_of(value: Any) -> str:
    """A scalar as an environment variable would hold it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
