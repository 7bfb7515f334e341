"""What a platform sees: the facts that plans and status are made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from slipway.support.data import Frozen

InstanceState = Literal["starting", "running", "ready", "stopping", "stopped", "exited", "crashed"]


class Instance(Frozen, frozen=True, kw_only=True):
    """One running copy of a service. `key` is `ReleaseService.key` ("" for backing).

    `state`: `running` is up though not known ready, `exited` ended as it should,
    `crashed` ended or keeps ending as it should not. `started` in seconds since the epoch.
    `fingerprint` of a backing service is the hash of the configuration it was started with.
    """

    service: str
    key: str
    index: int
    state: InstanceState
    address: str | None = None
    pid: int | None = None
    started: float | None = None
    restarts: int = 0
    exit_code: int | None = None
    detail: str = ""
    fingerprint: str = ""


class Deviation(Frozen, frozen=True, kw_only=True):
    """Something that the platform made and somebody else changed by hand.

    `instance`: how `subject` (a service; `key` and `index` say which of it) is started. `route`:
    where the proxy sends requests. `proxy`: how the proxy itself is started. `what` is for a
    person, and holds no values.
    """

    kind: Literal["instance", "route", "proxy"]
    subject: str
    what: str
    key: str = ""
    index: int = 0


class Observed(Frozen, frozen=True, kw_only=True):
    """Everything of one app on one environment, at one moment.

    `weights` is what the proxy really does now: release number (as text, JSON's keys are)
    -> percent; empty without a proxy. `urls` are the public addresses by service.
    `artifacts` are the ids that need no build any more. `deviations` are what only the platform
    can see of changes by hand; `plan.drift` says all that differs from a release.
    """

    instances: tuple[Instance, ...] = ()
    weights: Mapping[str, int] = {}
    urls: Mapping[str, str] = {}
    volumes: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    proxy: bool = False
    listens: tuple[int, ...] = ()
    deviations: tuple[Deviation, ...] = ()

    def of(self, service: str, key: str) -> tuple[Instance, ...]:
        """The instances of one service of one revision."""
        return tuple(i for i in self.instances if i.service == service and i.key == key)
