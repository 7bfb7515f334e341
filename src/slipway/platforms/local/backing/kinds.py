"""Which backing services this platform can run, by their image: pure functions."""

from __future__ import annotations

import re
from typing import Literal

from slipway.app.model import PlatformOverride, Service
from slipway.errors import Location, RefusedError

BackingKind = Literal["postgres", "redis", "custom"]
_POSTGRES = frozenset({"postgres", "postgresql", "postgis", "pgvector", "timescaledb",
                       "timescaledb-ha", "pgvecto-rs", "supabase-postgres"})  # fmt: skip
_REDIS = frozenset({"redis", "valkey", "redis-stack", "redis-stack-server", "keydb", "dragonfly"})
_EXTENSIONS = {
    "postgis": "PostGIS",
    "pgvector": "pgvector",
    "timescaledb": "TimescaleDB",
    "timescaledb-ha": "TimescaleDB",
    "pgvecto-rs": "pgvecto.rs",
    "redis-stack": "the Redis Stack modules",
    "redis-stack-server": "the Redis Stack modules",
}


def kind_of(service: Service) -> BackingKind:
    """How a backing service is run here. Raises RefusedError with what to write instead."""
    override = service.overrides.get("local", PlatformOverride())
    if override.run is not None:
        return "custom"
    name = image_name(service.image or "")
    if name in _POSTGRES:
        return "postgres"
    if name in _REDIS:
        return "redis"
    raise RefusedError(
        f"{service.name}: the image {service.image or '(none)'} cannot run without a container "
        "engine; the local platform knows PostgreSQL and Redis/Valkey",
        location=Location(service.origin.file, service.origin.line) if service.origin else None,
        hint=f"say how to run it in compose.yaml at services.{service.name}: "
        'x-deploy: {local: {run: "PROGRAM --port 1234"}}, or leave it out here with '
        "x-deploy: {local: {skip: true}}",
    )


def image_name(image: str) -> str:
    """The last part of an image's name: "docker.io/bitnami/redis:7@sha256:…" -> "redis"."""
    return _split(image)[0]


def image_major(image: str) -> int | None:
    """The major version that a tag asks for: `16-alpine`, `pg16`, `latest-pg15`, `7.2`."""
    tag = _split(image)[1]
    match = re.search(r"pg(\d+)", tag) or re.match(r"v?(\d+)", tag)
    return int(match[1]) if match else None


def version_note(kind: BackingKind, image: str, version: str) -> str:
    """ "PostgreSQL 15.6 (the image asks for 16)"; and what else differs from the image."""
    product = {"postgres": "PostgreSQL", "redis": "Redis"}.get(kind, "")
    note = f"{product} {version}".strip()
    wanted = image_major(image)
    have = re.match(r"\d+", version)
    if wanted is not None and have is not None and int(have[0]) != wanted:
        note += f" (the image asks for {wanted})"
    extension = _EXTENSIONS.get(image_name(image))
    if extension is not None:
        note += f"; {extension} only if it is installed on this machine"
    return note


def _split(image: str) -> tuple[str, str]:
    plain = image.partition("@")[0]
    last = plain.rpartition("/")[2]
    name, _, tag = last.partition(":")
    return name.lower(), tag.lower()
