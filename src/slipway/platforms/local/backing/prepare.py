"""From a backing service to the launch file of its program. Nothing is started here."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from slipway.app.model import Service
from slipway.errors import PlatformError
from slipway.plan.release import Release
from slipway.platforms.local import mounts, users
from slipway.platforms.local.backing import postgres, postgres_setup, redis
from slipway.platforms.local.backing.kinds import kind_of, version_note
from slipway.platforms.local.backing.postgres_setup import Setup
from slipway.platforms.local.launchfile import LaunchFile, NetData, UserData
from slipway.platforms.local.layout import Layout
from slipway.platforms.local.network.addresses import Allocation
from slipway.platforms.local.network.endpoints import backing_name
from slipway.platforms.local.runtime import Runtime
from slipway.platforms.local.tools import Tool, ensure_tool
from slipway.support.files import make_folder, storage_errors
from slipway.support.secrets.placeholder import placeholder

_SOCKET_ROOM = 85


async def prepare(
    runtime: Runtime, release: Release, service: Service, allocation: Allocation, fingerprint: str
) -> tuple[LaunchFile, Setup | None]:
    """The launch file of PostgreSQL or Redis; for PostgreSQL, what its first start needs too.

    Raises PlatformError, StorageError, ConfigError.
    """
    kind = kind_of(service)
    tool = await ensure_tool("postgres" if kind == "postgres" else "redis", runtime.context.cache)
    folder = runtime.layout.backing / service.name
    make_folder(folder)
    common = LaunchFile(
        name=backing_name(service.name),
        folder=str(folder),
        argv=(tool.path,),
        service=service.name,
        release=release.number,
        environment={**service.environment, **tool.environment, "LC_ALL": "C"},
        fixed={"PATH": f"{tool.folder}:{os.environ.get('PATH', os.defpath)}"},
        cwd=str(folder),
        address=allocation.address,
        secrets=runtime.secrets_data(release.secrets),
        fingerprint=fingerprint,
        detail=version_note(kind, service.image or "", tool.version),
        restart="unless-stopped" if service.restart == "no" else service.restart,
        log=str(runtime.layout.log_of(service.name, backing_name(service.name))),
    )
    if kind == "postgres":
        return _postgres(runtime, service, allocation, tool, common)
    return _redis(runtime.layout, service, allocation, common), None


def data_folder(layout: Layout, service: Service, targets: tuple[str, ...]) -> Path:
    """The volume or folder mounted where the image keeps its data, else one of its own."""
    for mount in service.mounts:
        if mount.target.rstrip("/") in targets:
            return mounts.volume_folder(layout, mount, layout.backing / service.name)
    return layout.volumes / f"{service.name}-data"


def _redis(
    layout: Layout, service: Service, allocation: Allocation, common: LaunchFile
) -> LaunchFile:
    data = data_folder(layout, service, ("/data", "/bitnami/redis/data", "/bitnami/valkey/data"))
    with storage_errors(data):
        data.mkdir(parents=True, exist_ok=True)
    paths = mounts.mount_all(layout, service, layout.backing / service.name).paths
    port = allocation.port(redis.PORT)
    text = redis.configuration(
        service, service.environment, allocation.address, port, str(data), paths
    )
    options = ("-h", allocation.address, "-p", str(port))
    return _with(
        common,
        argv=(*common.argv, "-"),
        stdin=text,
        port=port,
        cwd=str(data),
        net=_net(service, allocation, paths),
        client_options=dict.fromkeys(redis.CLIENTS, options),
    )


def _net(service: Service, allocation: Allocation, paths: Mapping[str, str]) -> NetData:
    """For what runs beside it (healthchecks, `exec`): it knows itself alone."""
    own = (allocation.address, allocation.ports)
    return NetData(endpoints={service.name: own}, own=own, paths=paths)


def _postgres(
    runtime: Runtime,
    service: Service,
    allocation: Allocation,
    tool: Tool,
    common: LaunchFile,
) -> tuple[LaunchFile, Setup]:
    layout = runtime.layout
    folder = Path(common.folder)
    user = users.unprivileged_user()
    data = _postgres_data(layout, service)
    _check_version(service, data, tool)
    mounted = mounts.mount_all(layout, service, folder)
    socket = socket_folder(layout, service.name)
    if user is not None:
        _open(runtime, user, tool, data, socket)
    port = allocation.port(postgres.PORT)
    argv = postgres.server_arguments(
        service.command, str(data), allocation.address, port, str(socket)
    )
    account = postgres.account(service, service.environment, _file_contents(service))
    client = {
        "PGHOST": str(socket),
        "PGPORT": str(port),
        "PGUSER": account.user,
        "PGDATABASE": account.database,
    }
    launch = _with(
        common,
        argv=(tool.path, *argv),
        port=port,
        cwd=str(data),
        umask=0o077,
        user=user,
        net=_net(service, allocation, mounted.paths),
        fixed={**common.fixed, **client},
        socket=str(socket),
        pid_locks=(str(data / "postmaster.pid"), str(socket / f".s.PGSQL.{port}.lock")),
        pid_program="postgres",
    )
    setup = Setup(
        service=service.name,
        programs=tool.folder,
        folder=folder,
        data=data,
        socket=socket,
        account=account,
        user=user,
        variables=tool.environment,
        scripts=_scripts(mounted.paths),
        runtime=layout.runtime(),
    )
    return launch, setup


def socket_folder(layout: Layout, service: str) -> Path:
    """A private folder for the server's socket, short enough for the system's limit."""
    own = layout.backing / service / "socket"
    if len(os.fsencode(own)) <= _SOCKET_ROOM:
        return own
    digest = hashlib.sha256(service.encode()).hexdigest()[:6]
    return layout.short.with_name(f"{layout.short.name}-{digest}")


def _postgres_data(layout: Layout, service: Service) -> Path:
    """PGDATA below a mount is a folder of the volume (`.../data/pgdata`)."""
    wanted = service.environment.get("PGDATA", "").rstrip("/")
    for mount in service.mounts:
        target = mount.target.rstrip("/")
        if wanted.startswith(f"{target}/"):
            base = mounts.volume_folder(layout, mount, layout.backing / service.name)
            return base / wanted.removeprefix(f"{target}/")
    return data_folder(layout, service, (wanted, *postgres.DATA_FOLDERS))


def _check_version(service: Service, data: Path, tool: Tool) -> None:
    made = postgres_setup.data_version(data)
    have = int(tool.version.split(".")[0])
    if made is not None and made != have:
        raise PlatformError(
            f"{service.name}: its data was made by PostgreSQL {made}, this machine has {have}",
            hint=f"put PostgreSQL {made} on PATH, or dump with it and restore with {have}; "
            f"the data is in {data}",
        )


def _open(runtime: Runtime, user: UserData, tool: Tool, data: Path, socket: Path) -> None:
    """Let the database's user reach its data and its programs."""
    ours = runtime.own_folders
    with storage_errors(data):
        data.parent.mkdir(parents=True, exist_ok=True)
    users.let_pass(data, user, ours)
    users.let_pass(socket, user, ours)
    users.let_pass(Path(tool.path), user, ours)
    if tool.source == "wheel":
        users.let_read(tool.folder.parent, user)


def _file_contents(service: Service) -> dict[str, str]:
    """Mounted secrets and configs by container path: text, perhaps a placeholder."""
    found = {}
    for file in service.files:
        if file.secret is not None:
            found[file.target] = placeholder(file.secret)
        elif file.content is not None:
            found[file.target] = file.content
        elif file.file is not None and Path(file.file).is_file():
            found[file.target] = Path(file.file).read_text().strip()
    return found


def _scripts(paths: dict[str, str]) -> tuple[Path, ...]:
    """The mounted init folder's scripts, or those mounted into it, in the image's order."""
    found: dict[str, Path] = {}
    for target, real in paths.items():
        if target == postgres.INIT_FOLDER and Path(real).is_dir():
            found.update((path.name, path) for path in Path(real).iterdir() if path.is_file())
        elif target.startswith(f"{postgres.INIT_FOLDER}/"):
            found[target.rpartition("/")[2]] = Path(real)
    return tuple(found[name] for name in sorted(found))


def _with(launch: LaunchFile, **changes: object) -> LaunchFile:
    import msgspec

    return msgspec.structs.replace(launch, **changes)
