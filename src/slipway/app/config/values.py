"""From normalised mappings (`normalise`) to the App's own words. Nothing here can fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from slipway.app.config.model import RouteSettings, SecretSettings, ServiceSettings
from slipway.app.config.normalise import PROBE_KINDS, SERVICE_KEYS
from slipway.app.model import PlatformOverride, Rollout
from slipway.support.health.model import Probe, Progress, SmokeTest

_DEFAULT_PORTS = {"postgres": 5432, "redis": 6379}
_TUNING = ("timeout", "interval", "retries", "start_period")
_HTTP_ONLY = ("scheme", "headers", "contains")


def service_settings(raw: Mapping[str, Any]) -> ServiceSettings:
    """One service's settings, all layers merged."""
    plain = {key: value for key, value in raw.items() if key in SERVICE_KEYS}
    if "progress" in plain:
        plain["progress"] = Progress(**plain["progress"])
    overrides = {
        key: msgspec.convert(value, PlatformOverride)
        for key, value in raw.items()
        if key not in SERVICE_KEYS
    }
    return ServiceSettings(**plain, overrides=overrides)


def make_probe(told: Mapping[str, Any], base: Probe | None, port: int | None) -> Probe | None:
    """The probe that `told` describes; one without a kind changes `base`.

    `port` is the service's first. None if there is neither a kind nor a base.
    """
    kind = probe_kind(told)
    fields = {key: told[key] for key in _TUNING if key in told}
    if kind is None:
        if base is None:
            return None
        fields |= {key: told[key] for key in _HTTP_ONLY if key in told}
        if "status" in told:
            fields["status"] = tuple(told["status"])
        if "port" in told:
            fields["port"] = told["port"]
        return msgspec.structs.replace(base, **fields)
    value = told[kind]
    if kind == "http":
        fields |= {key: told[key] for key in _HTTP_ONLY if key in told}
        fields["path"] = value
        if "status" in told:
            fields["status"] = tuple(told["status"])
    elif kind == "command":
        fields["command"] = tuple(value)
    if kind != "command":
        fields["port"] = told.get("port") or _port(kind, value, port)
    return Probe(kind=kind, **fields)


def probe_kind(told: Mapping[str, Any]) -> Any:
    """Which of `PROBE_KINDS` a probe in long form is, or None."""
    return next((kind for kind in PROBE_KINDS if kind in told), None)


def smoke_test(raw: Mapping[str, Any]) -> SmokeTest:
    """One smoke test in long form."""
    return msgspec.convert(dict(raw), SmokeTest)


def route(raw: Mapping[str, Any]) -> RouteSettings:
    """One route in long form."""
    return RouteSettings(**raw)


def rollout(raw: Mapping[str, Any]) -> Rollout:
    """The `rollout:` section in long form."""
    return msgspec.convert(dict(raw), Rollout)


def secret(raw: Mapping[str, Any] | bool | None) -> SecretSettings:
    """One entry of `secrets:`."""
    if isinstance(raw, bool):
        return SecretSettings(secret=raw)
    return SecretSettings(**(raw or {}))


def _port(kind: str, value: Any, first: int | None) -> int | None:
    if isinstance(value, int) and value is not True:
        return value
    return _DEFAULT_PORTS.get(kind, first)
