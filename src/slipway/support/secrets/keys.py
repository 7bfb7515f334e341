"""The key that opens an environment's secrets: an age identity file, outside the project."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from pyrage import IdentityError
from pyrage.x25519 import Identity

from slipway.errors import ConfigError, Location
from slipway.support.files import create_once, make_folder, storage_errors
from slipway.support.paths import config_home, folder_name

_MARK = "AGE-SECRET-KEY-"


def key_path(environ: Mapping[str, str], app_id: str, environment: str) -> Path:
    """Where the key of an app's environment is: `$DEPLOY_KEY_FILE`, else the user's own folder.

    `app_id` is from `support.paths.app_id`. The file need not exist.
    """
    given = environ.get("DEPLOY_KEY_FILE")
    if given:
        return Path(given).expanduser().absolute()
    return config_home(environ) / "keys" / f"{app_id}-{folder_name(environment)}.key"


def read_identities(path: Path) -> tuple[Identity, ...]:
    """The identities in an age key file, as `age-keygen` writes it; empty if there is no file.

    Raises ConfigError for a file without a usable key, StorageError if it cannot be read.
    """
    with storage_errors(path, "read"):
        try:
            lines = path.read_text("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return ()
    try:
        found = tuple(Identity.from_str(each.strip()) for each in lines if each.startswith(_MARK))
    except IdentityError:
        found = ()
    if not found:
        raise ConfigError(
            "this is not an age key file: no usable AGE-SECRET-KEY-... line in it",
            location=Location(str(path)),
            hint="restore it from your backup, or point DEPLOY_KEY_FILE to the right file",
        )
    return found


def create_identity(path: Path) -> tuple[Identity, ...]:
    """Make a key at `path` unless there is one; what is there afterwards. Raises StorageError."""
    identity = Identity.generate()
    made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    make_folder(path.parent)
    create_once(
        path,
        f"# created: {made}\n# public key: {identity.to_public()}\n{identity}\n".encode(),
    )
    return read_identities(path)
