"""The one document about an environment: the CLI, JSON, the dashboard and alerts show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from slipway.app.model import Role
from slipway.plan.drift import Drift
from slipway.plan.observed import InstanceState
from slipway.support.data import Frozen

SCHEMA_VERSION = 1
ServiceState = Literal["running", "done", "starting", "stopped", "crashed", "degraded"]


class InstanceStatus(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """One instance. `started` in seconds since the epoch."""

    index: int
    state: InstanceState
    address: str | None = None
    pid: int | None = None
    started: float | None = None
    restarts: int = 0
    detail: str = ""


class ServiceStatus(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """One service of the current release.

    `healthy`: as many instances up as there should be. `state`: `running`, `done` (a job),
    `starting`, `stopped`, `crashed` or `degraded` (some of several are up).
    """

    name: str
    role: Role
    state: ServiceState
    wanted: int
    up: int
    healthy: bool
    instances: tuple[InstanceStatus, ...] = ()
    detail: str = ""


class ReleaseStatus(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """Which release is current."""

    number: int
    label: str
    verified: bool
    created: float
    commit: str | None = None


class RouteStatus(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """How much of the traffic a release gets, in percent, as the proxy says."""

    release: int
    weight: int


class RunStatus(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """A run that goes on now, or that was interrupted."""

    run: int
    verb: str
    since: float
    owner: str
    live: bool


class Status(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """Everything at one moment. `release` None: nothing is installed.

    `drift` is what differs from the release, also where users notice nothing; it is empty while
    a run goes on, or waits for `deploy resume`.
    """

    version: int = SCHEMA_VERSION
    app: str
    environment: str
    platform: str
    healthy: bool
    release: ReleaseStatus | None = None
    urls: Mapping[str, str] = {}
    services: tuple[ServiceStatus, ...] = ()
    routes: tuple[RouteStatus, ...] = ()
    run: RunStatus | None = None
    problems: tuple[str, ...] = ()
    drift: tuple[Drift, ...] = ()
