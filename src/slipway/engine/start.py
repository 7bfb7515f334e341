"""`deploy start`: bring the current release back, after a reboot or a `stop`."""

from __future__ import annotations

from slipway.engine.deploy import Approve, Result, RunOptions, run_plan
from slipway.engine.prepare import Prepared, current_release, job_keys, plan_for
from slipway.engine.workspace import Workspace
from slipway.errors import RefusedError


async def start(
    workspace: Workspace, *, verify: bool, approve: Approve, options: RunOptions
) -> Result:
    """Start what of the current release does not run. Raises RefusedError if there is none."""

    async def prepare() -> Prepared:
        head = workspace.journal.head()
        release = current_release(workspace, head)
        if release is None:
            raise RefusedError(
                "nothing is installed here, so there is nothing to start",
                hint="`deploy install` installs it",
            )
        observed = await workspace.platform.observe()
        plan = plan_for(
            workspace,
            release,
            observed,
            head,
            verb="start",
            verify=verify,
            new_release=False,
            finished_jobs=job_keys(release),
        )
        return Prepared(plan=plan, observed=observed, values={})

    return await run_plan(workspace, "start", prepare, approve, options)
