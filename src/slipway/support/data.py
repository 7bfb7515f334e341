"""The base of every data class, so that all data is frozen, compared by value and JSON-able."""

from __future__ import annotations

import msgspec


class Frozen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all data: immutable, compared by value, JSON by `msgspec.json`."""
