"""The entry point of `deploy`: finds the command, runs it, and turns errors into exit codes.

Nothing heavy is imported here: `--version`, `--help` and completion must cost nothing.
"""

from __future__ import annotations

import errno
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

_OUTPUT_ERRORS = frozenset({errno.EPIPE, errno.ENOSPC, errno.EIO})


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


_ELSEWHERE = {
    "up": "install", "run": "install", "apply": "upgrade", "deploy": "upgrade", "diff": "plan",
    "ps": "status", "ls": "status", "list": "status", "releases": "history", "undo": "rollback",
    "down": "cleanup", "rm": "cleanup", "destroy": "cleanup", "uninstall": "cleanup",
    "remove": "cleanup", "log": "logs", "sh": "exec", "help": "--help", "version": "--version",
}  # fmt: skip
"""What other tools call it."""


def _nearest(word: str) -> str:
    import difflib

    if word in _ELSEWHERE:
        return f" Here it is `deploy {_ELSEWHERE[word]}`."
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
    open_standard_streams()
    try:
        code = _run(given)
        sys.stdout.flush()
    except BrokenPipeError:  # a reader that went away (`| head`): end quietly, as shells expect
        _drop_output()
        code = 141
    except OSError as error:  # other files than the output have errors of their own
        _drop_output()
        code = _show(_unwritable(error), given)
    sys.exit(code)


def open_standard_streams() -> None:
    """What was closed (`<&-`) is /dev/null: else a file of ours, or of a program that we start,
    gets its number, and with it what was meant for the terminal.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        opened = os.open(os.devnull, os.O_RDWR)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", encoding="utf-8"))


def _drop_output() -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def _show(error: SlipwayError, given: list[str]) -> int:
    from slipway.cli.render.errors import show_error, wants_json

    return show_error(error, wants_json(given))


def _unwritable(error: OSError) -> SlipwayError:
    from slipway.errors import StorageError

    return StorageError(
        f"cannot write the output: {error.strerror}", hint="see where it is redirected to"
    )


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
    except OSError as error:
        if error.filename is None and error.errno in _OUTPUT_ERRORS:
            raise
        return show_unexpected(error, as_json)
    except Exception as error:  # noqa: BLE001 - the one place where a bug becomes a message
        return show_unexpected(error, as_json)


def _interrupted() -> SlipwayError:
    from slipway.errors import InterruptedRunError

    return InterruptedRunError("interrupted; nothing was changed")


def _usage(error: click.ClickException) -> UsageError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "deploy"
    return UsageError(error.format_message(), hint=f"`{path} --help` says what it takes")
