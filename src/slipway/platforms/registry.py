"""Which platforms there are: every folder beside this file that has the words of one.

Adding a platform is adding a folder whose `__init__` offers `NAME`, `SUMMARY`, `detect` and
`create` (`protocol.PlatformModule`); nothing else has to know of it.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import cast

from slipway.errors import NotFoundError, RefusedError
from slipway.platforms import __path__ as _folders
from slipway.platforms.protocol import Detection, PlatformModule

_WORDS = ("NAME", "SUMMARY", "detect", "create")


@cache
def available() -> tuple[PlatformModule, ...]:
    """All platforms, by name. Imports each folder's `__init__`, which is cheap."""
    found = []
    for entry in pkgutil.iter_modules(_folders):
        if entry.ispkg:
            module = importlib.import_module(f"slipway.platforms.{entry.name}")
            if all(hasattr(module, word) for word in _WORDS):
                found.append(cast(PlatformModule, module))
    return tuple(sorted(found, key=lambda module: module.NAME))


def get(name: str) -> PlatformModule:
    """One platform. Raises NotFoundError that names the nearest one."""
    for module in available():
        if name == module.NAME:
            return module
    names = [module.NAME for module in available()]
    near = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise NotFoundError(
        f"there is no platform {name!r}", hint=f"{hint}there are: {', '.join(names)}"
    )


def detections(environ: Mapping[str, str]) -> tuple[Detection, ...]:
    """What each platform says of this machine: the usable ones first, the preferred before."""
    found = [module.detect(environ) for module in available()]
    return tuple(sorted(found, key=lambda d: (not d.usable, -d.preference, d.name)))


def choose(environ: Mapping[str, str]) -> Detection:
    """The platform for an environment that names none. Raises RefusedError if none is usable."""
    found = detections(environ)
    if not found or not found[0].usable:
        reasons = [f"{each.name}: {each.reason}" for each in found]
        raise RefusedError(
            "no platform can be used on this machine",
            details=reasons,
            hint="name one with --platform, after providing what it needs",
        )
    return found[0]
