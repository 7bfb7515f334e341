"""Errors for people and for programs: what happened, where, why, what to do next."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from slipway.cli.render.style import paint
from slipway.errors import SlipwayError


def wants_json(arguments: Sequence[str]) -> bool:
    """Did the command line ask for JSON? Asked before it is parsed, as it may be wrong."""
    text = " ".join(arguments)
    asked = "--output=json" in text or "--output json" in text or "-o json" in text
    return asked or "-ojson" in text or os.environ.get("DEPLOY_OUTPUT") == "json"


def show_error(error: SlipwayError, as_json: bool) -> int:
    """Print an error (JSON to stdout, text to stderr); returns its exit code."""
    if as_json:
        print(_json(error))
        return error.exit_code
    place = f"{error.location}: " if error.location else ""
    print(f"{paint('error:', 'red', 'bold')} {place}{error.message}", file=sys.stderr)
    for line in error.details:
        print(f"  {line}", file=sys.stderr)
    if error.hint:
        print(f"  {paint('next:', 'cyan')} {error.hint}", file=sys.stderr)
    return error.exit_code


def _json(error: SlipwayError) -> str:
    import msgspec

    from slipway.cli.render.documents import ErrorBody, ErrorDocument

    place = error.location
    body = ErrorBody(
        code=error.code,
        message=error.message,
        file=place.file if place else None,
        line=place.line if place else None,
        hint=error.hint,
        details=error.details,
        retryable=error.retryable,
        exit_code=error.exit_code,
    )
    return msgspec.json.encode(ErrorDocument(error=body)).decode()


def show_unexpected(error: BaseException, as_json: bool) -> int:
    """A bug of ours: say so briefly; the traceback (without values) only when asked for."""
    wrapped = SlipwayError(
        f"an unexpected error in deploy itself: {type(error).__name__}",
        hint="DEPLOY_DEBUG=1 shows where; please report it",
    )
    code = show_error(wrapped, as_json)
    if os.environ.get("DEPLOY_DEBUG"):
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    return code
