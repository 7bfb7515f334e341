"""`start`, `drain` and `stop`: the instances of one service."""

from __future__ import annotations

from typing import Any

import msgspec

from slipway.errors import PlatformError
from slipway.plan.release import Release, ReleaseService
from slipway.platforms.local import body, instances, launchfile
from slipway.platforms.local.network.endpoints import backing_name, instance_name
from slipway.platforms.local.proxy import manage
from slipway.platforms.local.runtime import Runtime, in_thread
from slipway.platforms.local.steps import proxy, ready
from slipway.platforms.protocol import Outcome, StepContext

_GRACE = 10.0


async def start(runtime: Runtime, context: StepContext) -> Outcome:
    """Make `replicas` instances run, no more; what runs already is left alone.

    Outcome: {"started": [names], "stopped": [names]}.
    """
    release, entry = instances.entry_of(context.release, context.step.service)
    wanted = int(context.step.args.get("replicas", entry.service.replicas))
    if entry.service.role == "backing":
        raise PlatformError(f"{entry.service.name} is a backing service: it is never duplicated")
    up = await _running(runtime)
    again = [name for name in _to_restart(runtime, context, entry) if name in up]
    await _relieve(runtime, context, entry, again)
    started = []
    for index in range(wanted):
        name = instance_name(entry.service.name, entry.key, index)
        if name not in up or name in again or not _is_known(runtime, name):
            await _start_one(runtime, release, entry, index, name)
        if name not in up:
            started.append(name)
    extra = [i.name for i in _set(runtime, entry) if i.index >= wanted]
    await instances.stop(runtime, extra)
    instances.prune_logs(runtime.layout.logs / entry.service.name)
    return {"started": started, "stopped": extra}


def _is_known(runtime: Runtime, name: str) -> bool:
    """False for one whose launch file was taken away: it could not be started again."""
    return launchfile.read(runtime.layout.instances / name) is not None


def _to_restart(runtime: Runtime, context: StepContext, entry: ReleaseService) -> list[str]:
    """Instances that are to be started anew, and were not yet."""
    indexes = context.step.args.get("restart", ())
    names = [instance_name(entry.service.name, entry.key, index) for index in indexes]
    return [name for name in names if launchfile.edited(runtime.layout.instances / name)]


async def _relieve(
    runtime: Runtime, context: StepContext, entry: ReleaseService, names: list[str]
) -> None:
    """Take instances out of the traffic, if others are there, and wait for their requests."""
    others = [i for i in _set(runtime, entry) if i.name not in names]
    if not names or not others or context.release is None:
        return
    await proxy.refresh(runtime, context.release, without=names)
    allocations = [a for name in names if (a := runtime.book.get(name)) is not None]
    servers = {(a.address, port) for a in allocations for port in a.ports.values()}
    await manage.wait_for_requests(runtime, servers, entry.service.stop_grace)


async def undo_start(runtime: Runtime, context: StepContext, outcome: Outcome) -> None:
    """Stop what this step started. Cut off, that is what the plan did not see running."""
    names = outcome.get("started")
    if names is None:
        _, entry = instances.entry_of(context.release, context.step.service)
        before = int(context.step.args["before"])
        names = [i.name for i in _set(runtime, entry) if i.index >= before]
    await instances.stop(runtime, names)
    await runtime.control.shut_down_if_idle()


async def drain(runtime: Runtime, context: StepContext) -> Outcome:
    """Let the instances of a key finish and stop them: the plan says that nobody needs them.

    First the requests that the proxy has in flight may end, then each gets its stop signal.
    """
    service, key = context.step.service, str(context.step.args["key"])
    found = [i for i in launchfile.read_all(runtime.layout.instances) if i.service == service]
    leave = int(context.step.args.get("leave", 0))
    found = [i for i in found if i.key == key and i.index >= leave]
    for release in (context.base, context.release) if leave and found else ():
        if release is not None:
            await proxy.refresh(runtime, release, without={i.name for i in found})
    allocations = [a for i in found if (a := runtime.book.get(i.name)) is not None]
    servers = {(a.address, port) for a in allocations for port in a.ports.values()}
    grace = float(context.step.args.get("grace", _GRACE))
    await manage.wait_for_requests(runtime, servers, grace)
    names = [i.name for i in found]
    await instances.stop(runtime, names)
    return {"stopped": names}


async def undo_drain(runtime: Runtime, context: StepContext, outcome: Outcome) -> None:
    """Start the old set again (a `recreate` stops it before the new one was proven)."""
    del outcome
    service, key = context.step.service or "", str(context.step.args["key"])
    base = context.base
    entry = base.services.get(service) if base is not None else None
    if base is None or entry is None or entry.key != key:
        return
    up = await _running(runtime)
    for index in range(int(context.step.args["replicas"])):
        name = instance_name(service, key, index)
        if name not in up:
            await _start_one(runtime, base, entry, index, name)
    await ready.wait(runtime, _waiting(context, base, key))
    await proxy.refresh(runtime, base)


def _waiting(context: StepContext, base: Release, key: str) -> StepContext:
    """The same step's context, to wait for the old set with."""
    step = msgspec.structs.replace(context.step, args={"key": key})
    return msgspec.structs.replace(context, step=step, release=base)


async def stop(runtime: Runtime, context: StepContext) -> Outcome:
    """Stop a service for good, all its keys; a backing service keeps its data."""
    service = context.step.service or ""
    found = launchfile.read_all(runtime.layout.instances)
    names = [i.name for i in found if i.service == service]
    await instances.stop(runtime, names)
    launch = launchfile.read(runtime.layout.backing / service)
    if launch is not None:
        await runtime.control.stop(backing_name(service))
        await in_thread((runtime.layout.backing / service / launchfile.NAME).unlink, True)
        runtime.book.release([backing_name(service)])
    await runtime.control.shut_down_if_idle()
    return {"stopped": names}


async def nothing(runtime: Runtime, context: StepContext, outcome: Outcome) -> None:
    """For steps that have nothing to take back."""
    del runtime, context, outcome


async def _running(runtime: Runtime) -> set[str]:
    """Names of programs that run as they should, under a supervisor that is there."""
    await runtime.control.ensure_daemon()
    states = await runtime.control.states()
    return {name for name, state in states.items() if state.state in ("STARTING", "RUNNING")}


async def _start_one(
    runtime: Runtime, release: Release, entry: ReleaseService, index: int, name: str
) -> None:
    await body.ensure_artifact(runtime, entry)
    await runtime.control.stop(name)
    folder = runtime.layout.instances / name
    arguments: dict[str, Any] = {"folder": folder, "name": name}
    launch = await in_thread(instances.write_instance, runtime, release, entry, index, **arguments)
    await runtime.control.run(instances.program(launch, entry.service))


def _set(runtime: Runtime, entry: ReleaseService) -> list[launchfile.LaunchFile]:
    return instances.of(runtime, entry.service.name, entry.key)
