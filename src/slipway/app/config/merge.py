"""A deploy.yaml as one environment sees it: what an environment says wins over the top.

Mappings merge key by key, lists and single values replace, with three exceptions that people
expect: a probe of another kind replaces the probe, routes replace by service, and smoke tests
by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slipway.app.config import values
from slipway.app.config.model import DeployConfig, RouteSettings, Settings
from slipway.app.config.normalise import SERVICE_KEYS
from slipway.app.config.validate import nearest
from slipway.app.model import Environment
from slipway.errors import NotFoundError, UsageError
from slipway.support.health.model import SmokeTest

DEFAULT_ENVIRONMENT = "development"
_PROTECTED = frozenset({"production", "prod"})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_ENVIRONMENTS = frozenset(
    ("example", "sample", "template", "dist", "default", "defaults", "local", "test", "enc", "bak")
)
KEEP_RELEASES = 5


def default_environment(config: DeployConfig) -> str:
    """The environment that is meant when none is named."""
    return str(config.data.get("default_environment") or DEFAULT_ENVIRONMENT)


def environments(directory: Path | str, config: DeployConfig) -> tuple[str, ...]:
    """Every environment that this app has, the default one first.

    Those of deploy.yaml, and those that have a `.env.NAME` file. Raises nothing.
    """
    found = [default_environment(config), *config.data.get("environments", {})]
    for path in sorted(Path(directory).glob(".env.*")):
        name = path.name.removeprefix(".env.")
        if _NAME.fullmatch(name) and not _NOT_ENVIRONMENTS.intersection(name.split(".")):
            found.append(name)
    return tuple(dict.fromkeys(found))


def choose_environment(directory: Path | str, config: DeployConfig, asked: str | None) -> str:
    """`asked` if there is such an environment, else the default one.

    Without `environments:` in deploy.yaml any name will do. Raises NotFoundError, UsageError.
    """
    if not asked:
        return default_environment(config)
    if not _NAME.fullmatch(asked):
        raise UsageError(
            f'"{asked}" cannot name an environment',
            hint="use letters, digits, `.`, `-` and `_`, such as staging",
        )
    known = environments(directory, config)
    if not config.data.get("environments") or asked in (*known, DEFAULT_ENVIRONMENT):
        return asked
    close = nearest(asked, known)
    raise NotFoundError(
        f'there is no environment "{asked}"' + (f'; did you mean "{close}"?' if close else ""),
        hint=f"{config.file} has {', '.join(known)}; add it under `environments:`",
    )


def settings_for(config: DeployConfig, environment: str, platform: str | None = None) -> Settings:
    """What deploy.yaml says for `environment`. `platform` wins over what is written there."""
    top = config.data
    own: Mapping[str, Any] = top.get("environments", {}).get(environment) or {}
    services = _services(top.get("services", {}), own.get("services", {}))
    for name, count in own.get("replicas", {}).items():
        services[name] = {**services.get(name, {}), "replicas": count}
    return Settings(
        app=top.get("app"),
        environment=Environment(
            name=environment,
            platform=platform or own.get("platform"),
            protected=own.get("protected", environment in _PROTECTED),
            settings=own.get("settings", {}),
        ),
        keep_releases=own.get("keep_releases", top.get("keep_releases", KEEP_RELEASES)),
        compose_files=tuple(own.get("compose_files", ())),
        profiles=tuple(own.get("profiles", ())),
        variables=own.get("variables", {}),
        ports=own.get("ports", {}),
        services=services,
        routes=_routes(top.get("routes", ()), own.get("routes", ())),
        rollout=values.rollout(_rollout(top.get("rollout", {}), own.get("rollout", {}))),
        smoke_tests=_smoke_tests(top.get("smoke_tests", ()), own.get("smoke_tests")),
        secrets={
            name: values.secret(raw)
            for name, raw in deep_merge(top.get("secrets", {}), own.get("secrets", {})).items()
        },
    )


def merge_service(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """One service's normalised settings, `over` winning."""
    result = dict(base)
    for key, value in over.items():
        if key in ("readiness", "liveness"):
            result[key] = _merge_probe(base.get(key), value)
        elif key not in SERVICE_KEYS:
            result[key] = deep_merge(base.get(key, {}), value)
        else:
            result[key] = value
    return result


def deep_merge(base: Any, over: Any) -> Any:
    """Mappings merge key by key; of anything else `over` wins."""
    if not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return over
    return {
        **base,
        **{
            key: deep_merge(base[key], value) if key in base else value
            for key, value in over.items()
        },
    }


def _merge_probe(base: Any, over: Any) -> Any:
    if not base or not over or values.probe_kind(over):
        return over
    return deep_merge(base, over)


def _rollout(top: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """An environment's rollout wins key by key, also within `canary`."""
    merged = {**top, **own}
    if "canary" in top and "canary" in own:
        merged["canary"] = {**top["canary"], **own["canary"]}
    return merged


def _services(
    base: Mapping[str, Mapping[str, Any]], over: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    names = dict.fromkeys((*base, *over))
    return {name: merge_service(base.get(name, {}), over.get(name, {})) for name in names}


def _routes(
    base: Sequence[Mapping[str, Any]], over: Sequence[Mapping[str, Any]]
) -> tuple[RouteSettings, ...]:
    replaced = {raw["service"] for raw in over}
    kept = [raw for raw in base if raw["service"] not in replaced]
    return tuple(values.route(raw) for raw in (*kept, *over))


def _smoke_tests(
    base: Sequence[Mapping[str, Any]], over: Sequence[Mapping[str, Any]] | None
) -> tuple[SmokeTest, ...]:
    """By name; an empty list says that there are none."""
    if over is not None and not over:
        return ()
    by_name = {raw["name"]: raw for raw in (*base, *(over or ()))}
    return tuple(values.smoke_test(raw) for raw in by_name.values())
