"""PostgreSQL as its official image runs it: what its environment means. Pure.

`postgres_setup` makes the data folder, the launcher starts the server.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from slipway.app.model import Service
from slipway.errors import ConfigError, Location
from slipway.support.data import Frozen

PORT = 5432
INIT_FOLDER = "/docker-entrypoint-initdb.d"
DATA_FOLDERS = ("/var/lib/postgresql/data", "/var/lib/postgresql", "/bitnami/postgresql")
STOP_SIGNAL = "SIGINT"
_PROGRAMS = ("postgres", "docker-entrypoint.sh")


class Account(Frozen, frozen=True, kw_only=True):
    """What the first start makes. `password` may hold a placeholder; None only with trust."""

    user: str
    password: str | None
    database: str
    initdb_args: tuple[str, ...] = ()
    auth: str = "scram-sha-256"


def account(service: Service, environment: Mapping[str, str], files: Mapping[str, str]) -> Account:
    """The superuser, its password and the first database, as POSTGRES_... say.

    `files` are mounted secrets and configs by container path, for POSTGRES_..._FILE.
    Raises ConfigError where the official image would refuse to start.
    """

    def value(*names: str) -> str | None:
        for name in names:
            if environment.get(name):
                return environment[name]
            path = environment.get(f"{name}_FILE")
            if path:
                return files.get(path)
        return None

    auth = environment.get("POSTGRES_HOST_AUTH_METHOD") or "scram-sha-256"
    password = value("POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD")
    if not password and auth != "trust":
        raise ConfigError(
            f"{service.name}: POSTGRES_PASSWORD is not set, so PostgreSQL would refuse to start",
            location=Location(service.origin.file, service.origin.line) if service.origin else None,
            hint="set POSTGRES_PASSWORD in its environment, such as ${POSTGRES_PASSWORD:?}",
        )
    user = value("POSTGRES_USER", "POSTGRESQL_USERNAME") or "postgres"
    return Account(
        user=user,
        password=password or None,
        database=value("POSTGRES_DB", "POSTGRESQL_DATABASE") or user,
        initdb_args=tuple(shlex.split(environment.get("POSTGRES_INITDB_ARGS", ""))),
        auth=auth,
    )


def server_arguments(
    command: Sequence[str] | None, data: str, address: str, port: int, socket: str
) -> list[str]:
    """What follows the program's name. Our own come last: they win."""
    rest = list(command or ())
    while rest and rest[0].rpartition("/")[2] in _PROGRAMS:
        rest.pop(0)
    return [*rest, "-D", data, "-h", address, "-p", str(port), "-k", socket]
