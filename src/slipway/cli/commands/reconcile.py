"""`deploy reconcile`: repair what differs between the current release and what is there."""

from __future__ import annotations

import click

from slipway.cli.options import Options, common


@click.command("reconcile")
@click.option("--verify/--no-verify", default=True, help="Prove that it works (default).")
@click.option("--exit-code", is_flag=True, help="With --dry-run: exit 6 if there is drift.")
@common
def command(options: Options, verify: bool, exit_code: bool) -> int:
    """Repair drift: start what is missing, restart what was changed by hand, mend the proxy."""
    from slipway.cli.deploying import perform
    from slipway.engine.reconcile import reconcile

    return perform(
        options,
        lambda ws, approve, run: reconcile(ws, verify=verify, approve=approve, options=run),
        exit_code=exit_code,
    )
