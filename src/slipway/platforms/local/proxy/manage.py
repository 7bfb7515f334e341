"""The proxy as a program, and every change of its routes written, then seen to be taken."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import anyio
import msgspec

from slipway.errors import PlatformError, PortTakenError
from slipway.platforms.local import launchfile
from slipway.platforms.local.launchfile import LaunchFile
from slipway.platforms.local.proxy import api, config, state
from slipway.platforms.local.proxy.state import Listen, ProxyState
from slipway.platforms.local.runtime import Runtime, in_thread, program_of
from slipway.platforms.local.supervision import daemon
from slipway.platforms.local.supervision.control import PID
from slipway.platforms.local.supervision.daemon import tail
from slipway.platforms.local.tools import ensure_tool
from slipway.support.files import atomic_write, make_folder

NAME = "proxy"
STATIC = "traefik.yaml"
DYNAMIC = "dyn/routes.yaml"
"""In the proxy's folder; of each there is a copy, `NAME.written`, to see changes by hand with."""
CONFIRM_DEADLINE = 5.0
START_DEADLINE = 15.0
TRUST_DEADLINE = 3.0
_API_PORT = 9000
_GRACE = 12.0
_CRASHES = 2


def read(runtime: Runtime) -> ProxyState:
    return state.read(runtime.layout.proxy)


def keep_chosen(runtime: Runtime, chosen: Mapping[str, int]) -> None:
    """Remember ports that the platform chose, so that a service keeps its own."""
    known = read(runtime)
    if dict(known.chosen) != dict(chosen):
        state.write(runtime.layout.proxy, msgspec.structs.replace(known, chosen=chosen))


async def ensure(runtime: Runtime, listens: Sequence[Listen]) -> bool:
    """Make the proxy run on exactly these ports; True if it was started or restarted.

    Raises PlatformError, PortTakenError, StorageError.
    """
    tool = await ensure_tool("traefik", runtime.context.cache)
    folder = runtime.layout.proxy
    allocation = runtime.book.allocate(NAME, [_API_PORT])
    address = (allocation.address, allocation.port(_API_PORT))
    known = read(runtime)
    ports = tuple(sorted(listens, key=lambda listen: (listen.port, listen.address)))
    lost = not (folder / DYNAMIC).parent.is_dir()  # it watches a folder that is no more
    make_folder(folder / "dyn")
    state.write(folder, msgspec.structs.replace(known, api=address, listens=ports))
    _write_dynamic(runtime, read(runtime))
    static = _encoded(config.static(ports, address, folder / "dyn"))
    path = folder / STATIC
    changed = lost or not path.exists() or path.read_bytes() != static
    changed = changed or bool(launchfile.edited(folder))
    atomic_write(folder / f"{STATIC}.written", static)
    atomic_write(path, static)
    launch = LaunchFile(
        name=NAME,
        folder=str(folder),
        argv=(tool.path, f"--configfile={path}"),
        environment=dict(tool.environment),
        cwd=str(folder),
        detail=f"Traefik {tool.version}",
        restart="always",
        log=str(runtime.layout.log_of(NAME, NAME)),
    )
    launchfile.write(launch)
    program = program_of(launch, priority=900, stop_grace=_GRACE)
    started = await runtime.control.run(program, restart=changed)
    await _wait_until_up(runtime)
    await _confirm(address, config.dynamic(read(runtime)))
    return started


def orphaned_ports(runtime: Runtime) -> tuple[int, ...]:
    """Ports that our proxy still holds though its supervisor was lost; it ends before the next
    one starts.
    """
    pid = daemon.read_pid(runtime.layout.proxy / PID)
    if pid is None or not daemon.is_alive(pid, runtime.layout.proxy / PID):
        return ()
    return tuple(listen.port for listen in read(runtime).listens)


async def stop(runtime: Runtime) -> None:
    """Stop the proxy; what it was told stays on disk until `forget`."""
    await runtime.control.stop(NAME)


async def wait_for_requests(
    runtime: Runtime, servers: Collection[tuple[str, int]], within: float
) -> None:
    """Wait until the proxy has no request in flight to these servers, or the time is over."""
    state = (await runtime.control.states()).get(NAME)
    if state is None or state.pid is None:
        return
    pid = state.pid
    with anyio.move_on_after(within):
        while await in_thread(_connected, pid, servers):
            await anyio.sleep(0.05)


def _connected(pid: int, servers: Collection[tuple[str, int]]) -> bool:
    import psutil

    try:
        found = psutil.Process(pid).net_connections("tcp")
    except psutil.Error:
        return False
    up = psutil.CONN_ESTABLISHED
    return any(c.status == up and c.raddr and tuple(c.raddr) in servers for c in found)


async def change(runtime: Runtime, changed: ProxyState) -> None:
    """Let the proxy do what `changed` says, and return when it does.

    Raises PlatformError if it does not within the deadline; the state on disk is then the
    former one, and so is the proxy's file.
    """
    before = read(runtime)
    wanted = config.dynamic(changed)
    _write_dynamic(runtime, changed)
    try:
        await _confirm(changed.api, wanted)
    except PlatformError:
        _write_dynamic(runtime, before)
        raise
    state.write(runtime.layout.proxy, changed)
    await _wait_until_trusted(changed.api)


def with_weights(known: ProxyState, weights: Mapping[str, int]) -> ProxyState:
    return msgspec.structs.replace(known, weights={n: w for n, w in weights.items() if w > 0})


async def _wait_until_trusted(address: tuple[str, int]) -> None:
    """A server that was away is sent nothing until a health check of the proxy has seen it again:
    give that its time. It is no failure: what is really down is seen by who verifies.
    """
    until = time.monotonic() + TRUST_DEADLINE
    while time.monotonic() < until:
        try:
            if not api.distrusted(await in_thread(api.overview, address)):
                return
        except api.NoAnswerError:
            return
        await anyio.sleep(0.05)


async def _confirm(address: tuple[str, int], wanted: config.Json) -> None:
    """Read the API back until it shows what the file says."""
    until = time.monotonic() + CONFIRM_DEADLINE
    left: list[str] = []
    while time.monotonic() < until:
        try:
            left = api.differences(wanted, await in_thread(api.overview, address))
        except api.NoAnswerError as error:
            left = [error.message]
        if not left:
            return
        await anyio.sleep(0.005)
    raise PlatformError(
        f"the proxy did not take its new routes within {CONFIRM_DEADLINE:.0f} s",
        details=left[:10],
        hint="see `deploy logs proxy`",
    )


async def _wait_until_up(runtime: Runtime) -> None:
    """The API answers and every port is bound; else say what the log says."""
    known = read(runtime)
    log = runtime.layout.log_of(NAME, NAME)
    until = time.monotonic() + START_DEADLINE
    while time.monotonic() < until:
        found = (await runtime.control.states()).get(NAME)
        if found is not None and found.state in ("RUNNING", "STARTING"):
            try:
                await in_thread(api.overview, known.api)
            except api.NoAnswerError:
                pass
            else:
                return
        elif found is not None and (found.state == "FATAL" or _starts(runtime) > _CRASHES):
            break
        await anyio.sleep(0.02)
    lines = tail(log)
    if any("address already in use" in line for line in lines):
        raise PortTakenError(
            "the proxy cannot listen: another program has taken one of its ports",
            details=lines,
            hint="choose others at environments.NAME.ports in deploy.yaml",
        )
    raise PlatformError("the proxy did not start", details=lines, hint=f"see {log}")


def _starts(runtime: Runtime) -> int:
    path = runtime.layout.proxy / "starts"
    return path.stat().st_size if path.exists() else 0


def _write_dynamic(runtime: Runtime, known: ProxyState) -> None:
    """Beside the watched folder, then renamed into it: never half a file in there, and none but
    ours.
    """
    folder: Path = runtime.layout.proxy
    path = folder / DYNAMIC
    make_folder(path.parent)
    data = _encoded(config.dynamic(known))
    atomic_write(folder / f"{path.name}.written", data)
    beside = folder / path.name
    atomic_write(beside, data)
    beside.replace(path)
    for other in path.parent.iterdir():
        if other != path and other.is_file():
            other.unlink()


def _encoded(data: config.Json) -> bytes:
    return msgspec.json.format(msgspec.json.encode(data), indent=1) + b"\n"
