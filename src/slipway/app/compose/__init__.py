"""Reading compose.yaml as people write it, without Docker: see `load_project`.

Names are loaded when first used: `status` reads deploy.yaml with a piece of this package
and must not pay for the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slipway.app.compose.dotenv import read_dotenv
    from slipway.app.compose.loader import load_project
    from slipway.app.compose.model import Lookup, Project, Variable

__all__ = ["Lookup", "Project", "Variable", "load_project", "read_dotenv"]

_MODULES = {
    "read_dotenv": "dotenv",
    "load_project": "loader",
    "Lookup": "model",
    "Project": "model",
    "Variable": "model",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
