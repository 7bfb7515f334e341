"""What the pages say can be typed: every `deploy` line parses, every link leads somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from slipway.cli.commands import COMMANDS
from slipway.cli.hoist import hoist
from slipway.cli.main import cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/howto/*.md", "docs/decisions/*.md", "examples/*/*.md")
    for page in ROOT.glob(pattern)
)
PLACEHOLDERS = {"V", "NAME", "COMMAND", "SERVICE", "..."}


def command_lines() -> list[tuple[str, str]]:
    """(page, command) of every line or `code` that calls the program."""
    found = []
    for page in PAGES:
        text = page.read_text()
        lines = re.findall(r"^ {4,}(?:[A-Z_]+=\S+ )*(\.?/?deploy .*)$", text, flags=re.MULTILINE)
        lines += re.findall(r"`(\.?/?deploy [^`]+)`", text.replace("\n", " "))
        found += [(str(page.relative_to(ROOT)), line) for line in lines if not _template(line)]
    return found


def _template(line: str) -> bool:
    """Lines with a placeholder, or that ask for help: nothing to parse."""
    words = set(words_of(line))
    return bool(PLACEHOLDERS & words) or bool({"--help", "--version"} & words)


def words_of(line: str) -> list[str]:
    """The arguments, without comments, pipes and redirections."""
    line = re.split(r"\s+#|\s[|>]", line)[0]
    return shlex.split(line)[1:]


def parse(command: click.Command, name: str, words: list[str]) -> None:
    """Raises a click error if these words cannot be parsed; runs nothing."""
    context = command.make_context(name, list(words))
    if isinstance(command, click.Group):
        inner_name, inner, rest = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        assert inner is not None
        parse(inner, str(inner_name), rest)


@pytest.mark.parametrize(("page", "line"), command_lines())
def test_every_command_in_the_pages_parses(page: str, line: str) -> None:
    try:
        parse(cli, "deploy", hoist(words_of(line), COMMANDS))
    except click.ClickException as error:
        pytest.fail(f"{page}: {line}: {error.format_message()}")


def test_there_are_commands_to_check() -> None:
    assert len(command_lines()) > 30


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target
