"""What a probe saw: read by the engine, the platforms, `verify` and `status`."""

from __future__ import annotations

import msgspec


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`saw` is one line for a person: "503 Service Unavailable: model loading", "refused"."""

    ok: bool
    saw: str
    seconds: float = 0.0
    target: str = ""
