"""Where Slipway keeps things on this machine: state that matters, and a cache that does not.

Pure functions of the environment variables; nothing is created here. State of one app's
environment lives in `environment_home`, apart from the project, so that a read-only or
removed project loses nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path


def state_home(environ: Mapping[str, str]) -> Path:
    """The folder of everything that must be kept: `$DEPLOY_HOME`, or the system's place for it."""
    given = environ.get("DEPLOY_HOME")
    if given:
        return _absolute(given)
    if _is_system_user():
        return Path("/var/lib/slipway")
    return _user_folder(environ, "XDG_STATE_HOME", ".local/state", "Application Support")


def cache_home(environ: Mapping[str, str]) -> Path:
    """The folder of what can be made again: `$DEPLOY_CACHE`, or the system's place for it."""
    given = environ.get("DEPLOY_CACHE")
    if given:
        return _absolute(given)
    if _is_system_user():
        return Path("/var/cache/slipway")
    return _user_folder(environ, "XDG_CACHE_HOME", ".cache", "Caches")


def config_home(environ: Mapping[str, str]) -> Path:
    """The folder of the user's own files, such as keys; never `$DEPLOY_HOME`.

    Root's is the system's, as its state is: both stay found whatever HOME says.
    """
    if _is_system_user() and not environ.get("XDG_CONFIG_HOME"):
        return Path("/etc/slipway")
    return _user_folder(environ, "XDG_CONFIG_HOME", ".config", "Application Support")


def app_id(name: str, directory: Path) -> str:
    """A name for the app in this folder that no other folder's app has: "inbox-1a2b3c4d"."""
    real = str(directory.resolve())
    digest = hashlib.sha256(real.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{_plain(name)}-{digest[:8]}"


def environment_home(environ: Mapping[str, str], app: str, environment: str) -> Path:
    """Where one environment of an app (`app` from `app_id`) keeps its state."""
    return state_home(environ) / "apps" / app / folder_name(environment)


def folder_name(name: str) -> str:
    """`name` as a part of a path, on every file system; different names stay different."""
    plain = _plain(name)
    if plain == name:
        return name
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _plain(name: str) -> str:
    """`name` as one path segment on every file system."""
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-") or "app"


def _is_system_user() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0


def _user_folder(environ: Mapping[str, str], variable: str, posix: str, mac: str) -> Path:
    given = environ.get(variable)
    if given and Path(given).is_absolute():  # the XDG specification ignores relative ones
        return Path(given) / "slipway"
    if sys.platform == "win32":
        local = environ.get("LOCALAPPDATA")
        base = Path(local) if local else Path.home() / "AppData/Local"
        return base / "slipway" / Path(posix).name.lstrip(".")
    home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    if sys.platform == "darwin":
        return home / "Library" / mac / "slipway"
    return home / posix / "slipway"


def _absolute(given: str) -> Path:
    return Path(given).expanduser().absolute()
