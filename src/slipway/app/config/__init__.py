"""deploy.yaml: what Compose cannot say. Its schema, loading, environments and generation."""

from slipway.app.config.load import find_config, load_config, parse_config, project_directory
from slipway.app.config.merge import (
    choose_environment,
    default_environment,
    environments,
    settings_for,
)
from slipway.app.config.model import DeployConfig, Settings
from slipway.app.config.validate import schema
from slipway.app.model import App

__all__ = [
    "DeployConfig",
    "Settings",
    "choose_environment",
    "default_environment",
    "environments",
    "find_config",
    "generate",
    "load_config",
    "parse_config",
    "project_directory",
    "schema",
    "settings_for",
]


def generate(app: App) -> str:
    """A commented, short deploy.yaml for `app`, which loads to the same App."""
    from slipway.app.assemble.generate import generate as write  # it reads this package

    return write(app)
