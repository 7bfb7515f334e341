"""What deploy.yaml says, as data: whole (`DeployConfig`), and for one environment (`Settings`).

Made by `load_config` and `settings_for`; read by `app.assemble` and the CLI's `config` commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from slipway.app.model import Environment, Origin, PlatformOverride, Role, Rollout
from slipway.support.data import Frozen
from slipway.support.health.model import Progress, SmokeTest


class DeployConfig(Frozen, frozen=True, kw_only=True):
    """A deploy.yaml that holds to its schema. `file` None: there is none, `data` is empty.

    `locations` maps dotted paths (`services.web.readiness`) to where they were written.
    """

    file: str | None = None
    data: Mapping[str, Any] = {}
    locations: Mapping[str, Origin] = {}


class ServiceSettings(Frozen, frozen=True, kw_only=True):
    """What was told of one service; None means: not told.

    Probes are still in deploy.yaml's long form, because one without a kind only changes what
    Compose says (`values.make_probe`); False: nothing is to be asked. `overrides` are by
    platform name.
    """

    role: Role | None = None
    replicas: int | None = None
    port: int | None = None
    readiness: Mapping[str, Any] | Literal[False] | None = None
    liveness: Mapping[str, Any] | Literal[False] | None = None
    progress: Progress | None = None
    deadline: float | None = None
    overrides: Mapping[str, PlatformOverride] = {}


class RouteSettings(Frozen, frozen=True, kw_only=True):
    """A route as told. `where` is its path in deploy.yaml, for errors."""

    service: str
    port: int | None = None
    listen: int | None = None
    address: str | None = None
    host: str | None = None
    path: str = "/"
    protocol: Literal["http", "tcp"] = "http"
    where: str = ""


class SecretSettings(Frozen, frozen=True, kw_only=True):
    """How one secret is made; None means: not told. `secret` False: none, despite its name."""

    secret: bool = True
    generate: bool | None = None
    length: int | None = None


class Settings(Frozen, frozen=True, kw_only=True):
    """A deploy.yaml as one environment sees it, overrides applied.

    `services` are still raw, normalised mappings: a service's `x-deploy:` goes under them
    (`service_settings`). `ports` and `replicas` are by service.
    """

    app: str | None
    environment: Environment
    keep_releases: int
    compose_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    variables: Mapping[str, str] = {}
    ports: Mapping[str, int] = {}
    services: Mapping[str, Mapping[str, Any]] = {}
    routes: tuple[RouteSettings, ...] = ()
    rollout: Rollout = Rollout()
    smoke_tests: tuple[SmokeTest, ...] = ()
    secrets: Mapping[str, SecretSettings] = {}
