"""The `deploy` command, stopping at one moment: `python stopped_tool.py ARGUMENTS`.

`DRILL` is KIND:MOMENT: the first step of that kind, `before`, `inside` or `after` it. There it
says so on the pipe `DRILL_REACHED`, and waits for a byte on the pipe `DRILL_GO`; whoever drills
kills it meanwhile, or something else. `inside` is at the second thing that the step does to the
world: a file that is made, renamed or removed, a process that is started, a socket.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from slipway.engine.own_steps import OwnSteps
from slipway.platforms.local.platform import LocalPlatform
from slipway.platforms.protocol import Outcome, StepContext

KIND, MOMENT = os.environ.pop("DRILL").split(":")
REACHED, GO = int(os.environ.pop("DRILL_REACHED")), int(os.environ.pop("DRILL_GO"))
DOING = frozenset(
    {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "subprocess.Popen", "socket.connect"}
)


class Stop:
    """Stops the process once. `inside` counts what the step does, in whatever thread."""

    def __init__(self) -> None:
        self.open = True
        self.inside = False
        self.done = 0

    def reach(self) -> None:
        if self.open:
            self.open = False
            os.write(REACHED, b".")
            os.read(GO, 1)

    def audit(self, event: str, arguments: Any) -> None:
        if self.inside and event in DOING:
            self.done += 1
            if self.done == 2:
                self.reach()


def stopping(stop: Stop, apply: Any) -> Any:
    """`apply`, stopping where it is told."""

    async def wrapped(self: Any, context: StepContext) -> Outcome:
        if context.step.kind != KIND:
            return await apply(self, context)  # type: ignore[no-any-return]
        if MOMENT == "before":
            stop.reach()
        stop.inside = MOMENT == "inside"
        outcome: Outcome = await apply(self, context)
        stop.inside = False
        if MOMENT != "before":
            stop.reach()
        return outcome

    return wrapped


if __name__ == "__main__":
    stop = Stop()
    sys.addaudithook(stop.audit)
    LocalPlatform.apply = stopping(stop, LocalPlatform.apply)  # type: ignore[method-assign]
    OwnSteps.apply = stopping(stop, OwnSteps.apply)  # type: ignore[method-assign]
    from slipway.cli.main import main

    sys.exit(main())
