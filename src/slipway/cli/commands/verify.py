"""`deploy verify`: is it healthy? Exit 3 if not."""

from __future__ import annotations

import click

from slipway.cli.options import Options, common

UNHEALTHY_EXIT = 3


@click.command("verify")
@common
def command(options: Options) -> int:
    """Probe every service, then run the smoke tests from outside. Exit 3: not healthy."""
    from slipway.cli.render.verification import verification_document, verification_lines
    from slipway.cli.session import open_session, run
    from slipway.engine.verify import verify

    workspace = open_session(options)
    found = run(lambda: verify(workspace))
    if options.json:
        from slipway.cli.render.json import print_json

        print_json(verification_document(found, workspace.target.environment))
    elif not options.quiet:
        print("\n".join(verification_lines(found)))
    return 0 if found.healthy else UNHEALTHY_EXIT
