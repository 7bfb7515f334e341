"""Compose project + deploy.yaml + environment name -> App, with its secrets' values kept apart."""

from collections.abc import Mapping

from slipway.app.assemble.model import Loaded, LoadOptions

__all__ = ["LoadOptions", "Loaded", "load_app"]


def load_app(options: LoadOptions, environ: Mapping[str, str]) -> Loaded:
    """Read the app in `options.directory` for one environment; see `assemble.load`."""
    from slipway.app.assemble.load import load_app as load  # the Compose loader is 50 ms

    return load(options, environ)
