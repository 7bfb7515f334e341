"""`deploy platform`: which platforms there are, and which fits here."""

from __future__ import annotations

import os

import click

from slipway.cli.options import Options, common


@click.group("platform")
def command() -> None:
    """Which platforms there are, and which fits here."""


@command.command("detect")
@common
def detect(options: Options) -> int:
    """Say which platform would be used here, and why."""
    from slipway.platforms import registry

    found = registry.choose(os.environ)
    if options.json:
        from slipway.cli.render.json import VERSION, print_json

        print_json(
            {"version": VERSION, "platform": found.name, "usable": found.usable,
             "reason": found.reason}
        )  # fmt: skip
    else:
        print(f"{found.name}: {found.reason}")
    return 0 if found.usable else 1


@command.command("list")
@common
def list_(options: Options) -> int:
    """List every platform, whether it can be used here, and why."""
    from slipway.cli.render.style import table
    from slipway.platforms import registry

    found = [module.detect(os.environ) for module in registry.available()]
    if options.json:
        from slipway.cli.render.json import VERSION, print_json

        print_json({"version": VERSION, "platforms": found})
    else:
        rows = [(f.name, "usable" if f.usable else "not here", f.reason) for f in found]
        print("\n".join(table(rows)))
    return 0
