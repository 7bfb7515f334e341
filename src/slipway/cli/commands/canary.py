"""`deploy canary`: tell a canary that goes on in another terminal what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slipway.cli.options import Options, common

if TYPE_CHECKING:
    from slipway.engine.canary_control import Word


@click.group("canary")
def command() -> None:
    """Tell a canary that goes on now to promote, abort or hold; it obeys at once."""


@command.command("promote")
@common
def promote(options: Options) -> int:
    """Go on to the next share of the traffic now, whatever the verdict."""
    return _say(options, "promote")


@command.command("abort")
@common
def abort(options: Options) -> int:
    """Put everything back now."""
    return _say(options, "abort")


@command.command("hold")
@common
def hold(options: Options) -> int:
    """Stay at this share until promote or abort."""
    return _say(options, "hold")


def _say(options: Options, word: Word) -> int:
    from slipway.cli.session import open_session
    from slipway.engine.canary_control import say

    workspace = open_session(options)
    if options.dry_run:
        print(f"the canary would be told to {word}")
        return 0
    run = say(workspace, word)
    if options.json:
        from slipway.cli.render.json import VERSION, print_json

        print_json({"version": VERSION, "run": run, "told": word})
    else:
        print(f"told the canary of run {run} to {word}")
    return 0
