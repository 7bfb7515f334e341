"""Names of images and variables, and what they tell."""

from __future__ import annotations

import pytest

from slipway.app.known.images import base_name, known_image, only_a_client
from slipway.app.known.names import can_generate, is_secret_name, words_of

SECRET = """
DB_PASSWORD PGPASSWORD DB_PASS DB_PWD jwtSecret API_KEY apiKey SECRET_KEY SECRET_KEY_BASE_SECRET
PRIVATE_KEY ENCRYPTION_KEY AWS_SECRET_ACCESS_KEY FERNET_KEY KEY TOKEN_2 PASSWORD_SALT CREDENTIALS
NEO4J_AUTH RABBITMQ_DEFAULT_PASS Auth__ClientSecret
"""
PLAIN = """
PWD OLDPWD PUBLIC_KEY STRIPE_PUBLISHABLE_KEY PARTITION_KEY CACHE_KEY PASSWORD_FILE KEY_PATH
AWS_ACCESS_KEY_ID TOKEN_TTL SECRET_NAME MAX_TOKENS TOKENIZERS_PARALLELISM SECRET_PARAM_LOCATION
BYPASS COMPASS ALLOW_EMPTY_PASSWORD MYSQL_RANDOM_ROOT_PASSWORD NEXT_PUBLIC_MAPS_KEY VITE_API_TOKEN
KEYCLOAK_URL MONKEY TURKEY_SITE PASSWORD_MIN_LENGTH AUTH_METHOD
"""


@pytest.mark.parametrize("name", SECRET.split())
def test_secret_names(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", PLAIN.split())
def test_names_that_only_look_secret(name: str) -> None:
    assert not is_secret_name(name)


def test_words() -> None:
    assert words_of("MAIL_ApiKey2") == ("mail", "api", "key", "2")
    assert words_of("DB-PASSWORD") == ("db", "password")
    assert words_of("APIKey") == ("api", "key")


@pytest.mark.parametrize(
    "name",
    ["OPENAI_API_KEY", "STRIPE_SECRET", "GITHUB_TOKEN", "OIDC_CLIENT_SECRET", "web/DATABASE_URL"],
)
def test_what_only_others_can_issue(name: str) -> None:
    assert not can_generate(name)


@pytest.mark.parametrize("name", ["POSTGRES_PASSWORD", "SECRET_KEY", "web/SESSION_SECRET"])
def test_what_can_be_random(name: str) -> None:
    assert can_generate(name)


def test_base_names() -> None:
    assert base_name("postgres") == "postgres"
    assert base_name("registry.example.com:5000/a/redis:7@sha256:00") == "redis"
    assert base_name("localhost:5000/web") == "web"


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        ("postgis/postgis:16-3.4", "postgres"),
        ("timescale/timescaledb-ha:pg16", "postgres"),
        ("redis/redis-stack-server", "redis"),
        ("mariadb:11", "mysql"),
        ("bitnami/kafka", "kafka"),
        ("confluentinc/cp-kafka-rest", None),
        ("prometheuscommunity/postgres-exporter", None),
        ("dpage/pgadmin4", None),
        ("redis-commander", None),
        ("example.com/server", None),
        (None, None),
    ],
)
def test_known_images(image: str | None, kind: str | None) -> None:
    known = known_image(image)
    assert (known.kind if known else None) == kind


def test_clients() -> None:
    known = known_image("redis")
    assert known is not None
    assert only_a_client(known, ["redis-cli", "monitor"])
    assert only_a_client(known, ["sh", "-c", "sleep 3; redis-cli flushall"])
    assert only_a_client(known, ["sh", "-c", "redis-cli 'unclosed"])
    assert not only_a_client(known, ["sh", "-c", "redis-server & redis-cli ping"])
    assert not only_a_client(known, ["--appendonly", "yes"])
    assert not only_a_client(known, [])
