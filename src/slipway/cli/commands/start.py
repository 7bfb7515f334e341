"""`deploy start`: bring the current release back."""

from __future__ import annotations

import click

from slipway.cli.options import Options, common


@click.command("start")
@click.option("--verify/--no-verify", default=True, help="Prove that it works (default).")
@common
def command(options: Options, verify: bool) -> int:
    """Bring the current release back, after a reboot."""
    from slipway.cli.deploying import perform
    from slipway.engine.start import start

    return perform(
        options,
        lambda ws, approve, run: start(ws, verify=verify, approve=approve, options=run),
    )
