"""`deploy logs`: what the services say."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from slipway.cli.options import Options, common_without_f

if TYPE_CHECKING:
    from slipway.platforms.protocol import LogLine

_COLOURS = ("cyan", "green", "yellow", "bold", "red")


@click.command("logs")
@click.argument("services", nargs=-1)
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl-C.")
@click.option("-n", "--lines", default=50, show_default=True, type=click.IntRange(0, 100_000))
@common_without_f
def command(options: Options, services: tuple[str, ...], follow: bool, lines: int) -> int:
    """Show the last lines of the services' logs."""
    from slipway.cli.session import open_session, run
    from slipway.engine.lookup import service_names

    workspace = open_session(options)
    names = service_names(workspace, services)

    async def go() -> None:
        async for line in workspace.platform.logs(names, lines=lines, follow=follow):
            _show(options, line, names)

    try:
        run(go)
    except KeyboardInterrupt:
        return 0
    return 0


def _show(options: Options, line: LogLine, names: tuple[str, ...]) -> None:
    if options.json:
        import msgspec

        print(msgspec.json.encode(line).decode(), flush=True)
        return
    from slipway.cli.render.style import paint

    size = max((len(n) for n in names), default=0)
    index = names.index(line.service) if line.service in names else 0
    colour = _COLOURS[index % len(_COLOURS)]
    prefix = paint(f"{line.service.ljust(size)} |", colour, stream=sys.stdout)
    print(f"{prefix} {line.text}", flush=True)
