"""What was told of each service: its `x-deploy:` in Compose, and deploy.yaml over that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from slipway.app.compose import Project
from slipway.app.config.marks import child
from slipway.app.config.merge import merge_service
from slipway.app.config.model import DeployConfig, ServiceSettings, Settings
from slipway.app.config.normalise import normalise_service
from slipway.app.config.validate import check_service, nearest, wrong
from slipway.app.config.values import service_settings

EXTENSION = "x-deploy"


def settings_of_services(project: Project, settings: Settings) -> dict[str, ServiceSettings]:
    """By service, all layers merged. Raises ConfigError about a wrong `x-deploy:`."""
    return {
        name: service_settings(
            merge_service(_extension(name, spec, project), settings.services.get(name, {}))
        )
        for name, spec in project.data["services"].items()
    }


def check_names(project: Project, config: DeployConfig, environment: str) -> None:
    """Raise ConfigError if deploy.yaml names a service that the Compose file has not.

    One that a profile leaves out may be named.
    """
    known = (*project.data["services"], *project.disabled)
    for section, path in _sections(config, environment):
        for name, where in _named(section, path):
            if name not in known:
                close = nearest(name, known)
                meant = f'; did you mean "{close}"?' if close else ""
                raise wrong(
                    f'there is no service "{name}" in the Compose file{meant}',
                    where,
                    config.locations,
                    hint=f"its services are {', '.join(known)}",
                )


def _extension(name: str, spec: Mapping[str, Any], project: Project) -> dict[str, Any]:
    raw = spec.get(EXTENSION)
    if raw is None:
        return {}
    path = f"services.{name}.{EXTENSION}"
    check_service(raw, project.locations, path)
    return normalise_service(raw, project.locations, path)


def _sections(config: DeployConfig, environment: str) -> Iterable[tuple[Mapping[str, Any], str]]:
    yield config.data, ""
    own = config.data.get("environments", {}).get(environment)
    if own:
        yield own, child("environments", environment)


def _named(section: Mapping[str, Any], path: str) -> Iterable[tuple[str, str]]:
    """Every service that a section names, and where."""
    for key in ("services", "ports", "replicas"):
        base = child(path, key)
        for name in section.get(key, {}):
            yield name, child(base, name)
    for key in ("routes", "smoke_tests"):
        for index, each in enumerate(section.get(key, ())):
            if each.get("service"):
                yield each["service"], child(child(child(path, key), index), "service")
