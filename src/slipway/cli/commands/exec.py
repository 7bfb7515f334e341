"""`deploy exec`: run a command where a service runs."""

from __future__ import annotations

import click

from slipway.cli.options import Options, common


@click.command("exec", context_settings={"ignore_unknown_options": True})
@click.argument("service")
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED)
@common
def command(options: Options, service: str, words: tuple[str, ...]) -> int:
    """Run a command with a service's code, environment and network: `deploy exec web -- sh`."""
    from slipway.cli.session import open_session
    from slipway.engine.lookup import entered, service_names

    workspace = open_session(options)
    release = entered(workspace)
    service_names(workspace, (service,))
    words = words[1:] if words[0] == "--" else words
    return workspace.platform.execute(release, service, words)
