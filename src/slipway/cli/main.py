"""The entry point of `deploy`: finds the command, runs it, and turns errors into exit codes.

Nothing heavy is imported here: `--version`, `--help` and completion must cost nothing.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from slipway import __version__
from slipway.cli.commands import COMMANDS, GROUPS
from slipway.cli.hoist import hoist
from slipway.errors import SlipwayError, UsageError


class LazyGroup(click.Group):
    """Loads a command's module only when that command runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"slipway.cli.commands.{COMMANDS[cmd_name].module}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(error.message + _nearest(args[0]), ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name, COMMANDS[name].summary) for name in names])


def _nearest(word: str) -> str:
    import difflib

    close = difflib.get_close_matches(word, COMMANDS, n=1)
    return f" Did you mean '{close[0]}'?" if close else ""


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Options without a command mean install: `deploy --env=staging --wait`."
    " `deploy COMMAND --help` says what each takes.",
)
@click.version_option(__version__, "--version", prog_name="deploy", message="%(prog)s %(version)s")
def cli() -> None:
    """Take an app that has a compose.yaml to production and back."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command line and exit with the design's code for what happened."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # A reader that went away (`| head`) ends the process quietly, as shells expect.
    try:
        code = _run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    sys.exit(code)


def _run(given: list[str]) -> int:
    from slipway.cli.render.errors import show_error, show_unexpected, wants_json

    as_json = wants_json(given)
    try:
        result = cli.main(args=hoist(given, COMMANDS), prog_name="deploy", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.NoArgsIsHelpError as help_:
        click.echo(help_.format_message())
        return 0
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except (click.Abort, KeyboardInterrupt):
        return show_error(_interrupted(), as_json)
    except click.ClickException as error:
        return show_error(_usage(error), as_json)
    except SlipwayError as error:
        return show_error(error, as_json)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the one place where a bug becomes a message
        return show_unexpected(error, as_json)


def _interrupted() -> SlipwayError:
    from slipway.errors import InterruptedRunError

    return InterruptedRunError("interrupted; nothing was changed")


def _usage(error: click.ClickException) -> UsageError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "deploy"
    return UsageError(error.format_message(), hint=f"`{path} --help` says what it takes")
