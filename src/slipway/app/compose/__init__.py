"""Reading compose.yaml as people write it, without Docker: see `load_project`."""

from slipway.app.compose.dotenv import read_dotenv
from slipway.app.compose.loader import load_project
from slipway.app.compose.model import Lookup, Project, Variable

__all__ = ["Lookup", "Project", "Variable", "load_project", "read_dotenv"]
