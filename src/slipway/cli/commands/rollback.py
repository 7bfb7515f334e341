"""`deploy rollback`: back to the last verified release, or a named one."""

from __future__ import annotations

import click

from slipway.cli.options import Options, common


@click.command("rollback")
@click.option("--to-version", metavar="V", help="A release's label or number.")
@click.option("--force", is_flag=True, help="Also to a release that was never verified.")
@click.option("--verify/--no-verify", default=True, help="Prove that it works (default).")
@common
def command(options: Options, to_version: str | None, force: bool, verify: bool) -> int:
    """Go back to the last release that was verified, as it was: code, configuration, secrets."""
    from slipway.cli.deploying import perform
    from slipway.engine.rollback import rollback

    return perform(
        options,
        lambda ws, approve, run: rollback(
            ws, to=to_version, force=force, verify=verify, approve=approve, options=run
        ),
    )
