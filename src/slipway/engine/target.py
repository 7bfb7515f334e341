"""Which app, which environment, which platform: decided from deploy.yaml, flags and history.

Reads deploy.yaml but not the Compose file, so that `status`, `logs` and `rollback` work on a
project whose files are broken right now.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from slipway.app.assemble import LoadOptions
from slipway.app.config import (
    choose_environment,
    find_config,
    load_config,
    project_directory,
    settings_for,
)
from slipway.engine.workspace import PLATFORM_NOTE, Target
from slipway.errors import RefusedError
from slipway.platforms import registry
from slipway.support import paths


def resolve_target(options: LoadOptions, environ: Mapping[str, str]) -> Target:
    """`--platform` over deploy.yaml over what was used before over what is detected.

    Raises ConfigError (deploy.yaml is wrong), RefusedError (no platform is usable here).
    """
    directory = project_directory(options.directory)
    path, shown = find_config(directory, options.config)
    config = load_config(path, shown=shown)
    name = choose_environment(directory, config, options.environment)
    environment = settings_for(config, name, options.platform).environment
    platform = options.platform or environment.platform
    if platform is None:
        app = paths.app_id(directory.name, directory)
        home = paths.environment_home(environ, app, environment.name)
        platform = _used_before(home) or _detected(environ)
    return Target(
        directory=str(directory),
        environment=environment.name,
        platform=platform,
        settings=environment.settings,
        protected=environment.protected,
    )


def _used_before(home: Path) -> str | None:
    try:
        return (home / PLATFORM_NOTE).read_text().strip() or None
    except OSError:
        return None


def _detected(environ: Mapping[str, str]) -> str:
    found = registry.choose(environ)
    if not found.usable:
        raise RefusedError(
            f"no platform can be used here: {found.reason}",
            hint="`deploy platform list` says what each needs",
        )
    return found.name
