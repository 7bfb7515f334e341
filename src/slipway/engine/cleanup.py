"""`deploy cleanup`: stop and remove everything that Slipway started; data only when asked."""

from __future__ import annotations

from slipway.engine.deploy import Approve, Result, RunOptions, run_plan
from slipway.engine.prepare import Prepared
from slipway.engine.workspace import Workspace
from slipway.plan.make import cleanup_plan


async def cleanup(
    workspace: Workspace, *, volumes: bool, approve: Approve, options: RunOptions
) -> Result:
    """Take the environment down. Its history stays, and so does its data without `volumes`."""

    async def prepare() -> Prepared:
        observed = await workspace.platform.observe()
        plan = cleanup_plan(
            app=workspace.target.app_id,
            environment=workspace.target.environment,
            platform=workspace.platform.name,
            observed=observed,
            volumes=volumes,
        )
        return Prepared(plan=plan, observed=observed, values={})

    return await run_plan(workspace, "cleanup", prepare, approve, options)
