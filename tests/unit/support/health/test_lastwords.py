"""What is shown of a log when its service has failed."""

from __future__ import annotations

import pytest

from slipway.support.health.lastwords import hint_of, last_words, missing_program

NODE = (
    "node:internal/modules/cjs/loader:1228",
    "  throw err;",
    "  ^",
    "Error: Cannot find module 'left-pad'",
    "Require stack:",
    "- /app/server.js",
    *(f"    at step {number} (node:internal/modules/cjs/loader)" for number in range(10)),
    "  code: 'MODULE_NOT_FOUND',",
    "  requireStack: [ '/app/server.js' ]",
    "}",
    "Node.js v20.20.2",
)


def test_the_reason_at_the_top_of_a_stack_is_shown() -> None:
    assert last_words((*(f"before {n}" for n in range(50)), *NODE))[-len(NODE) :] == NODE


def test_what_a_crash_loop_says_each_time_is_said_once() -> None:
    assert last_words(("starting", *NODE, *NODE, *NODE)) == (
        "starting",
        *NODE,
        "(the same, 3 times)",
    )


def test_one_line_again_and_again() -> None:
    assert last_words(["nc: not found"] * 150) == ("nc: not found", "(the same, 150 times)")


@pytest.mark.parametrize("lines", [(), ("one",), ("one", "two", "one", "two", "three")])
def test_what_is_short_and_new_stays(lines: tuple[str, ...]) -> None:
    assert last_words(lines) == lines


@pytest.mark.parametrize(
    ("line", "program"),
    [
        ("/app/entrypoint.sh: 5: nc: not found", "nc"),
        ("./start.sh: line 12: wkhtmltopdf: command not found", "wkhtmltopdf"),
        ("/bin/sh: 1: pg_isready: not found", "pg_isready"),
        ("slipway: cannot run /usr/bin/ffmpeg: no such program", "ffmpeg"),
        ("GET /favicon.ico: 404 not found here", None),
        ("ModuleNotFoundError: No module named 'x'", None),
    ],
)
def test_a_program_that_is_missing_is_found(line: str, program: str | None) -> None:
    assert missing_program(("before", line, "after")) == program


def test_the_hint_names_a_missing_program_else_is_as_given() -> None:
    assert "install ffmpeg" in hint_of(("start.sh: 3: ffmpeg: not found",), "look")
    assert hint_of(("KeyError: 'x'",), "look") == "look"
