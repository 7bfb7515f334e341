"""`deploy history`: releases and runs."""

from __future__ import annotations

import time

import click

from slipway.cli.options import Options, common


@click.command("history")
@click.option("-n", "--limit", default=20, show_default=True, type=click.IntRange(1, 100_000))
@common
def command(options: Options, limit: int) -> int:
    """Show the releases and the runs of this environment, newest first."""
    from slipway.cli.render.history import history_document, history_lines
    from slipway.cli.session import open_session

    workspace = open_session(options)
    head = workspace.journal.head()
    runs = workspace.journal.runs()[-limit:]
    numbers = workspace.releases.numbers()[-limit:]
    releases = [workspace.releases.get(number) for number in numbers]
    if options.json:
        from slipway.cli.render.json import print_json

        print_json(history_document(workspace.target.environment, head, releases, runs))
    else:
        print("\n".join(history_lines(head, releases, runs, now=time.time())))
    return 0
