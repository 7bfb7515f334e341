"""Artifacts of the local platform: source snapshots with their own locked dependencies.

`plan_build` reads what a build would be, `build` makes it, `load_built` finds it again,
`materialise` gives one instance its working copy and `start_command` what to run there.
"""

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
from slipway.platforms.local.build.record import load_built, remove, restore

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
