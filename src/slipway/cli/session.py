"""From options to a Workspace and an App; every command starts here. Parsing and calling only."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from slipway.cli.options import Options
from slipway.support.telemetry.events import Emit, detached, ignore

if TYPE_CHECKING:
    from slipway.app.assemble import Loaded, LoadOptions
    from slipway.engine.workspace import Workspace

T = TypeVar("T")


def load_options(options: Options, *, known_secrets: tuple[str, ...] = ()) -> LoadOptions:
    """The command line's options as `app` takes them."""
    from slipway.app.assemble import LoadOptions

    return LoadOptions(
        directory=str(options.project),
        files=options.files,
        profiles=options.profiles,
        config=options.config,
        environment=options.env,
        platform=options.platform,
        known_secrets=known_secrets,
    )


def open_session(options: Options, emit: Emit = ignore) -> Workspace:
    """The environment's workspace; reads deploy.yaml, not the Compose file."""
    from slipway.engine.target import resolve_target
    from slipway.engine.workspace import open_workspace
    from slipway.support.clock import SystemClock

    target = resolve_target(load_options(options), os.environ)
    return open_workspace(target, os.environ, emit=detached(emit), clock=SystemClock())


def load(options: Options, workspace: Workspace) -> Loaded:
    """The App as the files say now, for this workspace's environment and platform."""
    from slipway.app.assemble import load_app

    known = tuple(info.name for info in workspace.secrets.names())
    return load_app(load_options(options, known_secrets=known), os.environ)


def run(function: Callable[[], Awaitable[T]]) -> T:
    """Run an async verb to its end."""
    import anyio

    return anyio.run(function)
