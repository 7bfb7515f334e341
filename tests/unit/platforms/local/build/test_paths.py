"""Container paths become real ones where they are paths, and nowhere else."""

from __future__ import annotations

import pytest

from slipway.platforms.local.build.paths import owned_by, owned_paths, translate

PLACES = {"/app": "/run/i/app", "/app/data": "/volumes/data", "/start.sh": "/run/i/start.sh"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/app", "/run/i/app"),
        ("/app/main.py", "/run/i/app/main.py"),
        ("/app/data/x", "/volumes/data/x"),
        ("/app/database", "/run/i/app/database"),
        ("/application", "/application"),
        ("PYTHONPATH=/app:/app/lib", "PYTHONPATH=/run/i/app:/run/i/app/lib"),
        ("cd /app && ./x '/start.sh'", "cd /run/i/app && ./x '/run/i/start.sh'"),
        ("http://host/app/x", "http://host/app/x"),
        ("http://host:80/app", "http://host:80/app"),
        ("sqlite:////app/db.sqlite", "sqlite:////run/i/app/db.sqlite"),
        ("file:///app/x", "file:///run/i/app/x"),
        ("/usr/app", "/usr/app"),
        ("--dir=/app,/app/data", "--dir=/run/i/app,/volumes/data"),
    ],
)
def test_translate(text: str, expected: str) -> None:
    assert translate(text, PLACES) == expected


def test_the_root_is_never_replaced() -> None:
    assert translate("/ and /x", {"/": "/run/i"}) == "/ and /x"


@pytest.mark.parametrize(
    ("path", "owned"),
    [
        ("/app/src/x", "/app"),
        ("/usr/src/app/x", "/usr/src/app"),
        ("/usr/local/bin/start.sh", "/usr/local/bin/start.sh"),
        ("/etc/nginx/conf.d/x", "/etc/nginx"),
        ("/home/app/x", "/home/app"),
        ("/usr/bin", None),
        ("/", None),
    ],
)
def test_owned(path: str, owned: str | None) -> None:
    assert owned_by(path) == owned


def test_owned_paths_are_each_once() -> None:
    assert owned_paths(["/app/a", "/app/b", "/etc", "/x"]) == ("/app", "/x")
