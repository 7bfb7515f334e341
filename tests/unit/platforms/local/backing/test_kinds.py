"""Which backing services run here, and what their images' configuration means."""

# ruff: noqa: E501 - tables of long values

from __future__ import annotations

from typing import Any

import pytest

from slipway.app.model import Origin, PlatformOverride, Service
from slipway.errors import ConfigError, RefusedError
from slipway.platforms.local.backing import postgres, redis
from slipway.platforms.local.backing.kinds import image_major, image_name, kind_of, version_note


def backing(image: str, **changes: Any) -> Service:
    return Service(name="store", role="backing", image=image, **changes)


@pytest.mark.parametrize(
    ("image", "kind", "major"),
    [
        ("postgres", "postgres", None),
        ("postgres:16-alpine", "postgres", 16),
        ("docker.io/library/postgres:15.4@sha256:abc", "postgres", 15),
        ("registry.example:5000/postgis/postgis:16-3.4", "postgres", 16),
        ("pgvector/pgvector:pg17", "postgres", 17),
        ("timescale/timescaledb:latest-pg15", "postgres", 15),
        ("redis:7.2-bookworm", "redis", 7),
        ("valkey/valkey:8", "redis", 8),
    ],
)
def test_images(image: str, kind: str, major: int | None) -> None:
    assert kind_of(backing(image)) == kind
    assert image_major(image) == major


def test_another_image_is_refused_with_what_to_write() -> None:
    with pytest.raises(RefusedError) as caught:
        kind_of(backing("rabbitmq:3", origin=Origin(file="compose.yaml", line=12)))
    assert str(caught.value.location) == "compose.yaml:12"
    assert "services.store" in (caught.value.hint or "")
    own = backing("rabbitmq:3", overrides={"local": PlatformOverride(run="rabbitmq-server")})
    assert kind_of(own) == "custom"
    assert image_name("a.b:1/c/rabbitmq:3") == "rabbitmq"


def test_a_different_version_is_said() -> None:
    assert (
        version_note("postgres", "postgres:16", "15.8") == "PostgreSQL 15.8 (the image asks for 16)"
    )
    assert version_note("redis", "redis:7", "7.0.1") == "Redis 7.0.1"
    assert "PostGIS only if" in version_note("postgres", "postgis/postgis:15-3", "15.1")


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        (("redis-server", "--requirepass", "a b", "--appendonly", "yes"),
         ['requirepass "a b"', 'appendonly "yes"']),
        (("--save", "60", "1", "--save=300 10"), ['save "60" "1"', 'save "300 10"']),
        (("sh", "-c", 'exec redis-server --requirepass "$PW" --port 1'), ['requirepass "«secret:P»"']),
        (("redis-server", "/etc/redis.conf", "--port", "99"), ['include "/real/redis.conf"']),
    ],
)  # fmt: skip
def test_redis_options_become_configuration(command: tuple[str, ...], lines: list[str]) -> None:
    service = backing("redis:7", command=command)
    paths = {"/etc/redis.conf": "/real/redis.conf"}
    environment = {"PW": "«secret:P»"}
    text = redis.configuration(service, environment, "127.9.9.9", 6379, "/d", paths)
    assert text.splitlines()[: len(lines)] == lines
    assert "bind 127.9.9.9" in text.splitlines()
    assert [line for line in text.splitlines() if line.startswith("port ")] == ["port 6379"]


def test_bitnami_images_take_the_password_from_the_environment() -> None:
    service = backing("bitnami/redis:7")
    text = redis.configuration(service, {"REDIS_PASSWORD": "x"}, "127.9.9.9", 1, "/d", {})
    assert 'requirepass "x"' in text
    plain = redis.configuration(
        backing("redis:7"), {"REDIS_PASSWORD": "x"}, "127.9.9.9", 1, "/d", {}
    )
    assert "requirepass" not in plain


def test_a_postgres_account() -> None:
    service = backing("postgres:16")
    plain = postgres.account(service, {"POSTGRES_PASSWORD": "p"}, {})
    assert (plain.user, plain.database, plain.password) == ("postgres", "postgres", "p")
    named = postgres.account(
        service,
        {"POSTGRES_USER": "u", "POSTGRES_PASSWORD_FILE": "/run/secrets/pw",
         "POSTGRES_INITDB_ARGS": "--data-checksums -E 'UTF8'"},
        {"/run/secrets/pw": "«secret:pw»"},
    )  # fmt: skip
    assert (named.user, named.database, named.password) == ("u", "u", "«secret:pw»")
    assert named.initdb_args == ("--data-checksums", "-E", "UTF8")
    trusting = postgres.account(service, {"POSTGRES_HOST_AUTH_METHOD": "trust"}, {})
    assert (trusting.auth, trusting.password) == ("trust", None)
    with pytest.raises(ConfigError):
        postgres.account(service, {}, {})


def test_server_options_of_the_command_are_kept_but_not_where_it_listens() -> None:
    words = postgres.server_arguments(
        ("postgres", "-c", "max_connections=7", "-p", "1"), "/d", "127.9.9.9", 5432, "/s"
    )
    assert words[:2] == ["-c", "max_connections=7"]
    assert words[-8:] == ["-D", "/d", "-h", "127.9.9.9", "-p", "5432", "-k", "/s"]
