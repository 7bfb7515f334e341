"""Names, listening addresses and paths of containers, rewritten for this machine."""

# ruff: noqa: E501 - tables of long values

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.platforms.local.network import rewrite
from slipway.platforms.local.network.rewrite import Endpoint, Net

OWN = Net(
    endpoints={
        "db": Endpoint("127.20.1.2", {5432: 5432}),
        "cache": Endpoint("127.20.1.3", {6379: 6379}),
        "api": Endpoint("127.20.1.4", {8000: 8000}),
        "web": Endpoint("127.20.1.5", {8000: 8000}),
        "user": Endpoint("127.20.1.6", {}),
    },
    own=Endpoint("127.20.1.5", {8000: 8000}),
    paths={"/app": "/srv/i/work", "/app/data": "/srv/v/data", "/run/secrets/pw": "/dev/shm/pw"},
)
SHARED = Net(
    endpoints={
        "db": Endpoint("127.0.0.1", {5432: 41001}),
        "cache": Endpoint("127.0.0.1", {6379: 41002}),
        "api": Endpoint("127.0.0.1", {8000: 41003}),
    },
    own=Endpoint("127.0.0.1", {8000: 41005}),
    paths={},
)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("DATABASE_URL", "postgres://u:p@db:5432/app", "postgres://u:p@127.20.1.2:5432/app"),
        ("DATABASE_URL", "postgresql+psycopg://u:p@db/app", "postgresql+psycopg://u:p@127.20.1.2/app"),
        ("DATABASE_URL", "postgres://db:5432@db:5432/db", "postgres://db:5432@127.20.1.2:5432/db"),
        ("REDIS_URL", "redis://cache", "redis://127.20.1.3"),
        ("REDIS_URL", "redis://:«secret:a/b»@cache:6379/0", "redis://:«secret:a/b»@127.20.1.3:6379/0"),
        ("API", "http://api:8000/v1?next=http://web:8000/", "http://127.20.1.4:8000/v1?next=http://127.20.1.5:8000/"),
        ("SEEDS", "cache:6379,db:5432", "127.20.1.3:6379,127.20.1.2:5432"),
        ("MONGO", "mongodb://u:p@db:5432,cache:6379/x", "mongodb://u:p@127.20.1.2:5432,127.20.1.3:6379/x"),
        ("URLS", "http://api:8000,http://web:8000", "http://127.20.1.4:8000,http://127.20.1.5:8000"),
        ("DSN", "u:p@tcp(db:5432)/x", "u:p@tcp(127.20.1.2:5432)/x"),
        ("DSN", "host=db port=5432 user=db dbname=db", "host=127.20.1.2 port=5432 user=db dbname=db"),
        ("CONNECTION", "Server=db;Port=5432;User Id=db", "Server=127.20.1.2;Port=5432;User Id=db"),
        ("POSTGRES_HOST", "db", "127.20.1.2"),
        ("PGHOST", "db", "127.20.1.2"),
        ("redis.host", "cache", "127.20.1.3"),
        ("Redis__Host", "cache", "127.20.1.3"),
        ("HOSTS", "db, cache", "127.20.1.2, 127.20.1.3"),
        ("HOST", "0.0.0.0", "127.20.1.5"),
        ("BIND", "0.0.0.0:8000", "127.20.1.5:8000"),
        ("BIND", "[::]:8000", "127.20.1.5:8000"),
        ("LISTEN", ":8000", "127.20.1.5:8000"),
        ("ADDRESS_LIST", "*:8000", "127.20.1.5:8000"),
        ("DATA", "/app/data/x", "/srv/v/data/x"),
        ("PYTHONPATH", "/app:/app/src", "/srv/i/work:/srv/i/work/src"),
        ("DATABASE_URL", "sqlite:////app/data/x.db", "sqlite:////srv/v/data/x.db"),
        ("PASSWORD_FILE", "/run/secrets/pw", "/dev/shm/pw"),
    ],
)  # fmt: skip
def test_what_names_a_neighbour_is_rewritten(key: str, value: str, expected: str) -> None:
    assert rewrite.environment({key: value}, OWN)[key] == expected


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("POSTGRES_USER", "db"),
        ("POSTGRES_DB", "db"),
        ("POSTGRES_PASSWORD", "db"),
        ("POSTGRES_PASSWORD", "db:5432"),
        ("DB_USER", "user"),
        ("NAME", "cache"),
        ("DATA", "/srv/db"),
        ("DATA", "/srv/db:5432"),
        ("DATA", "/appendix/x"),
        ("DATA", "./app/x"),
        ("MAIL", "me@db.example.com"),
        ("DB_HOST", "db.example.com"),
        ("DB_HOST", "mydb"),
        ("URL", "http://mydb:5432/"),
        ("URL", "http://db.example.com:5432/db"),
        ("URL", "http://example.com/app/data"),
        ("URL", "https://db-1:5432/"),
        ("ROUTE_PREFIX", "/app"),
        ("STATIC_URL", "/app/static"),
        ("DATABASE_URL", "sqlite:///app/data.db"),
        ("REDIS_IMAGE", "cache:7"),
        ("VERSION", "0.0.0.0.1"),
        ("TIME", "12:30"),
        ("LEVEL", "api:20"),
        ("GHOST", "db"),
        ("PORT", "8000"),
    ],
)
def test_what_only_looks_alike_stays(key: str, value: str) -> None:
    assert rewrite.environment({key: value}, OWN)[key] == value


def test_ports_that_changed_are_changed_with_their_host() -> None:
    given_values = {
        "DB_HOST": "db", "DB_PORT": "5432", "PORT": "8000", "OTHER": "8000",
        "API_URL": "http://api:8000/", "CACHE_URL": "redis://cache/0",
        "DSN": "host=db port=5432", "BIND": "0.0.0.0:8000",
    }  # fmt: skip
    assert rewrite.environment(given_values, SHARED) == {
        "DB_HOST": "127.0.0.1", "DB_PORT": "41001", "PORT": "41005", "OTHER": "8000",
        "API_URL": "http://127.0.0.1:41003/", "CACHE_URL": "redis://127.0.0.1:41002/0",
        "DSN": "host=127.0.0.1 port=41001", "BIND": "127.0.0.1:41005",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["app", "--host", "0.0.0.0", "--port", "8000"], ["app", "--host", "127.0.0.1", "--port", "41005"]),
        (["app", "--bind=0.0.0.0:8000"], ["app", "--bind=127.0.0.1:41005"]),
        (["app", "-b", ":8000"], ["app", "-b", "127.0.0.1:41005"]),
        (["app", "--port=8000"], ["app", "--port=41005"]),
        (["app", "--workers", "8000"], ["app", "--workers", "8000"]),
        (["sh", "-c", "exec app --port 8000 -h 0.0.0.0"], ["sh", "-c", "exec app --port 41005 -h 127.0.0.1"]),
        (["wait-for", "db:5432", "--", "x"], ["wait-for", "127.0.0.1:41001", "--", "x"]),
        (["app", "--redis-host=cache"], ["app", "--redis-host=127.0.0.1"]),
    ],
)  # fmt: skip
def test_commands(command: list[str], expected: list[str]) -> None:
    assert rewrite.words(command, SHARED) == expected


def test_localhost_is_the_instance_itself_for_what_runs_inside() -> None:
    check = [
        "CMD",
        "curl -f http://localhost:8000/health || nc -z localhost 8000 || pg -h localhost"
        " || nc localhost:9",
    ]
    inside = rewrite.words(check, OWN, inside=True)
    assert inside == [
        "CMD",
        "curl -f http://127.20.1.5:8000/health || nc -z 127.20.1.5 8000 || pg -h 127.20.1.5"
        " || nc localhost:9",
    ]
    assert rewrite.words(check, OWN) == check


def test_a_secret_that_is_a_url_is_rewritten_but_not_its_password() -> None:
    url = "postgres://db:cache:6379@db:5432/db?host=/tmp"
    assert rewrite.rewrite_url(url, OWN) == "postgres://db:cache:6379@127.20.1.2:5432/db?host=/tmp"
    assert rewrite.rewrite_url("db:5432", OWN) == "db:5432"


QUIET = st.text(alphabet="abcxyz_-./:@=, 0123456789", max_size=40)


@given(key=st.from_regex(r"[A-Z]{1,6}(_[A-Z]{1,6})?", fullmatch=True), value=QUIET)
def test_a_value_without_a_known_name_stays(key: str, value: str) -> None:
    net = Net(endpoints={"qqq": Endpoint("127.1.1.1", {})}, own=Endpoint("127.1.1.2", {}), paths={})
    if "0.0.0.0" not in value:
        assert rewrite.environment({key: value}, net) == {key: value}


@given(name=st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True), more=st.sampled_from("abz09-_."))
def test_a_longer_name_is_another_host(name: str, more: str) -> None:
    net = Net(endpoints={name: Endpoint("127.1.1.1", {})}, own=Endpoint("127.1.1.2", {}), paths={})
    for longer in (f"x{more}{name}", f"{name}{more}x"):
        for value in (f"http://{longer}:8000/", f"{longer}:8000", f"a://u:p@{longer}/x"):
            assert rewrite.environment({"A_URL": value}, net) == {"A_URL": value}


@given(
    user=st.text(alphabet="abdcehsw", min_size=1, max_size=6),
    password=st.text(alphabet="abdcehsw:0123456789", max_size=12),
    path=st.from_regex(r"(/[a-z0-9]{1,5}){0,3}", fullmatch=True),
)
def test_only_the_host_of_a_url_changes(user: str, password: str, path: str) -> None:
    value = f"redis://{user}:{password}@cache:6379{path}"
    expected = f"redis://{user}:{password}@127.20.1.3:6379{path}"
    assert rewrite.environment({"X": value}, OWN) == {"X": expected}


@given(secret=st.text(alphabet="abdch/._-", min_size=1, max_size=10))
def test_placeholders_are_never_touched(secret: str) -> None:
    text = f"«secret:{secret}»"
    changed = rewrite.environment({"A_URL": f"http://u:{text}@db:5432/", "B_HOST": text}, OWN)
    assert changed == {"A_URL": f"http://u:{text}@127.20.1.2:5432/", "B_HOST": text}
