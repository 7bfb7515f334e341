"""`deploy cleanup`: stop and remove everything that was started."""

from __future__ import annotations

import click

from slipway.cli.options import Options, common


@click.command("cleanup")
@click.option("--volumes", is_flag=True, help="Delete the data too. There is no way back.")
@common
def command(options: Options, volumes: bool) -> int:
    """Stop and remove everything that was started here; data stays without --volumes."""
    from slipway.cli.deploying import perform
    from slipway.engine.cleanup import cleanup

    return perform(
        options,
        lambda ws, approve, run: cleanup(ws, volumes=volumes, approve=approve, options=run),
    )
