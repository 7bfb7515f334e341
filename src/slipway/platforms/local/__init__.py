"""The local platform: services as supervised processes of this machine, without containers.

Importing this is cheap; the platform itself is loaded by `create`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.platforms.protocol import Context, Detection, Platform

NAME = "local"
SUMMARY = "supervised processes on this machine; needs no container engine"


def detect(environ: Mapping[str, str]) -> Detection:
    """Usable on every POSIX system: what is missing is fetched."""
    import os

    from slipway.platforms.protocol import Detection

    del environ
    if os.name != "posix":
        return Detection(
            name=NAME, usable=False, reason="it needs Linux or macOS; on Windows use WSL"
        )
    return Detection(name=NAME, usable=True, reason="needs nothing but this machine", preference=10)


def create(context: Context) -> Platform:
    """The platform, bound to one app's environment. Raises ConfigError for a wrong setting."""
    from slipway.platforms.local.platform import LocalPlatform

    return LocalPlatform(context)
