"""`${...}` in deploy.yaml, where a value may differ by machine or be secret.

That is in `routes`, `smoke_tests` and probes' `headers`; elsewhere a dollar is a dollar, since
commands and patterns are full of them. Platform settings are read before any variable is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from slipway.app.compose.interpolate import BadTemplateError, Use, expand
from slipway.app.compose.model import Lookup
from slipway.app.config.marks import child
from slipway.app.config.model import DeployConfig
from slipway.app.config.validate import wrong

_Each = Callable[[Any, str], Any]


def interpolated(config: DeployConfig, environment: str, lookup: Lookup) -> DeployConfig:
    """`config` with its variables replaced, for `environment`. Raises ConfigError."""

    def visit(value: Any, path: str) -> Any:
        if isinstance(value, str):
            return _text(value, path, config, lookup) if "$" in value else value
        if isinstance(value, dict):
            return {key: visit(each, child(path, key)) for key, each in value.items()}
        if isinstance(value, list):
            return [visit(each, child(path, index)) for index, each in enumerate(value)]
        return value

    data = _section(config.data, "", visit)
    own = config.data.get("environments", {}).get(environment)
    if own:
        where = child("environments", environment)
        data["environments"] = {**data["environments"], environment: _section(own, where, visit)}
    return msgspec.structs.replace(config, data=data)


def _section(raw: Mapping[str, Any], path: str, visit: _Each) -> dict[str, Any]:
    result = dict(raw)
    for key in ("routes", "smoke_tests"):
        if key in raw:
            result[key] = visit(raw[key], child(path, key))
    if "services" in raw:
        base = child(path, "services")
        result["services"] = {
            name: _service(each, child(base, name), visit) for name, each in raw["services"].items()
        }
    return result


def _service(raw: Mapping[str, Any], path: str, visit: _Each) -> dict[str, Any]:
    result = dict(raw)
    for key in ("readiness", "liveness"):
        probe = raw.get(key)
        if isinstance(probe, dict) and "headers" in probe:
            where = child(child(path, key), "headers")
            result[key] = {**probe, "headers": visit(probe["headers"], where)}
    return result


def _text(text: str, path: str, config: DeployConfig, lookup: Lookup) -> str:
    missing: list[str] = []

    def seen(use: Use, found: bool) -> None:
        if not found and use.operator in ("", ":?", "?"):
            missing.append(use.name)

    try:
        result = expand(text, lookup, seen)
    except BadTemplateError as problem:
        raise wrong(
            str(problem), path, config.locations, hint="write `$$` for a plain dollar"
        ) from None
    if missing:
        names = ", ".join(dict.fromkeys(missing))
        raise wrong(
            f"{names} is not set",
            path,
            config.locations,
            hint=f"put it into .env, the environment, or run `deploy secrets set {missing[0]}`",
        )
    return result
