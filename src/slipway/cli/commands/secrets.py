"""`deploy secrets`: make, list, set and show secrets. Values are printed only by `get`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway.cli.options import Options, common
from slipway.errors import UsageError

if TYPE_CHECKING:
    from slipway.engine.secret_needs import Kept


@click.group("secrets")
def command() -> None:
    """Make, list, set and show the secrets of an environment, kept encrypted."""


@command.command("auto-generate")
@common
def auto_generate(options: Options) -> int:
    """Make a strong value for every secret that the app needs and that has none."""
    return _generate(options)


@command.command("create")
@click.option("--auto-generate", "auto", is_flag=True, help="Make strong values.")
@common
def create(options: Options, auto: bool) -> int:
    """The same as auto-generate, with --auto-generate."""
    if not auto:
        raise UsageError(
            "say how: --auto-generate makes strong values",
            hint="or give one value: `deploy secrets set NAME`",
        )
    return _generate(options)


def _generate(options: Options) -> int:
    from slipway.cli.session import load, open_session
    from slipway.engine.secret_needs import generate_missing

    workspace = open_session(options)
    loaded = load(options, workspace)
    kept = generate_missing(workspace.secrets, loaded.needs, loaded.sealed, dry_run=options.dry_run)
    _print_kept(options, kept)
    return 0


def _print_kept(options: Options, kept: Kept) -> None:
    if options.json:
        from slipway.cli.render.json import VERSION, print_json

        print_json({"version": VERSION, "made": kept.made, "there": kept.there, "open": kept.open})
        return
    would = "would be made" if options.dry_run else "made"
    for name in kept.made:
        print(f"+ {name}  {would}")
    for name in kept.there:
        print(f"= {name}  has a value")
    for name in kept.open:
        print(f"! {name}  only you can know it: deploy secrets set {name}")
    if not (kept.made or kept.there or kept.open):
        print("The app needs no secrets.")


@command.command("list")
@common
def list_(options: Options) -> int:
    """List names, versions and ages; never values."""
    import time

    from slipway.cli.render.style import ago, table
    from slipway.cli.session import open_session

    workspace = open_session(options)
    infos = workspace.secrets.names()
    if options.json:
        from slipway.cli.render.json import VERSION, print_json

        environment = workspace.target.environment
        print_json({"version": VERSION, "environment": environment, "secrets": infos})
        return 0
    if not infos:
        print("No secrets are kept here. `deploy secrets auto-generate` makes what is needed.")
        return 0
    now = time.time()
    rows = [("NAME", "VERSION", "AGE", "FROM")]
    rows += [(i.name, str(i.version), ago(i.created, now), i.source) for i in infos]
    print("\n".join(table(rows)))
    return 0


@command.command("set")
@click.argument("name")
@click.option("--from-file", metavar="FILE", help="Take the value from a file; - is stdin.")
@common
def set_(options: Options, name: str, from_file: str | None) -> int:
    """Set a secret. The value is asked for, or read from a pipe; never given as an argument."""
    from slipway.cli.session import open_session

    if "=" in name:
        raise UsageError(
            "a value on the command line would be seen by every process here",
            hint=f"deploy secrets set {name.split('=')[0]}   (it asks; or pipe the value in)",
        )
    workspace = open_session(options)
    value = _value(name, from_file)
    if not value:
        raise UsageError(f"{name} got no value", hint="type one, or pipe one in")
    if options.dry_run:
        print(f"{name} would be set")
        return 0
    version = workspace.secrets.set(name, value, source="set")
    print(f"{name} is set, version {version}; the next `deploy upgrade` uses it")
    return 0


def _value(name: str, from_file: str | None) -> str:
    if from_file and from_file != "-":
        try:
            return Path(from_file).read_text().rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read {from_file}: {error}") from None
    if from_file == "-" or not sys.stdin.isatty():
        return sys.stdin.read().rstrip("\n")
    answer: str = click.prompt(f"Value of {name}", hide_input=True, confirmation_prompt=True,
                               err=True)  # fmt: skip
    return answer


@command.command("get")
@click.argument("name")
@click.option("--version", type=click.IntRange(1), help="An older version.")
@common
def get(options: Options, name: str, version: int | None) -> int:
    """Print a secret's value to stdout."""
    from slipway.cli.session import open_session

    value = open_session(options).secrets.get(name, version)
    if options.json:
        from slipway.cli.render.json import VERSION, print_json

        print_json({"version": VERSION, "name": name, "value": value})
    else:
        print(value)
    return 0


@command.command("unset")
@click.argument("name")
@common
def unset(options: Options, name: str) -> int:
    """Forget a secret; releases that were made with it keep their version."""
    from slipway.cli.session import open_session

    workspace = open_session(options)
    if options.dry_run:
        print(f"{name} would be unset")
        return 0
    workspace.secrets.unset(name)
    print(f"{name} is unset; releases that were made with it keep their version")
    return 0
