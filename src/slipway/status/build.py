"""Journal + observed -> Status. Pure but for `read_status`, which asks for both first."""

from __future__ import annotations

import socket

from slipway.engine.workspace import Workspace
from slipway.journal.journal import Head
from slipway.journal.lease import LeaseRecord, holder, is_live
from slipway.plan.drift import drift
from slipway.plan.observed import Instance, Observed
from slipway.plan.release import Release, ReleaseService
from slipway.status.document import (
    InstanceStatus,
    ReleaseStatus,
    RouteStatus,
    RunStatus,
    ServiceState,
    ServiceStatus,
    Status,
)

_OFTEN = 3
_LATELY = 30.0


def is_up(instance: Instance, now: float) -> bool:
    """It runs: one that only just started counts, one that keeps being started does not."""
    if instance.state == "starting":
        return instance.restarts == 0
    return instance.state in ("running", "ready") and not _keeps_ending(instance, now)


def _keeps_ending(instance: Instance, now: float) -> bool:
    """It runs just now, was started again often, and that only a moment (seconds) ago."""
    lately = instance.started is not None and now - instance.started < _LATELY
    return lately and instance.restarts >= _OFTEN


async def read_status(workspace: Workspace) -> Status:
    """Look at the platform and the journal once."""
    head = workspace.journal.head()
    release = workspace.releases.get(head.current) if head.current is not None else None
    observed = await workspace.platform.observe()
    return build_status(
        release=release,
        head=head,
        observed=observed,
        lease=holder(workspace.store),
        app=workspace.target.app_id,
        environment=workspace.target.environment,
        platform=workspace.platform.name,
        now=workspace.clock.now(),
    )


def build_status(
    *,
    release: Release | None,
    head: Head,
    observed: Observed,
    lease: LeaseRecord | None,
    app: str,
    environment: str,
    platform: str,
    now: float,
) -> Status:
    """The document. Healthy: all of the current release is up and has all the traffic.

    An interrupted run is a problem to mend, but the app's users see nothing of it.
    """
    services = (
        tuple(_service(entry, observed, now) for entry in release.services.values())
        if release
        else ()
    )
    run = _run(head, lease, now)
    shared = run is not None and run.live
    problems = _problems(release, observed, services, shared=shared)
    healthy = release is not None and not problems
    if run is not None and not run.live:
        problems.append(f"run {run.run} ({run.verb}) was interrupted; `deploy resume` closes it")
    return Status(
        app=release.app if release else app,
        environment=environment,
        platform=platform,
        healthy=healthy,
        release=_release(release, head) if release else None,
        urls=observed.urls,
        services=services,
        routes=tuple(
            RouteStatus(release=int(number), weight=weight)
            for number, weight in sorted(observed.weights.items(), key=lambda item: int(item[0]))
        ),
        run=run,
        problems=tuple(problems),
        drift=drift(release, observed) if release and run is None else (),
    )


def _release(release: Release, head: Head) -> ReleaseStatus:
    return ReleaseStatus(
        number=release.number,
        label=release.label,
        verified=release.number in head.verified,
        created=release.created,
        commit=release.git.commit if release.git else None,
    )


def _service(entry: ReleaseService, observed: Observed, now: float) -> ServiceStatus:
    service = entry.service
    instances = observed.of(service.name, entry.key)
    if service.role == "job":
        return ServiceStatus(
            name=service.name, role="job", state="done", wanted=0, up=0, healthy=True
        )
    wanted = 1 if service.role == "backing" else service.replicas
    up = [i for i in instances if is_up(i, now)]
    return ServiceStatus(
        name=service.name,
        role=service.role,
        state=_state(instances, len(up), wanted, now),
        wanted=wanted,
        up=len(up),
        healthy=len(up) >= wanted,
        instances=tuple(_instance(i) for i in instances),
        detail=next((i.detail for i in instances if i.detail), ""),
    )


def _state(instances: tuple[Instance, ...], up: int, wanted: int, now: float) -> ServiceState:
    states = {i.state for i in instances}
    if up >= wanted:
        return "running"
    if up:
        return "degraded"
    if "crashed" in states or any(_keeps_ending(i, now) for i in instances):
        return "crashed"
    return "starting" if "starting" in states else "stopped"


def _instance(instance: Instance) -> InstanceStatus:
    return InstanceStatus(
        index=instance.index,
        state=instance.state,
        address=instance.address,
        pid=instance.pid,
        started=instance.started,
        restarts=instance.restarts,
        detail=instance.detail,
    )


def _problems(
    release: Release | None,
    observed: Observed,
    services: tuple[ServiceStatus, ...],
    *,
    shared: bool,
) -> list[str]:
    """`shared`: a run goes on that may share the traffic out."""
    if release is None:
        return []
    problems = [
        f"{s.name} is {s.state}: {s.up} of {s.wanted} up" for s in services if not s.healthy
    ]
    if release.routes and not observed.proxy:
        problems.append("the proxy does not run")
    elif release.routes and not shared and observed.weights.get(str(release.number)) != 100:
        problems.append(f"release {release.number} does not have all the traffic")
    return problems


def _run(head: Head, lease: LeaseRecord | None, now: float) -> RunStatus | None:
    if head.interrupted is None:
        return None
    opened = head.interrupted.opened
    return RunStatus(
        run=opened.run,
        verb=opened.verb,
        since=opened.at,
        owner=f"{opened.owner.user}@{opened.owner.host}",
        live=lease is not None and is_live(lease, now=now, host=socket.gethostname()),
    )
