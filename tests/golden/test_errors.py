"""Errors as text and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from slipway.cli.render.errors import show_error, show_unexpected
from slipway.errors import (
    BuildError,
    ConfigError,
    InterruptedRunError,
    LeaseHeldError,
    Location,
    NotReadyError,
    PortTakenError,
    RevertError,
    SlipwayError,
    UnhealthyError,
)

Golden = Callable[[str, Sequence[str]], None]

ERRORS: dict[str, SlipwayError] = {
    "config": ConfigError(
        "unknown key `restrat` in services.web; did you mean `restart`?",
        location=Location("compose.yaml", 6),
    ),
    "build": BuildError(
        "web: the build command failed (exit 1): npm run build",
        location=Location("web/Dockerfile", 9),
        details=["src/page.ts(3,1): error TS2304: Cannot find name 'pge'."],
        hint="mend what the lines above name",
    ),
    "port-taken": PortTakenError(
        "port 8000, which web publishes, is taken by pid 4711 (nginx)",
        location=Location("compose.yaml", 3),
        hint="stop it, or choose another port: environments.development.ports in deploy.yaml",
    ),
    "not-ready": NotReadyError(
        "web was not ready within 60 s; last answer: 503 Service Unavailable: no database",
        details=["web: connecting to db:5432", "web: connection refused"],
        hint="`deploy logs` shows what the services said",
    ),
    "unhealthy": UnhealthyError("nothing changed, but web ready: 503"),
    "lease-held": LeaseHeldError(
        "ada@laptop (process 4711) runs `deploy upgrade` here, since 12 s",
        hint="wait for it to end, and run this again; if that process dies, its lease ends too",
    ),
    "revert": RevertError(
        "web never got ready; and not everything could be put back",
        details=["undo: start web: disk full"],
        hint="`deploy resume --revert` tries again; `deploy status` shows what is there",
    ),
    "interrupted": InterruptedRunError("interrupted, and put back: release 1 serves as before"),
}


def test_as_text(golden: Golden, capsys: pytest.CaptureFixture[str]) -> None:
    lines = []
    for error in ERRORS.values():
        code = show_error(error, as_json=False)
        said = capsys.readouterr()
        assert said.out == ""
        lines += [*said.err.splitlines(), f"(exit {code})", ""]
    golden("errors", lines)


def test_as_json(golden: Golden, capsys: pytest.CaptureFixture[str]) -> None:
    for error in ERRORS.values():
        show_error(error, as_json=True)
    said = capsys.readouterr()
    assert said.err == ""
    golden("errors-json", said.out.splitlines())


def test_a_bug_of_ours(golden: Golden, capsys: pytest.CaptureFixture[str]) -> None:
    show_unexpected(KeyError("a value that nobody may see"), as_json=False)
    golden("unexpected", capsys.readouterr().err.splitlines())
