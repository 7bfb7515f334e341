"""`deploy open`: the app's page in a browser."""

from __future__ import annotations

import click

from slipway.cli.options import Options, common


@click.command("open")
@click.argument("service", required=False)
@common
def command(options: Options, service: str | None) -> int:
    """Open the app in a browser; prints the address either way."""
    import webbrowser

    from slipway.cli.session import open_session, run
    from slipway.engine.lookup import public_url

    workspace = open_session(options)
    url = run(lambda: public_url(workspace, service))
    print(url)
    if not options.dry_run:
        webbrowser.open(url)
    return 0
