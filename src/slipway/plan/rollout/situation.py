"""What a rollout starts from: the wanted release, the observed world, and what was decided.

Every strategy reads this one value; the questions that they all ask of it are its methods.
"""

from __future__ import annotations

from typing import Any

from slipway.plan.observed import Observed
from slipway.plan.release import Release
from slipway.support.data import Frozen


class Situation(Frozen, frozen=True, kw_only=True):
    """`order` is a start order of the release's services; `finished_jobs` are keys of jobs
    that already ran to their end here. `found_secrets` are those of `new_secrets` whose value
    stands in a file; the others are generated. `activates`: the release becomes another than
    before. `obsolete` releases and artifacts are beyond what is kept. Deadlines are in seconds.
    """

    release: Release
    observed: Observed
    base: Release | None
    order: tuple[str, ...]
    new_release: bool
    activates: bool
    verify: bool = True
    new_secrets: tuple[str, ...] = ()
    found_secrets: tuple[str, ...] = ()
    finished_jobs: tuple[str, ...] = ()
    obsolete: tuple[int, ...] = ()
    obsolete_artifacts: tuple[str, ...] = ()
    job_deadline: float = 600.0

    def missing_volumes(self) -> list[str]:
        """Named volumes that some service of the release mounts and that are not there."""
        mounted = {
            m.source
            for entry in self.release.services.values()
            for m in entry.service.mounts
            if m.kind == "volume" and m.source
        }
        own = {n for n, v in self.release.volumes.items() if not v.external}
        return sorted((mounted & own) - set(self.observed.volumes))

    def leftovers(self) -> list[tuple[str, str]]:
        """(service, key) of everything that runs, or ran, and that the release does not share."""
        wanted = {(name, entry.key) for name, entry in self.release.services.items()}
        found = {(i.service, i.key) for i in self.observed.instances if i.key}
        return sorted(found - wanted)

    def orphans(self) -> list[str]:
        """Backing services that run though the release has none of that name."""
        backing = {i.service for i in self.observed.instances if not i.key}
        return sorted(backing - self.release.services.keys())

    def grace_of(self, service: str) -> float:
        """How long an old instance may take to finish, in seconds."""
        for release in (self.base, self.release):
            if release is not None and service in release.services:
                return release.services[service].service.stop_grace
        return 10.0

    def listens(self) -> list[dict[str, Any]]:
        """The proxy's listen ports, as the `proxy` step's args say."""
        found = [
            {"port": r.listen, "address": r.address, "protocol": r.protocol}
            for r in self.release.routes
        ]
        unique: list[dict[str, Any]] = []
        for listen in found:
            if listen not in unique:
                unique.append(listen)
        return unique

    def route_settings(self) -> dict[str, Any]:
        """How a route is shared while it is: stickiness, and how to select the new revision."""
        canary = self.release.rollout.canary
        if self.release.rollout.strategy != "canary" or self.base is None:
            return {}
        settings: dict[str, Any] = {"sticky": canary.sticky} if canary.sticky else {}
        if canary.header or canary.cookie:
            settings["select"] = {"header": canary.header, "cookie": canary.cookie}
        return settings

    def proxy_differs(self) -> bool:
        """True if the proxy is not there, was changed by hand, or listens on other ports than the
        routes want.
        """
        if not self.observed.proxy or self._deviates("proxy"):
            return True
        return bool(self.unheard())

    def unheard(self) -> list[int]:
        """Ports that the routes want and the proxy does not listen on."""
        wanted = {r.listen for r in self.release.routes if r.listen is not None}
        return sorted(wanted - set(self.observed.listens))

    def _deviates(self, kind: str) -> bool:
        return any(d.kind == kind for d in self.observed.deviations)

    def edited(self, service: str) -> list[int]:
        """Indexes of the release's instances of a service that somebody changed by hand."""
        key = self.release.services[service].key
        return sorted(
            d.index
            for d in self.observed.deviations
            if d.kind == "instance" and (d.subject, d.key) == (service, key)
        )

    def route_differs(self) -> bool:
        """True if not all traffic goes to this release already, over the same routes."""
        only_this = dict(self.observed.weights) == {str(self.release.number): 100}
        same = self.base is not None and self.base.routes == self.release.routes
        return not only_this or not same or self._route_moved() or self._deviates("route")

    def _route_moved(self) -> bool:
        """True if a routed service has to be started, so that its addresses will differ."""
        return any(
            not any(
                i.state in ("starting", "running", "ready")
                for i in self.observed.of(r.service, self.release.services[r.service].key)
            )
            for r in self.release.routes
        )
