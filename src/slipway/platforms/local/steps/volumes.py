"""`volume`: a named volume is a folder; it outlives every release."""

from __future__ import annotations

from slipway.platforms.local.runtime import Runtime
from slipway.platforms.protocol import Outcome, StepContext
from slipway.support.files import make_folder, storage_errors


async def make(runtime: Runtime, context: StepContext) -> Outcome:
    """Outcome: {"made": whether it was not there before}."""
    folder = runtime.layout.volumes / (context.step.service or "")
    made = not folder.is_dir()
    make_folder(folder, 0o755)
    return {"made": made}


async def undo(runtime: Runtime, context: StepContext, outcome: Outcome) -> None:
    """Only an empty one that was made just now: nobody's data is ever removed by an undo."""
    folder = runtime.layout.volumes / (context.step.service or "")
    if outcome.get("made") and folder.is_dir() and not any(folder.iterdir()):
        with storage_errors(folder, "remove"):
            folder.rmdir()
