"""`deploy resume`: close a run that was interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slipway.cli.options import Options, common

if TYPE_CHECKING:
    from slipway.engine.deploy import Approve, Result, RunOptions
    from slipway.engine.workspace import Workspace


@click.command("resume")
@click.option("--revert", is_flag=True, help="Put it back instead of finishing it.")
@common
def command(options: Options, revert: bool) -> int:
    """Finish a run that was interrupted, or put it back."""
    from slipway.cli.deploying import perform

    async def go(workspace: Workspace, approve: Approve, run: RunOptions) -> Result | None:
        from slipway.engine.resume import resume, revert_interrupted

        if revert:
            await revert_interrupted(workspace, dry_run=run.dry_run)
            return None
        return await resume(workspace, approve=approve, options=run)

    return perform(options, go)
