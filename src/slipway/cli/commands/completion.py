"""`deploy completion`: a shell's completion script on stdout."""

from __future__ import annotations

import click


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print the completion script: `eval "$(deploy completion bash)"`."""
    from click.shell_completion import get_completion_class

    from slipway.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    print(kind(cli, {}, "deploy", "_DEPLOY_COMPLETE").source())
    return 0
