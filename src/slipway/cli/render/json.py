"""Printing JSON: one versioned document on stdout."""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from slipway.cli.render.documents import VERSION

__all__ = ["VERSION", "print_json"]


def print_json(data: Any) -> None:
    """One document, indented, in a stable order of keys."""
    text = msgspec.json.format(msgspec.json.encode(data), indent=2)
    sys.stdout.write(text.decode() + "\n")
