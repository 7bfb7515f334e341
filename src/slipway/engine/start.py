"""`deploy start`: bring the current release back, after a reboot."""

from __future__ import annotations

from slipway.engine.deploy import Approve, Result, RunOptions, run_plan
from slipway.engine.prepare import Prepared, installed_release, prepare_release
from slipway.engine.workspace import Workspace
from slipway.journal.journal import Head
from slipway.plan.observed import Observed
from slipway.plan.release import Release


async def start(
    workspace: Workspace, *, verify: bool, approve: Approve, options: RunOptions
) -> Result:
    """Start what of the current release does not run. Raises RefusedError if there is none."""

    def current(head: Head, observed: Observed) -> Release:
        del observed
        return installed_release(workspace, head)

    async def prepare() -> Prepared:
        return await prepare_release(workspace, current, verb="start", verify=verify)

    return await run_plan(workspace, "start", prepare, approve, options)
