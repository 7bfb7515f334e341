"""`job`: run a one-shot service to its end, under the supervisor.

So a job goes on when the tool is killed, and the same step applied again waits for that one
instead of starting a second.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import anyio

from slipway.errors import JobError
from slipway.plan.release import Release, ReleaseService
from slipway.platforms.local import body, instances
from slipway.platforms.local.network.endpoints import KEY_LENGTH
from slipway.platforms.local.runtime import Runtime, in_thread
from slipway.platforms.local.supervision.daemon import tail
from slipway.platforms.local.supervision.rpc import ProgramState
from slipway.platforms.protocol import Outcome, StepContext
from slipway.support.clock import SystemClock
from slipway.support.telemetry.events import StepProgress

_DEADLINE = 600.0


async def run(runtime: Runtime, context: StepContext) -> Outcome:
    """Outcome: {"exit_code": 0, "log": path}. Raises JobError."""
    release, entry = instances.entry_of(context.release, context.step.service)
    name = job_name(entry)
    deadline = float(context.step.args.get("deadline") or _DEADLINE)
    await runtime.control.ensure_daemon()
    if name not in await runtime.control.states():
        await _start(runtime, release, entry, name)
    log = runtime.layout.log_of(entry.service.name, name)
    ended = await _wait(runtime, context, name, log, deadline)
    await _forget(runtime, name)
    if ended is None:
        raise JobError(
            f"the job {entry.service.name} was not done after {deadline:.0f} s, and was stopped",
            details=tail(log),
            hint="its last log lines say what it was at",
        )
    if ended.exit_code != 0:
        code = ended.exit_code
        how = f"exit code {code}" if code is not None and code >= 0 else "a signal"
        raise JobError(
            f"the job {entry.service.name} ended with {how}",
            details=tail(log),
            hint="its last log lines say why; mend it, and run the same command again",
        )
    return {"exit_code": 0, "log": str(log)}


async def undo(runtime: Runtime, context: StepContext, outcome: Outcome) -> None:
    """What it did cannot be taken back; one that still runs is stopped."""
    del outcome
    _, entry = instances.entry_of(context.release, context.step.service)
    await _forget(runtime, job_name(entry))


def job_name(entry: ReleaseService) -> str:
    return f"job.{entry.service.name}-{entry.key[:KEY_LENGTH]}"


async def _start(runtime: Runtime, release: Release, entry: ReleaseService, name: str) -> None:
    import msgspec

    await body.ensure_artifact(runtime, entry)
    folder = runtime.layout.jobs / name
    launch = await in_thread(
        instances.write_instance, runtime, release, entry, 0, folder=folder, name=name
    )
    once = msgspec.structs.replace(launch, restart="no")
    await runtime.control.run(instances.program(once, entry.service, start_seconds=0))


async def _wait(
    runtime: Runtime, context: StepContext, name: str, log: Path, deadline: float
) -> ProgramState | None:
    """Its last state, or None if the deadline passed first."""
    until = time.monotonic() + deadline
    said = ""
    while time.monotonic() < until:
        state = (await runtime.control.states()).get(name)
        if state is None or state.state in ("EXITED", "FATAL", "STOPPED"):
            return state or ProgramState(name, "LOST", None, None, None, None, "it was lost")
        line = next(iter(tail(log, 1, 4096)), "")
        if line != said:
            said = line
            at = SystemClock().now()
            context.emit(StepProgress(at=at, step=context.step.id, message=line))
        await anyio.sleep(0.05)
    return None


async def _forget(runtime: Runtime, name: str) -> None:
    await runtime.control.stop(name)
    await in_thread(shutil.rmtree, runtime.layout.jobs / name, True)
    await in_thread(shutil.rmtree, runtime.layout.runtime() / name, True)
    runtime.book.release([name])
