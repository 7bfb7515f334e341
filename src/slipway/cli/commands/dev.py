"""`deploy dev`: run the app and restart what changes."""

from __future__ import annotations

import click

from slipway.cli.options import Options, common


@click.command("dev")
@click.option("--logs/--no-logs", "show_logs", default=True, help="Show the services' logs.")
@common
def command(options: Options, show_logs: bool) -> int:
    """Run the app, and restart what changed whenever a file does, until Ctrl-C."""
    from slipway.cli.developing import develop

    return develop(options, show_logs=show_logs)
