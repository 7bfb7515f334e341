"""`build`: make a service's artifact, in the environment's own folder of artifacts."""

from __future__ import annotations

from slipway.errors import DriftError
from slipway.platforms.local import build, instances
from slipway.platforms.local.runtime import Runtime, in_thread
from slipway.platforms.protocol import Outcome, StepContext
from slipway.support.clock import SystemClock
from slipway.support.telemetry.events import StepProgress


async def apply(runtime: Runtime, context: StepContext) -> Outcome:
    """Outcome: {"artifact": id}. Raises BuildError, StorageError, DriftError."""
    release, entry = instances.entry_of(context.release, context.step.service)
    wanted = entry.artifact
    if wanted is not None and build.load_built(runtime.layout.artifacts, wanted.id) is not None:
        return {"artifact": wanted.id}
    place = runtime.context
    plan = await in_thread(
        build.plan_build, entry.service, project=place.project, cache=place.cache
    )
    if wanted is not None and plan.id != wanted.id:
        raise DriftError(
            f"the sources of {entry.service.name} changed after the plan was made",
            hint="run it again",
        )

    def on_line(line: str) -> None:
        now = SystemClock().now()
        context.emit(StepProgress(at=now, step=context.step.id, message=line))

    await build.build(
        plan,
        root=runtime.layout.artifacts,
        cache=place.cache,
        on_line=on_line,
        reveal=lambda text: runtime.revealed(text, release.secrets),
    )
    return {"artifact": plan.id}
