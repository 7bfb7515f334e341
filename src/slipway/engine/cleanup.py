"""`deploy cleanup`: stop and remove everything that Slipway started; data only when asked."""

from __future__ import annotations

from pathlib import Path

from slipway.engine.deploy import Approve, Result, RunOptions, run_plan
from slipway.engine.prepare import Prepared
from slipway.engine.workspace import Workspace
from slipway.plan.make import cleanup_plan


def _app_name(workspace: Workspace) -> str:
    """As the last release has it: the Compose file may be broken, or gone."""
    numbers = workspace.releases.numbers()
    if not numbers:
        return Path(workspace.target.directory).name
    return workspace.releases.get(numbers[-1]).app


async def cleanup(
    workspace: Workspace, *, volumes: bool, approve: Approve, options: RunOptions
) -> Result:
    """Take the environment down. Its history stays, and so does its data without `volumes`."""

    async def prepare() -> Prepared:
        observed = await workspace.platform.observe()
        plan = cleanup_plan(
            app=_app_name(workspace),
            environment=workspace.target.environment,
            platform=workspace.platform.name,
            observed=observed,
            volumes=volumes,
        )
        return Prepared(plan=plan, observed=observed, values={})

    return await run_plan(workspace, "cleanup", prepare, approve, options)
