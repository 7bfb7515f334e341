"""JSON results: one versioned document on stdout, its schema in docs/reference/."""

from __future__ import annotations

import sys
from typing import Any

import msgspec

VERSION = 1


def print_json(data: Any) -> None:
    """One document, indented, in a stable order of keys."""
    text = msgspec.json.format(msgspec.json.encode(data), indent=2)
    sys.stdout.write(text.decode() + "\n")
