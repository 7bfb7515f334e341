"""App + artifacts + secret versions -> the Release that is wanted. Pure; called by the verbs."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from slipway.app.assemble.healthcheck import healthcheck_deadline, probe_of
from slipway.app.model import App, Rollout, Service
from slipway.plan.merkle import fingerprint, local_hash, secrets_of, service_keys
from slipway.plan.release import Artifact, GitState, Release, ReleaseService
from slipway.support.data import Frozen
from slipway.support.secrets.placeholder import names_in


class Inputs(Frozen, frozen=True, kw_only=True):
    """What a release is made of. `artifacts` may lack services that the platform skips.

    `contents` maps mounted files to digests; `secrets` name -> version that it will pin.
    """

    app: App
    platform: str
    artifacts: Mapping[str, Artifact]
    secrets: Mapping[str, int]
    label: str
    number: int
    created: float
    contents: Mapping[str, str] = {}
    git: GitState | None = None


def desired_release(inputs: Inputs) -> Release:
    """The release that `inputs` describe; services that the platform skips are left out."""
    app = without_skipped(inputs.app, inputs.platform)
    services = {
        name: _with_own_healthcheck(service, inputs.artifacts.get(name))
        for name, service in app.services.items()
    }
    local = {
        name: local_hash(
            service,
            directory=app.directory,
            artifact=inputs.artifacts.get(name),
            secrets=inputs.secrets,
            label=inputs.label,
            contents=inputs.contents,
        )
        for name, service in services.items()
    }
    keys = service_keys(services, local)
    used = {name for service in services.values() for name in secrets_of(service)}
    used.update(names_in(msgspec.json.encode(app.smoke_tests).decode()))
    return Release(
        number=inputs.number,
        label=inputs.label,
        app=app.name,
        environment=app.environment.name,
        platform=inputs.platform,
        created=inputs.created,
        services={
            name: ReleaseService(
                service=service,
                key=keys[name],
                fingerprint=fingerprint(service, local[name]),
                artifact=inputs.artifacts.get(name),
            )
            for name, service in services.items()
        },
        routes=app.routes,
        volumes=app.volumes,
        secrets={name: inputs.secrets[name] for name in sorted(used & inputs.secrets.keys())},
        smoke_tests=app.smoke_tests,
        rollout=app.rollout,
        git=inputs.git,
    )


def without_skipped(app: App, platform: str) -> App:
    """`app` without the services that `platform` skips, and without their routes.

    For who asks a platform about an app: what it skips need not be something that it can run.
    """
    services = {n: s for n, s in app.services.items() if not _skipped(s, platform)}
    routes = tuple(route for route in app.routes if route.service in services)
    return msgspec.structs.replace(app, services=services, routes=routes)


def _with_own_healthcheck(service: Service, artifact: Artifact | None) -> Service:
    """The image's health check where nothing else says how to ask a service that has a port."""
    if artifact is None or artifact.healthcheck is None or not service.probes.assumed:
        return service
    spec = {"healthcheck": artifact.healthcheck, "environment": dict(service.environment)}
    probe = probe_of(spec, frozenset({service.name}))
    if probe is None:
        return service
    probes = msgspec.structs.replace(
        service.probes,
        readiness=probe,
        deadline=healthcheck_deadline(probe, service.probes.deadline),
        assumed=False,
    )
    return msgspec.structs.replace(service, probes=probes)


def _skipped(service: Service, platform: str) -> bool:
    override = service.overrides.get(platform)
    return override is not None and override.skip


def same_content(one: Release, other: Release) -> bool:
    """True if the two differ at most in number, label, time, git state and rollout."""
    return _content(one) == _content(other)


def _content(release: Release) -> Release:
    return msgspec.structs.replace(
        release,
        rollout=Rollout(),
        number=0,
        label="",
        created=0.0,
        git=None,
        services=_without_origin(release),
    )


def _without_origin(release: Release) -> dict[str, ReleaseService]:
    return {
        name: msgspec.structs.replace(
            entry, service=msgspec.structs.replace(entry.service, origin=None, build=None)
        )
        for name, entry in release.services.items()
    }
