"""`backing`: start a database or a cache, or replace it by one with another configuration."""

from __future__ import annotations

from pathlib import Path

from slipway.plan.release import Release
from slipway.platforms.local import body, instances, launchfile
from slipway.platforms.local.backing import postgres, postgres_setup
from slipway.platforms.local.backing.kinds import kind_of
from slipway.platforms.local.backing.postgres_setup import Setup
from slipway.platforms.local.backing.prepare import prepare
from slipway.platforms.local.launchfile import LaunchFile
from slipway.platforms.local.network import endpoints
from slipway.platforms.local.runtime import Runtime, in_thread, program_of
from slipway.platforms.local.supervision.conf import Program
from slipway.platforms.protocol import Outcome, StepContext
from slipway.support.clock import SystemClock
from slipway.support.files import atomic_write
from slipway.support.telemetry.events import Notice

PREVIOUS = "previous.json"


async def apply(runtime: Runtime, context: StepContext) -> Outcome:
    """Outcome: {"started": by us now, "replaced": bool, "detail": what differs from the image}."""
    release, entry = instances.entry_of(context.release, context.step.service)
    service = entry.service
    folder = runtime.layout.backing / service.name
    fingerprint = str(context.step.args.get("fingerprint", entry.fingerprint))
    before = launchfile.read(folder)
    await runtime.control.ensure_daemon()
    if await _is_running(runtime, service.name) and before is not None:
        if before.fingerprint == fingerprint or not context.step.args.get("replace"):
            return {"started": False, "replaced": False, "detail": before.detail}
        _keep_previous(folder)
    launch, setup = await _prepare(runtime, release, service.name, fingerprint)
    if "asks for" in launch.detail:
        context.emit(Notice(at=SystemClock().now(), message=f"{service.name}: {launch.detail}"))
    await _set_up(runtime, release, service.name, setup)
    launchfile.write(launch)
    await runtime.control.run(_program(release, service.name, launch), restart=True)
    replaced = (folder / PREVIOUS).exists()
    return {"started": True, "replaced": replaced, "detail": launch.detail}


async def undo(runtime: Runtime, context: StepContext, outcome: Outcome) -> None:
    """Put the former configuration back, or stop what was started; data always stays."""
    release, entry = instances.entry_of(context.release, context.step.service)
    folder = runtime.layout.backing / entry.service.name
    previous = folder / PREVIOUS
    if outcome.get("started") is False:
        return
    if previous.exists():
        previous.replace(folder / launchfile.NAME)
        launch = launchfile.read(folder)
        if launch is not None:
            program = _program(release, entry.service.name, launch)
            await runtime.control.run(program, restart=True)
        return
    if outcome.get("started"):
        name = endpoints.backing_name(entry.service.name)
        await runtime.control.stop(name)
        (folder / launchfile.NAME).unlink(missing_ok=True)
        await runtime.control.shut_down_if_idle()


async def _prepare(
    runtime: Runtime, release: Release, name: str, fingerprint: str
) -> tuple[LaunchFile, Setup | None]:
    entry = release.services[name]
    found = endpoints.allocate(release, runtime.book, instances.kinds(release))
    if kind_of(entry.service) != "custom":
        return await prepare(runtime, release, entry.service, found[name], fingerprint)
    await body.ensure_artifact(runtime, entry)
    launch = await in_thread(
        instances.write_instance,
        runtime,
        release,
        entry,
        0,
        folder=runtime.layout.backing / name,
        name=endpoints.backing_name(name),
    )
    return launch, None


async def _set_up(runtime: Runtime, release: Release, name: str, setup: Setup | None) -> None:
    """PostgreSQL's first start: with the secrets' values in memory alone."""
    if setup is None or postgres_setup.is_made(setup.folder, setup.data):
        return
    versions = release.secrets
    password = setup.account.password
    revealed = runtime.revealed(password, versions) if password is not None else None
    variables = release.services[name].service.environment
    await in_thread(
        postgres_setup.make,
        setup,
        revealed,
        {key: runtime.revealed(value, versions) for key, value in variables.items()},
    )


def _program(release: Release, name: str, launch: LaunchFile) -> Program:
    service = release.services[name].service
    if kind_of(service) != "postgres":
        return instances.program(launch, service)
    grace = max(service.stop_grace, 30.0)
    signal = postgres.STOP_SIGNAL
    return program_of(
        launch, priority=100, stop_signal=signal, stop_grace=grace, stop_as_group=False
    )


def _keep_previous(folder: Path) -> None:
    """Once: a step that is applied again must not take its own file for the former one."""
    if not (folder / PREVIOUS).exists():
        atomic_write(folder / PREVIOUS, (folder / launchfile.NAME).read_bytes())


async def _is_running(runtime: Runtime, service: str) -> bool:
    state = (await runtime.control.states()).get(endpoints.backing_name(service))
    return state is not None and state.state in ("STARTING", "RUNNING")
