"""Artifacts of the local platform: source snapshots with their own locked dependencies.

`plan_build` reads what a build would be, `build` makes it, `load_built` finds it again,
`materialise` gives one instance its working copy and `start_command` what to run there.

What makes artifacts is imported when it is first used: looking at what is there needs none of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slipway.platforms.local.build.comeback import restore
    from slipway.platforms.local.build.layout import (
        Layout,
        layout_of,
        materialise,
        program_of,
        start_command,
        working_directory,
    )
    from slipway.platforms.local.build.make import build
    from slipway.platforms.local.build.model import BuildPlan, Built
    from slipway.platforms.local.build.paths import translate
    from slipway.platforms.local.build.plan import plan_build
    from slipway.platforms.local.build.record import load_built, remove

_HOMES = {
    "comeback": ("restore",),
    "layout": (
        *("Layout", "layout_of", "materialise", "program_of", "start_command"),
        "working_directory",
    ),
    "make": ("build",),
    "model": ("BuildPlan", "Built"),
    "paths": ("translate",),
    "plan": ("plan_build",),
    "record": ("load_built", "remove"),
}

__all__ = [
    "BuildPlan",
    "Built",
    "Layout",
    "build",
    "layout_of",
    "load_built",
    "materialise",
    "plan_build",
    "program_of",
    "remove",
    "restore",
    "start_command",
    "translate",
    "working_directory",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(name)
