"""`deploy status`: what runs here, how it is, and where to reach it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from slipway.cli.options import Options, common

if TYPE_CHECKING:
    from slipway.status.document import Status

UNHEALTHY_EXIT = 3


@click.command("status")
@click.argument("what", required=False, type=click.Choice(["check"]))
@click.option("-w", "--watch", is_flag=True, help="Show it anew every two seconds, until Ctrl-C.")
@common
def command(options: Options, what: str | None, watch: bool) -> int:
    """Show what runs here. `status check` exits 3 if it is not healthy."""
    from slipway.cli.session import open_session, run
    from slipway.status.build import read_status

    workspace = open_session(options)
    status = run(lambda: read_status(workspace))
    while watch:
        _show(options, status, clear=True)
        try:
            time.sleep(2.0)
        except KeyboardInterrupt:
            return 0
        status = run(lambda: read_status(workspace))
    _show(options, status, clear=False)
    return UNHEALTHY_EXIT if what == "check" and not status.healthy else 0


def _show(options: Options, status: Status, *, clear: bool) -> None:
    if options.json:
        from slipway.cli.render.json import print_json

        print_json(status)
        return
    from slipway.cli.render.status import status_lines

    if clear and sys.stdout.isatty():
        print("\x1b[H\x1b[2J", end="")
    print("\n".join(status_lines(status, now=time.time())), flush=True)
