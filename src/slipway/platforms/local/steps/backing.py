"""`backing`: start a database or a cache, or replace it by one with another configuration."""

from __future__ import annotations

from pathlib import Path

import msgspec

from slipway.plan.release import Release, ReleaseService
from slipway.platforms.local import body, instances, launchfile
from slipway.platforms.local.backing import postgres, postgres_setup
from slipway.platforms.local.backing.kinds import kind_of
from slipway.platforms.local.backing.postgres_setup import Setup
from slipway.platforms.local.backing.prepare import prepare
from slipway.platforms.local.launchfile import LaunchFile
from slipway.platforms.local.network import endpoints
from slipway.platforms.local.runtime import Runtime, in_thread, program_of
from slipway.platforms.local.steps import ready
from slipway.platforms.local.supervision.conf import Program
from slipway.platforms.protocol import Outcome, StepContext
from slipway.support.clock import SystemClock
from slipway.support.data import Frozen
from slipway.support.files import atomic_write
from slipway.support.telemetry.events import Notice

PREVIOUS = "previous.json"


class _Previous(Frozen, frozen=True, kw_only=True):
    """The configuration that `release` replaced by one with `fingerprint`."""

    release: int
    fingerprint: str
    launch: LaunchFile


async def apply(runtime: Runtime, context: StepContext) -> Outcome:
    """Outcome: {"started": by us now, "replaced": bool, "detail": what differs from the image}."""
    release, entry = instances.entry_of(context.release, context.step.service)
    name = entry.service.name
    folder = runtime.layout.backing / name
    fingerprint = _fingerprint(context, entry)
    before = launchfile.read(folder)
    await runtime.control.ensure_daemon()
    if before is not None and await _is_running(runtime, name):
        same = before.fingerprint == fingerprint
        again = bool(context.step.args.get("restart")) and bool(launchfile.edited(folder))
        if (same and not again) or not context.step.args.get("replace"):
            return _outcome(before, release, started=same and instances.is_new(before))
        if not same:
            previous = _Previous(release=release.number, fingerprint=fingerprint, launch=before)
            atomic_write(folder / PREVIOUS, msgspec.json.encode(previous))
    launch, setup = await _prepare(runtime, release, name, fingerprint)
    if "asks for" in launch.detail:
        context.emit(Notice(at=SystemClock().now(), message=f"{name}: {launch.detail}"))
    await _set_up(runtime, release, name, setup)
    launchfile.write(launch)
    instances.mark_new(folder)
    await runtime.control.run(_program(release, name, launch), restart=True)
    return _outcome(launch, release, started=True)


async def undo(runtime: Runtime, context: StepContext, outcome: Outcome) -> None:
    """Put the former configuration back, or stop what was started; data always stays."""
    release, entry = instances.entry_of(context.release, context.step.service)
    name = entry.service.name
    folder = runtime.layout.backing / name
    launch = launchfile.read(folder)
    previous = _replaced(folder, release, _fingerprint(context, entry))
    if previous is not None:
        launchfile.write(previous.launch)
        await runtime.control.run(_program(release, name, previous.launch), restart=True)
        (folder / PREVIOUS).unlink()
        await ready.wait(runtime, context)
    elif launch is not None and outcome.get("started", instances.is_new(launch)):
        await runtime.control.stop(endpoints.backing_name(name))
        (folder / launchfile.NAME).unlink(missing_ok=True)
        await runtime.control.shut_down_if_idle()


def _fingerprint(context: StepContext, entry: ReleaseService) -> str:
    return str(context.step.args.get("fingerprint", entry.fingerprint))


def _outcome(launch: LaunchFile, release: Release, *, started: bool) -> Outcome:
    replaced = _replaced(Path(launch.folder), release, launch.fingerprint) is not None
    return {"started": started or replaced, "replaced": replaced, "detail": launch.detail}


def _replaced(folder: Path, release: Release, fingerprint: str) -> _Previous | None:
    """What this release's step replaced here; that of another one does not count."""
    try:
        found = msgspec.json.decode((folder / PREVIOUS).read_bytes(), type=_Previous)
    except (OSError, msgspec.DecodeError):
        return None
    return found if (found.release, found.fingerprint) == (release.number, fingerprint) else None


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
    return program_of(launch, priority=100, stop_signal=signal, stop_grace=grace)


async def _is_running(runtime: Runtime, service: str) -> bool:
    state = (await runtime.control.states()).get(endpoints.backing_name(service))
    return state is not None and state.state in ("STARTING", "RUNNING")
