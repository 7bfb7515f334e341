"""`deploy reconcile`: repair what differs between the current release and the world.

A repair is not taken back when it fails or is interrupted: every step of it leads to the
release that is current, and what is left of the drift is seen again.
"""

from __future__ import annotations

from slipway.engine.deploy import Approve, Result, RunOptions, run_plan
from slipway.engine.prepare import Prepared, installed_release, job_keys, plan_for
from slipway.engine.workspace import Workspace
from slipway.plan.drift import drift, repairs


async def reconcile(
    workspace: Workspace, *, verify: bool, approve: Approve, options: RunOptions
) -> Result:
    """Back to the current release, as it was made; verified afterwards.

    Raises RefusedError if nothing is installed.
    """

    async def prepare() -> Prepared:
        head = workspace.journal.head()
        release = installed_release(workspace, head)
        observed = await workspace.platform.observe()
        plan = plan_for(
            workspace,
            release,
            observed,
            head,
            verb="reconcile",
            verify=verify,
            new_release=False,
            finished_jobs=job_keys(release),
            keep=None,
        )
        plan = repairs(plan, drift(release, observed))
        return Prepared(plan=plan, observed=observed, values={})

    return await run_plan(workspace, "reconcile", prepare, approve, options)
