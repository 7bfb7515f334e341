"""`deploy plan`: what an upgrade would do; changes nothing."""

from __future__ import annotations

import dataclasses

import click

from slipway.cli.options import Options, common


@click.command("plan")
@click.option("--version", metavar="V", help="As for upgrade.")
@click.option("--exit-code", is_flag=True, help="Exit 6 if there are changes.")
@common
def command(options: Options, version: str | None, exit_code: bool) -> int:
    """Show what an upgrade would do, without doing it."""
    from slipway.cli.deploying import perform
    from slipway.cli.session import load_options
    from slipway.engine.upgrade import Asked, upgrade

    dry = dataclasses.replace(options, dry_run=True)
    asked = Asked(verb="upgrade", version=version)
    return perform(
        dry,
        lambda ws, approve, run: upgrade(ws, load_options(options), asked, approve, run),
        exit_code=exit_code,
    )
