"""What must hold for every app: no secret value in it, and a generated deploy.yaml means it."""

from __future__ import annotations

import json
import string
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from slipway.app.assemble import LoadOptions, load_app
from slipway.app.config import generate
from slipway.app.model import App
from slipway.support.secrets.placeholder import names_in, reveal

SAFE = string.ascii_letters + string.digits + "-._~!*"
VALUES = st.text(SAFE, min_size=8, max_size=40).filter(
    lambda text: any(each.isdigit() for each in text)
)
EXAMPLES = Path(__file__).parents[4] / "examples"


def _compose(places: dict[str, str]) -> dict[str, Any]:
    """An app that has each value of `places` where people put secrets."""
    return {
        "services": {
            "web": {
                "image": "shop",
                "env_file": "web.env",
                "command": ["serve", "--token", places["literal"], f"-p{places['literal']}"],
                "environment": {
                    "API_TOKEN": places["literal"],
                    "BROKER": f"amqp://user:{places['url']}@queue:5672/x",
                    "DATABASE": "postgres://app:${DB_PASSWORD:?}@db/x",
                    "SESSION_SECRET": None,
                    "WITH_DEFAULT": f"x${{OTHER_PASSWORD:-{places['default']}}}y",
                },
                "labels": {"said": f"it is {places['literal']}"},
                "healthcheck": {"test": ["CMD", "check", places["file"], "${DB_PASSWORD}"]},
                "x-deploy": {"some-platform": {"run": f"serve {places['literal']}"}},
            },
            "worker": {
                "image": "shop",
                "environment": [f"API_TOKEN={places['other']}", "DB_PASSWORD"],
            },
        }
    }


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=st.lists(VALUES, min_size=7, max_size=7, unique=True))
def test_no_sealed_value_is_in_the_app(values: list[str]) -> None:
    names = ("literal", "url", "default", "file", "other", "dotenv", "process")
    places = dict(zip(names, values, strict=True))
    compose = _compose(places)
    bare = json.dumps(_compose(dict.fromkeys(names, "")))
    assume(not any(value in bare for value in values))
    assume(not any(a in b for a in values for b in values if a is not b))
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        (directory / "compose.yaml").write_text(yaml.safe_dump(compose))
        (directory / "web.env").write_text(f"FILE_TOKEN='{places['file']}'\n")
        (directory / ".env").write_text(f"DB_PASSWORD='{places['dotenv']}'\n")
        environ = {"SESSION_SECRET": places["process"]}
        loaded = load_app(LoadOptions(directory=folder), environ)
    text = msgspec.json.encode(loaded.app).decode()
    assert set(values) - {places["url"]} <= set(loaded.sealed.values())
    for value in values:
        assert value not in text
    assert not [value for value in loaded.sealed.values() if value in text]
    assert not [value for value in values if value in repr(loaded)]
    _assert_revealed(loaded.app, loaded.sealed, places)


def _assert_revealed(app: App, sealed: Any, places: dict[str, str]) -> None:
    """With the values put back, every variable is what Compose would have given."""
    web = app.services["web"]
    shown = {key: reveal(value, sealed.__getitem__) for key, value in web.environment.items()}
    assert shown == {
        "API_TOKEN": places["literal"],
        "BROKER": f"amqp://user:{places['url']}@queue:5672/x",
        "DATABASE": f"postgres://app:{places['dotenv']}@db/x",
        "SESSION_SECRET": places["process"],
        "WITH_DEFAULT": f"x{places['default']}y",
        "FILE_TOKEN": places["file"],
    }
    assert web.command is not None
    revealed = [reveal(word, sealed.__getitem__) for word in web.command]
    assert revealed == ["serve", "--token", places["literal"], f"-p{places['literal']}"]


NAMES = st.sampled_from(["API_TOKEN", "PLAIN", "DB_PASSWORD", "A_URL", "KEY_ID"])
TEXTS = st.text(string.ascii_letters + string.digits + " $:/@.=«»\"'\\{}", max_size=20)


@settings(max_examples=60, deadline=None)
@given(environment=st.dictionaries(NAMES, TEXTS, max_size=4), command=st.lists(TEXTS, max_size=3))
def test_any_text_is_the_same_after_revealing(
    environment: dict[str, str], command: list[str]
) -> None:
    texts = [*environment.values(), *command]
    assume(not any(names_in(text) for text in texts))
    spec = {
        "image": "shop",
        "environment": {key: value.replace("$", "$$") for key, value in environment.items()},
        "command": [word.replace("$", "$$") for word in command],
    }
    with tempfile.TemporaryDirectory() as folder:
        quoted = yaml.safe_dump({"services": {"web": spec}}, allow_unicode=True, default_style='"')
        Path(folder, "compose.yaml").write_text(quoted, "utf-8")  # a bare 08 is a number to Compose
        loaded = load_app(LoadOptions(directory=folder), {})
    web = loaded.app.services["web"]
    for key, value in environment.items():
        assert reveal(web.environment[key], loaded.sealed.__getitem__) == value
    if command:
        assert web.command is not None
        assert [reveal(word, loaded.sealed.__getitem__) for word in web.command] == command


PROBE = st.one_of(
    st.just(False),
    st.just("/ready"),
    st.fixed_dictionaries(
        {"http": st.just("/x")},
        optional={
            "port": st.integers(1, 65535),
            "timeout": st.sampled_from(["500ms", 2, "1m30s"]),
            "status": st.sampled_from([204, "2xx", [200, "3xx"]]),
            "headers": st.just({"Host": "shop.test"}),
            "contains": st.just("ok"),
            "scheme": st.just("https"),
        },
    ),
    st.fixed_dictionaries({"tcp": st.one_of(st.just(True), st.integers(1, 65535))}),
    st.fixed_dictionaries({"command": st.just(["./check", "--fast"])}),
    st.fixed_dictionaries({"redis": st.just(True)}, optional={"retries": st.integers(1, 9)}),
)
SERVICE = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["web", "worker", "job", "backing"]),
        "replicas": st.integers(0, 5),
        "port": st.sampled_from([3000, 8000]),
        "readiness": PROBE,
        "liveness": PROBE,
        "progress": st.sampled_from(["/p", {"pattern": "([0-9]+)%"}, {"path": "/p", "port": 9}]),
        "deadline": st.sampled_from(["10s", "2m", "5m"]),
        "some-platform": st.just({"run": "./go", "build": "make", "environment": {"A": 1}}),
    },
)
CONFIG = st.fixed_dictionaries(
    {"services": st.fixed_dictionaries({"web": SERVICE, "worker": SERVICE, "db": SERVICE})},
    optional={
        "keep_releases": st.integers(1, 9),
        "rollout": st.sampled_from(["recreate", "rolling", "blue-green", "canary"]),
        "routes": st.sampled_from(
            [
                [{"service": "web", "port": 8000, "host": "a.test"}],
                [{"service": "db", "port": 5432, "listen": 5432, "protocol": "tcp"}],
                [{"service": "web", "port": 8000, "path": "/api"}, {"service": "web", "port": 81}],
            ]
        ),
        "smoke_tests": st.just(
            [{"path": "/"}, {"path": "/x", "json": {"a": [1]}, "expect": {"latency": "300ms"}}]
        ),
        "secrets": st.sampled_from([{"API_TOKEN": {"length": 64}}, {"API_TOKEN": False}]),
        "environments": st.sampled_from(
            [
                {"development": {"platform": "p", "settings": {"a": 1}, "ports": {"web": 81}}},
                {"development": {"protected": True, "replicas": {"worker": 2}}},
            ]
        ),
    },
)
SHOP = {
    "services": {
        "web": {
            "image": "shop",
            "ports": ["8000:8000"],
            "healthcheck": {"test": ["CMD", "curl", "-f", "http://localhost:8000/h"]},
            "environment": {"API_TOKEN": "very-secret-1", "DB": "postgres://db:5432/x"},
            "depends_on": ["worker"],
        },
        "worker": {"image": "shop", "healthcheck": {"test": "x", "start_period": "5m"}},
        "db": {"image": "postgres:16"},
    }
}


@settings(max_examples=150, deadline=None)
@given(config=CONFIG)
def test_a_generated_file_means_the_same_app(config: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        (directory / "compose.yaml").write_text(yaml.safe_dump(SHOP))
        (directory / "deploy.yaml").write_text(yaml.safe_dump(config))
        _assert_regenerates(directory, directory)


@pytest.mark.parametrize("name", ["hello", "inbox"])
def test_the_same_for_the_examples(name: str, tmp_path: Path) -> None:
    _assert_regenerates(EXAMPLES / name, tmp_path)


def _assert_regenerates(directory: Path, place: Path) -> None:
    first = load_app(LoadOptions(directory=str(directory)), {})
    written = place / "generated.yaml"
    written.write_text(generate(first.app), "utf-8")
    again = load_app(LoadOptions(directory=str(directory), config=str(written)), {})
    assert _without_files(again.app) == _without_files(first.app)
    assert generate(again.app) == generate(first.app)


def _without_files(app: App) -> App:
    return msgspec.structs.replace(app, files=())
