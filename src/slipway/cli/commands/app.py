"""`deploy app ...`: the deploying commands under one more word, as some scripts call them."""

from __future__ import annotations

import importlib

import click

from slipway.cli.commands import COMMANDS, GROUPS


class _Alias(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return GROUPS["Deploy"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in GROUPS["Deploy"]:
            return None
        module = importlib.import_module(f"slipway.cli.commands.{COMMANDS[cmd_name].module}")
        command: click.Command = module.command
        return command


@click.command("app", cls=_Alias)
def command() -> None:
    """The same as install, upgrade and the others: `deploy app install`."""
