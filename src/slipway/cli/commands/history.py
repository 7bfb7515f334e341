"""`deploy history`: releases and runs."""

from __future__ import annotations

import time

import click

from slipway.cli.options import Options, common


@click.command("history")
@click.option("-n", "--limit", default=20, show_default=True, type=click.IntRange(1, 100_000))
@common
def command(options: Options, limit: int) -> int:
    """Show the releases and the runs of this environment, newest first. With --verbose also how
    each canary was judged.
    """
    from slipway.cli.render.history import history_document, history_lines
    from slipway.cli.session import open_session
    from slipway.journal.verdicts import judged

    workspace = open_session(options)
    head = workspace.journal.head()
    runs = workspace.journal.runs()[-limit:]
    numbers = workspace.releases.numbers()[-limit:]
    releases = [workspace.releases.get(number) for number in numbers]
    told = options.json or options.verbose
    verdicts = {r.opened.run: judged(workspace.journal, r.opened.run) for r in runs if told}
    if options.json:
        from slipway.cli.render.json import print_json

        print_json(history_document(workspace.target.environment, head, releases, runs, verdicts))
    else:
        lines = history_lines(head, releases, runs, now=time.time(), verdicts=verdicts)
        print("\n".join(lines))
    return 0
