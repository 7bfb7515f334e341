"""The way from a folder and an environment's name to an App. The one place here with I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from slipway.app.assemble.interpolate import interpolated
from slipway.app.assemble.model import Loaded, LoadOptions
from slipway.app.assemble.mounts import FileSources, volumes_of
from slipway.app.assemble.needs import Source, needs_of, secrets_used
from slipway.app.assemble.references import host_names, mentions_of, ports_said, references_of
from slipway.app.assemble.roles import completed_targets
from slipway.app.assemble.routes import routes_of
from slipway.app.assemble.seal import Scrubber, holds_credentials, seal_literals
from slipway.app.assemble.services import Part, make_service
from slipway.app.assemble.told import check_names, settings_of_services
from slipway.app.assemble.variables import SecretLookup, read_values
from slipway.app.compose import Project, load_project
from slipway.app.config import (
    choose_environment,
    find_config,
    load_config,
    project_directory,
    settings_for,
)
from slipway.app.config.model import DeployConfig, Settings
from slipway.app.known.names import is_secret_name
from slipway.app.model import App, SecretNeed, Service
from slipway.errors import ConfigError
from slipway.support.secrets.placeholder import placeholder

_MOST_READINGS = 25
_IsSecret = Callable[[str], bool]


def load_app(options: LoadOptions, environ: Mapping[str, str]) -> Loaded:
    """Read the app in `options.directory` for one environment.

    `environ` is the process environment. Raises ConfigError with file and line for anything
    wrong in the files, NotFoundError for an unknown environment.
    """
    directory = project_directory(options.directory)
    path, shown = find_config(directory, options.config)
    config = load_config(path, shown=shown)
    environment = choose_environment(directory, config, options.environment)
    settings = settings_for(config, environment, options.platform)
    values = read_values(directory, environment, settings.variables, environ)
    lookup = SecretLookup(values.by_name, options.known_secrets, _secret_names(settings))
    project = _read_project(directory, options, settings, lookup)
    config = interpolated(config, environment, lookup)
    settings = settings_for(config, environment, options.platform)
    loaded = _assemble(directory, project, config, settings, lookup)
    files = dict.fromkeys((*project.files, *values.files, *([shown] if path else ())))
    app = msgspec.structs.replace(loaded.app, files=tuple(files))
    return msgspec.structs.replace(loaded, app=app)


class _Sealed(NamedTuple):
    """Services with placeholders, and the values and origins that belong to those."""

    services: Mapping[str, Mapping[str, Any]]
    values: Mapping[str, str]
    sources: Mapping[str, Source]
    scrubber: Scrubber


def _secret_names(settings: Settings) -> _IsSecret:
    """deploy.yaml's `secrets:` says of a name that it is one, or with `false` that it is not."""
    told = {name: each.secret for name, each in settings.secrets.items()}
    return lambda name: told.get(name, is_secret_name(name))


def _read_project(
    directory: Path, options: LoadOptions, settings: Settings, lookup: SecretLookup
) -> Project:
    """Read until every unset secret variable is what its uses make it; nearly always once."""
    for _ in range(_MOST_READINGS):
        project = load_project(
            directory,
            files=options.files or settings.compose_files,
            profiles=(*options.profiles, *settings.profiles),
            lookup=lookup,
            name=settings.app,
        )
        if not lookup.decide(project.variables):
            return project
    raise ConfigError("the defaults of secret variables refer to each other in a circle")


def _assemble(
    directory: Path,
    project: Project,
    config: DeployConfig,
    settings: Settings,
    lookup: SecretLookup,
) -> Loaded:
    check_names(project, config, settings.environment.name)
    told = settings_of_services(project, settings)
    files = FileSources(project, lookup)
    mounted = {name: files.mounts(spec) for name, spec in project.data["services"].items()}
    sealed = _seal(project, files, lookup, settings)
    settings = sealed.scrubber.struct(settings)
    specs = project.data["services"]
    hosts = host_names(specs)
    mentions = {name: mentions_of(name, spec, hosts) for name, spec in specs.items()}
    said = ports_said(chain.from_iterable(mentions.values()))
    completed = completed_targets(specs.values())
    known = frozenset(specs)
    services = {
        name: make_service(
            Part(
                name=name,
                spec=spec,
                settings=sealed.scrubber.struct(told[name]),
                files=tuple(map(sealed.scrubber.struct, mounted[name])),
                references=references_of(spec, mentions[name]),
                completed=completed,
                publish=settings.ports.get(name),
                said=said.get(name),
                known=known,
                origin=project.locations.get(f"services.{name}"),
            )
        )
        for name, spec in sealed.services.items()
    }
    needs = needs_of(secrets_used(services.values(), settings), sealed.sources, settings.secrets)
    app = _app(directory, project, config, settings, services, needs)
    used = {need.name for need in needs}
    values = {name: value for name, value in sealed.values.items() if name in used}
    return Loaded(app=app, sealed=values, needs=needs)


def _app(
    directory: Path,
    project: Project,
    config: DeployConfig,
    settings: Settings,
    services: Mapping[str, Service],
    needs: tuple[SecretNeed, ...],
) -> App:
    return App(
        name=project.name,
        directory=str(directory),
        environment=settings.environment,
        services=services,
        volumes=volumes_of(project),
        routes=routes_of(services, settings, config),
        smoke_tests=settings.smoke_tests,
        rollout=settings.rollout,
        secrets=needs,
        keep_releases=settings.keep_releases,
        warnings=project.warnings,
    )


def _seal(
    project: Project, files: FileSources, lookup: SecretLookup, settings: Settings
) -> _Sealed:
    """Placeholders for every secret value in the project's services."""
    specs: Mapping[str, dict[str, Any]] = project.data["services"]
    environments = {name: spec.get("environment") or {} for name, spec in specs.items()}
    values = {**lookup.sealed, **files.values}
    taken = {**dict.fromkeys(lookup.given), **values}
    names, literal = seal_literals(environments, taken=taken, is_secret=_secret_names(settings))
    values |= literal
    replaced = {
        name: {**spec, "environment": _sealed_environment(name, environments[name], names)}
        if environments[name]
        else spec
        for name, spec in specs.items()
    }
    scrubber = Scrubber(values, {**project.data, "services": replaced}, settings)
    services = {name: scrubber.data(spec) for name, spec in replaced.items()}
    return _Sealed(services, values, _sources(project, files, names, values), scrubber)


def _sealed_environment(
    service: str, variables: Mapping[str, Any], names: Mapping[tuple[str, str], str]
) -> dict[str, Any]:
    return {
        key: placeholder(names[service, key]) if (service, key) in names else value
        for key, value in variables.items()
    }


def _sources(
    project: Project,
    files: FileSources,
    names: Mapping[tuple[str, str], str],
    values: Mapping[str, str],
) -> dict[str, Source]:
    """Where each secret comes from; the first use of a variable counts."""
    sources: dict[str, Source] = {}
    for variable in project.variables:
        sources.setdefault(
            variable.name, Source(reason=f"used as ${{{variable.name}}}", origin=variable.origin)
        )
    for name, origin in files.origins.items():
        external = name in files.external
        sources[name] = Source(reason="under `secrets:`", origin=origin, external=external)
    for (service, key), name in names.items():
        origin = project.locations.get(f"services.{service}.environment.{key}")
        address = holds_credentials(values[name])
        sources.setdefault(
            name, Source(reason=f"written out as {key}", origin=origin, external=address)
        )
    return sources
