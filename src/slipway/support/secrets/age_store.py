"""Secrets, encrypted at rest: one age file in the environment's store, the key outside of it.

Every value ever set is kept as a version, so that a rollback gets the values its release ran
with. Values leave only through `get`; reprs, errors and tracebacks never hold one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pyrage
from pyrage.x25519 import Identity

from slipway.errors import ConfigError, Location, NotFoundError, StorageError, UsageError
from slipway.support.data import Frozen
from slipway.support.secrets.hidden import Hidden
from slipway.support.secrets.keys import create_identity, key_path, read_identities
from slipway.support.store import Store

__all__ = ["SecretInfo", "SecretStore", "key_path"]

KEY = "secrets.age"
_ATTEMPTS = 100
_NAME = re.compile(r"[A-Za-z0-9_./-]+")


class SecretInfo(Frozen, frozen=True, kw_only=True):
    """What may be shown of a secret: its newest version, when it was made (epoch) and by whom."""

    name: str
    version: int
    created: float
    source: str


class _Version(Frozen, frozen=True, kw_only=True):
    """One value. None: unset from here on. Hidden, so that the default repr is safe."""

    version: int
    created: float
    source: str
    value: Hidden | None = None


_Versions = Mapping[str, tuple[_Version, ...]]


class SecretStore:
    """The secrets of one environment. `source` says where a value came from: "generated", "user".

    Reading creates nothing; the first `set` makes the key file. Raises ConfigError for a
    missing or wrong key, StorageError where the store cannot be read or written.
    """

    def __init__(
        self, store: Store, key_file: Path, *, now: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._key_file = key_file
        self._now = now

    def names(self) -> tuple[SecretInfo, ...]:
        """All secrets that are set, by name; never a value."""
        newest = ((name, versions[-1]) for name, versions in sorted(self._load()[1].items()))
        return tuple(
            SecretInfo(name=name, version=last.version, created=last.created, source=last.source)
            for name, last in newest
            if last.value is not None
        )

    def has(self, name: str) -> bool:
        return _current(self._load()[1], name) is not None

    def version_of(self, name: str) -> int:
        """The newest version's number. Raises NotFoundError."""
        last = _current(self._load()[1], name)
        if last is None:
            raise _not_found(name, None)
        return last.version

    def next_version(self, name: str) -> int:
        """The number that the next new value of `name` gets."""
        return _next(self._load()[1].get(name, ()))

    def get(self, name: str, version: int | None = None) -> str:
        """The newest value, or that of `version`, also of a secret unset since.

        Raises NotFoundError.
        """
        versions = self._load()[1]
        if version is None:
            found = _current(versions, name)
        else:
            found = next((v for v in versions.get(name, ()) if v.version == version), None)
        if found is None or found.value is None:
            raise _not_found(name, version)
        return found.value.reveal()

    def set(self, name: str, value: str, source: str) -> int:
        """Keep a value; its version. The value it has already is not written again."""
        values = {name: Hidden(value)}
        del value  # so that a traceback with locals does not show it
        return self._keep(values, source)[name]

    def set_many(self, values: Mapping[str, str], source: str) -> dict[str, int]:
        """Keep several values in one atomic write; the version of each."""
        hidden = {name: Hidden(values[name]) for name in values}
        del values
        return self._keep(hidden, source)

    def unset(self, name: str) -> None:
        """Take a secret away; its old versions stay readable by number. Raises NotFoundError."""

        def remove(versions: _Versions) -> _Versions:
            if _current(versions, name) is None:
                raise _not_found(name, None)
            return self._added(versions, name, None, "unset")

        self._change(remove)

    def _keep(self, values: Mapping[str, Hidden], source: str) -> dict[str, int]:
        for name in values:
            _check_name(name)

        def add(versions: _Versions) -> _Versions:
            for name, value in values.items():
                last = _current(versions, name)
                if last is None or last.value != value:
                    versions = self._added(versions, name, value, source)
            return versions

        versions = self._change(add)
        return {name: versions[name][-1].version for name in values}

    def _added(
        self, versions: _Versions, name: str, value: Hidden | None, source: str
    ) -> _Versions:
        old = versions.get(name, ())
        new = _Version(version=_next(old), created=self._now(), source=source, value=value)
        return {**versions, name: (*old, new)}

    def _change(self, change: Callable[[_Versions], _Versions]) -> _Versions:
        """Apply `change` to what is stored, again if another writer came between."""
        for _ in range(_ATTEMPTS):
            before, versions = self._load()
            changed = change(versions)
            if changed == versions:
                return versions
            if self._store.swap(KEY, before, self._encrypted(changed, created=before is None)):
                return changed
        raise StorageError(
            "other processes keep changing the secrets at the same time",
            hint="end them, then run it again",
        )

    def _load(self) -> tuple[bytes | None, _Versions]:
        """What is stored, as bytes (to swap against) and opened."""
        data = self._store.read(KEY)
        if data is None:
            return None, {}
        return data, _opened(data, self._identities(), self._key_file)

    def _encrypted(self, versions: _Versions, *, created: bool) -> bytes:
        identities = create_identity(self._key_file) if created else self._identities()
        recipient = identities[0].to_public()
        return bytes(pyrage.encrypt(_encode(versions), [recipient]))

    def _identities(self) -> tuple[Identity, ...]:
        identities = read_identities(self._key_file)
        if not identities:
            raise ConfigError(
                "the key that opens this environment's secrets is not there",
                location=Location(str(self._key_file)),
                hint="copy it from the machine that made it, or from your backup, or name it "
                "with DEPLOY_KEY_FILE",
            )
        return identities


def _encode(versions: _Versions) -> bytes:
    return msgspec.json.encode({"secrets": versions}, enc_hook=lambda hidden: hidden.reveal())


class _Document(Frozen, frozen=True, kw_only=True):
    secrets: dict[str, tuple[_Version, ...]]


def _hide(_: type, value: Any) -> Hidden:
    return Hidden(str(value))


def _opened(data: bytes, identities: tuple[Identity, ...], key_file: Path) -> _Versions:
    """Decrypt and decode in one expression: no local ever holds the plain text."""
    try:
        return msgspec.json.decode(
            pyrage.decrypt(data, list(identities)), type=_Document, dec_hook=_hide
        ).secrets
    except pyrage.DecryptError as error:
        raise ConfigError(
            f"this key does not open the environment's secrets ({error})",
            location=Location(str(key_file)),
            hint="use the key they were made with: restore it, or name it with DEPLOY_KEY_FILE",
        ) from None
    except msgspec.MsgspecError:
        raise StorageError(
            "the secrets were decrypted, but are not in a form that this version knows",
            hint="update Slipway, or restore the environment's secrets.age from a backup",
        ) from None


def _current(versions: _Versions, name: str) -> _Version | None:
    """The newest version, or None if there is none or it was unset."""
    last = versions.get(name, ())[-1:]
    return last[0] if last and last[0].value is not None else None


def _next(versions: tuple[_Version, ...]) -> int:
    return versions[-1].version + 1 if versions else 1


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be a secret's name",
            hint="use letters, digits and the signs _ . / -",
        )


def _not_found(name: str, version: int | None) -> NotFoundError:
    what = f"secret {name}" if version is None else f"version {version} of secret {name}"
    return NotFoundError(
        f"there is no {what}",
        hint=f"set it with `deploy secrets set {name}`, or see `deploy secrets list`",
    )
