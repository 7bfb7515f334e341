"""`deploy config`: check, show and write configuration."""

from __future__ import annotations

import sys

import click

from slipway.cli.options import Options, common


@click.group("config")
def command() -> None:
    """Check, show and write configuration."""


@command.command("schema")
@common
def schema_(options: Options) -> int:
    """Print the JSON Schema of deploy.yaml, for editors."""
    from slipway.app.config import schema
    from slipway.cli.render.json import print_json

    del options
    print_json(schema())
    return 0


@command.command("validate")
@common
def validate(options: Options) -> int:
    """Check compose.yaml, deploy.yaml and .env. Exit 2: something is wrong, and where."""
    from slipway.cli.session import load, open_session

    workspace = open_session(options)
    app = load(options, workspace).app
    if options.json:
        from slipway.cli.render.json import VERSION, print_json

        print_json({"version": VERSION, "valid": True, "files": app.files,
                    "warnings": app.warnings})  # fmt: skip
        return 0
    for warning in app.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print(f"{', '.join(app.files)}: {len(app.services)} services, valid")
    return 0


@command.command("show")
@common
def show(options: Options) -> int:
    """Print the app as Slipway sees it: merged, interpolated, with roles and probes."""
    from slipway.cli.session import load, open_session

    workspace = open_session(options)
    app = load(options, workspace).app
    if options.json:
        from slipway.cli.render.json import print_json

        print_json(app)
        return 0
    from slipway.cli.render.app import app_lines

    print("\n".join(app_lines(app)))
    return 0


@command.command("generate")
@click.option("--write", is_flag=True, help="Write deploy.yaml instead of printing it.")
@common
def generate_(options: Options, write: bool) -> int:
    """Print a deploy.yaml for this app, with what Slipway found out by itself."""
    from slipway.app.config import generate
    from slipway.cli.session import load, open_session
    from slipway.errors import UsageError
    from slipway.support.files import atomic_write

    workspace = open_session(options)
    text = generate(load(options, workspace).app)
    path = options.project / "deploy.yaml"
    if not write or options.dry_run:
        print(text, end="")
        return 0
    if path.exists():
        raise UsageError("deploy.yaml is there already, and is not overwritten",
                         hint="compare: deploy config generate | diff deploy.yaml -")  # fmt: skip
    atomic_write(path, text.encode(), mode=0o644)
    print(f"wrote {path.name}")
    return 0
