"""`deploy diff`: what differs between two releases, or between one and the working tree."""

from __future__ import annotations

import click

from slipway.cli.options import Options, common

CHANGES_EXIT = 6


@click.command("diff")
@click.argument("releases", nargs=-1, metavar="[REL1 [REL2]]")
@click.option("--exit-code", is_flag=True, help="Exit 6 if they differ.")
@common
def command(options: Options, releases: tuple[str, ...], exit_code: bool) -> int:
    """Compare two releases, by label or number. One: that one with the current release. None:
    the current release with what the working tree would be now.
    """
    from slipway.cli.render.diff import diff_document, diff_lines
    from slipway.cli.session import load, open_session, run
    from slipway.engine.compare import compare_releases
    from slipway.errors import UsageError

    if len(releases) > 2:
        raise UsageError(
            f"diff takes at most two releases, not {len(releases)}",
            hint="`deploy history` lists the releases",
        )
    workspace = open_session(options)
    found = run(lambda: compare_releases(workspace, releases, lambda: load(options, workspace)))
    if options.json:
        from slipway.cli.render.json import print_json

        print_json(diff_document(found, workspace.target.environment))
    elif not options.quiet:
        print("\n".join(diff_lines(found)))
    return CHANGES_EXIT if exit_code and not found.same else 0
