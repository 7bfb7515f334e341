"""The shared body of install and upgrade: the same options, the same engine verb."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from slipway.cli.options import Options, common

if TYPE_CHECKING:
    from slipway.engine.deploy import Approve, Result, RunOptions
    from slipway.engine.workspace import Workspace


def rollout_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of commands that may start a new revision."""
    option = click.option
    options = [
        option("--version", metavar="V", help="Label of the release; or a git tag, a commit, or a"
               " release that exists."),
        option("--verify/--no-verify", default=True, help="Probe everything and run the smoke"
               " tests before traffic moves and after (default)."),
        option("--wait", is_flag=True, help="Wait until it is ready; it always does."),
        option("--auto-secrets/--no-auto-secrets", default=None, help="Make missing secrets"
               " (default, but for protected environments)."),
        option("--rollback-on-failure/--no-rollback", "revert", default=True,
               help="Put everything back if it fails (default), or leave it for a look."),
        option("--strategy", type=click.Choice(["blue-green", "canary", "rolling", "recreate"]),
               help="How the new revision takes over; blue-green by default."),
        option("--traffic-split", metavar="SHARES", help="A canary's steps: 10%, or 10%,25%,50%."),
        option("--promote-threshold", metavar="RATE", help="Success rate it needs: 99%."),
        option("--exit-code", is_flag=True, help="With --dry-run: exit 6 if there are changes."),
    ]  # fmt: skip
    for decorate in reversed(options):
        function = decorate(function)
    return function


def install_or_upgrade(verb: str, text: str) -> click.Command:
    """The click command of one of the two verbs."""

    @click.command(verb, help=text)
    @rollout_options
    @common
    def run(
        options: Options,
        version: str | None,
        verify: bool,
        wait: bool,
        auto_secrets: bool | None,
        revert: bool,
        exit_code: bool,
        strategy: str | None,
        traffic_split: str | None,
        promote_threshold: str | None,
    ) -> int:
        del wait
        from slipway.cli.deploying import perform
        from slipway.engine.rollout_asked import RolloutAsked
        from slipway.engine.upgrade import Asked, upgrade

        async def go(workspace: Workspace, approve: Approve, run: RunOptions) -> Result:
            from slipway.cli.session import load_options

            asked = Asked(
                verb=verb,
                version=version,
                verify=verify,
                auto_secrets=auto_secrets,
                rollout=RolloutAsked(
                    strategy=strategy, steps=traffic_split, threshold=promote_threshold
                ),
            )
            return await upgrade(workspace, load_options(options), asked, approve, run)

        return perform(options, go, revert=revert, exit_code=exit_code)

    return run
