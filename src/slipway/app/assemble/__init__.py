"""Compose project + deploy.yaml + environment name -> App, with its secrets' values kept apart."""

from slipway.app.assemble.load import load_app
from slipway.app.assemble.model import Loaded, LoadOptions

__all__ = ["LoadOptions", "Loaded", "load_app"]
