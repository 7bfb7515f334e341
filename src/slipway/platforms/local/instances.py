"""From a service of a release to its instances: folders, launch files, programs.

A service with the same key in two releases is one running set, so everything here is found
by (service, key, index). Applied again, what runs as it should is left alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from slipway.app.model import PlatformOverride, Service
from slipway.errors import PlatformError
from slipway.plan.release import Release, ReleaseService
from slipway.platforms.local import launchfile
from slipway.platforms.local.backing.kinds import kind_of
from slipway.platforms.local.body import Body, make_body
from slipway.platforms.local.launchfile import EndpointData, LaunchFile, NetData
from slipway.platforms.local.mounts import mount_all
from slipway.platforms.local.network import endpoints
from slipway.platforms.local.network.addresses import Allocation
from slipway.platforms.local.runtime import HOOKS, Runtime, program_of
from slipway.platforms.local.supervision.conf import Program
from slipway.support.files import atomic_write, storage_errors

_KEPT_LOGS = 12
_NEW = "new"
PRIORITY = {"backing": 100, "worker": 500, "web": 500, "job": 600}


def kinds(release: Release) -> dict[str, str]:
    """How each backing service of a release is run here."""
    return {
        name: kind_of(entry.service)
        for name, entry in release.services.items()
        if entry.service.role == "backing"
    }


def entry_of(release: Release | None, service: str | None) -> tuple[Release, ReleaseService]:
    """A step's service in its release. Raises PlatformError for a step that names none."""
    if release is None or service is None or service not in release.services:
        raise PlatformError(f"this step needs a release with a service {service or ''}".strip())
    return release, release.services[service]


def write_instance(
    runtime: Runtime,
    release: Release,
    entry: ReleaseService,
    index: int,
    *,
    folder: Path,
    name: str,
) -> LaunchFile:
    """Make one instance's folder anew, with its own copy of the artifact, and its launch file.

    Raises PlatformError, StorageError. Blocking.
    """
    service = entry.service
    found = endpoints.allocate(release, runtime.book, kinds(release))
    ports = endpoints.container_ports(release, entry)
    own = runtime.book.allocate(name, ports)
    _fresh(folder)
    mounted = mount_all(runtime.layout, service, folder)
    body = make_body(runtime, entry, folder, mounted.paths)
    port = endpoints.first_port(service, ports)
    launch = LaunchFile(
        name=name,
        folder=str(folder),
        argv=body.argv,
        environment=_environment(release, service, body, port),
        cwd=body.cwd,
        service=service.name,
        key=entry.key,
        index=index,
        release=release.number,
        address=own.address,
        port=own.port(port) if port is not None else None,
        fixed=body.fixed,
        net=_net(release, service, found, own, body),
        files=tuple(mounted.files),
        secrets=runtime.secrets_data(release.secrets),
        hooks=str(HOOKS),
        fingerprint=entry.fingerprint,
        restart=service.restart,
        log=str(runtime.layout.log_of(service.name, name)),
    )
    launchfile.write(launch)
    mark_new(folder)
    return launch


def program(launch: LaunchFile, service: Service, *, start_seconds: int = 1) -> Program:
    """How the supervisor runs an instance of `service`."""
    return program_of(
        launch,
        priority=PRIORITY[service.role],
        stop_signal=_signal_name(service.stop_signal),
        stop_grace=service.stop_grace,
        start_seconds=start_seconds,
    )


def of(runtime: Runtime, service: str, key: str) -> list[LaunchFile]:
    """The launch files of one running set, by index."""
    parent = runtime.layout.instances if key else runtime.layout.backing
    found = [i for i in launchfile.read_all(parent) if i.service == service and i.key == key]
    return sorted(found, key=lambda launch: launch.index)


def mark_new(folder: Path) -> None:
    """Until it was ready once, an instance is what its step started: a step that was cut off
    knows by this what to take back.
    """
    atomic_write(folder / _NEW, b"")


def is_new(launch: LaunchFile) -> bool:
    return (Path(launch.folder) / _NEW).exists()


def clear_new(launch: LaunchFile) -> None:
    (Path(launch.folder) / _NEW).unlink(missing_ok=True)


async def stop(runtime: Runtime, names: Iterable[str]) -> None:
    """Stop instances at once, wait for each, and remove what was only theirs. Idempotent."""
    import anyio

    gone = list(names)
    async with anyio.create_task_group() as group:
        for name in gone:
            group.start_soon(runtime.control.stop, name)
    for name in gone:
        _remove(runtime.layout.instances / name)
        _remove(runtime.layout.runtime() / name)
    runtime.book.release(gone)


def prune_logs(folder: Path, keep: int = _KEPT_LOGS) -> None:
    """Keep the newest logs of a service: each instance had its own."""
    found = sorted(folder.glob("*.log*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found[keep:]:
        path.unlink(missing_ok=True)


def _environment(
    release: Release, service: Service, body: Body, port: int | None
) -> dict[str, str]:
    """The image's variables, the service's, then the platform's own words for it."""
    override = service.overrides.get("local", PlatformOverride())
    values = {**body.environment, **service.environment, **override.environment}
    if service.role == "web" and port is not None:
        values.setdefault("PORT", str(port))
    return {
        "LANG": "C.UTF-8",
        **values,
        "DEPLOY_VERSION": release.label,
        "DEPLOY_RELEASE": str(release.number),
        "DEPLOY_ENVIRONMENT": release.environment,
    }


def _net(
    release: Release,
    service: Service,
    found: Mapping[str, Allocation],
    own: Allocation,
    body: Body,
) -> NetData:
    known = endpoints.names(release, found)
    known.update(endpoints.linked(service, known))
    known[service.name] = own
    return NetData(
        endpoints={name: _data(allocation) for name, allocation in known.items()},
        own=_data(own),
        paths=body.paths,
    )


def _data(allocation: Allocation) -> EndpointData:
    return allocation.address, allocation.ports


def _signal_name(given: str) -> str:
    """`SIGTERM`, `TERM` and `15` are the same."""
    import signal

    if given.isdigit():
        return signal.Signals(int(given)).name
    return given if given.startswith("SIG") else f"SIG{given}"


def _fresh(folder: Path) -> None:
    _remove(folder)
    with storage_errors(folder):
        folder.mkdir(parents=True)


def _remove(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink():
        with storage_errors(folder, "remove"):
            shutil.rmtree(folder)
