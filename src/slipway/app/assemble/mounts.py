"""What a service finds in its file system: mounts, volumes, and Compose's secrets and configs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from slipway.app.assemble.variables import SecretLookup
from slipway.app.compose import Project
from slipway.app.model import FileMount, Mount, Origin, Volume
from slipway.errors import ConfigError, Location
from slipway.support.files import storage_errors

_KINDS: Mapping[str, Literal["bind", "volume", "tmpfs"]] = {
    "bind": "bind",
    "volume": "volume",
    "tmpfs": "tmpfs",
}
_LARGEST = 1_000_000
"""Bytes: what orchestrators take as one config or secret."""
_FOLDERS = {"secret": "/run/secrets/", "config": "/"}


def mounts_of(spec: Mapping[str, Any]) -> tuple[Mount, ...]:
    """`volumes:` and `tmpfs:`; kinds that only one engine has are left to `Service.spec`."""
    found = [
        Mount(
            kind=_KINDS[each["type"]],
            target=each["target"],
            source=each.get("source") or None,
            read_only=bool(each.get("read_only")),
        )
        for each in spec.get("volumes") or ()
        if each.get("type") in _KINDS
    ]
    short = _listed(spec.get("tmpfs"))
    found += [Mount(kind="tmpfs", target=each.partition(":")[0]) for each in short]
    return tuple(found)


def volumes_of(project: Project) -> dict[str, Volume]:
    """The named volumes, by the name that mounts use.

    `Volume.name` is the same, unless the file gives the volume a name of its own: a platform
    makes names that are not fixed unique to the app and the environment.
    """
    found = {}
    for key, definition in (project.data.get("volumes") or {}).items():
        given = (definition or {}).get("name")
        external = bool((definition or {}).get("external"))
        own = given if given and given != f"{project.name}_{key}" else key
        found[key] = Volume(name=own, external=external)
    return found


class FileSources:
    """Top-level `secrets:` and `configs:`: where each one's bytes come from.

    A file's text is taken as it is now, so that a release keeps it; a folder, binary data and
    what is very large stay where they are (`FileMount.file`).
    `values` gets what must be sealed; `origins` where each secret was declared, and
    `external` those that only the platform's owner can know.
    """

    def __init__(self, project: Project, lookup: SecretLookup) -> None:
        self.values: dict[str, str] = {}
        self.origins: dict[str, Origin | None] = {}
        self.external: set[str] = set()
        self._project = project
        self._lookup = lookup

    def mounts(self, spec: Mapping[str, Any]) -> tuple[FileMount, ...]:
        """The files of one service. Raises ConfigError for a config that is not there."""
        return tuple(
            self._mount(kind, key, each)
            for kind, key in (("secret", "secrets"), ("config", "configs"))
            for each in spec.get(key) or ()
        )

    def _mount(self, kind: Any, key: str, entry: Mapping[str, Any]) -> FileMount:
        source = entry["source"]
        target = entry.get("target") or source
        if not target.startswith("/"):
            target = f"{_FOLDERS[kind]}{target}"
        definition = (self._project.data.get(key) or {}).get(source) or {}
        bytes_from = (
            self._secret(source, definition)
            if kind == "secret"
            else self._config(source, definition)
        )
        return FileMount(
            kind=kind, source=source, target=target, mode=_mode(entry.get("mode")), **bytes_from
        )

    def _secret(self, source: str, definition: Mapping[str, Any]) -> dict[str, str]:
        name = definition.get("environment") or source
        file = definition.get("file")
        if file and Path(file).is_file():
            text = _text_of(Path(file))
            if text is None:
                return {"file": file}
            name = self._free_name(source, text)
            self.values[name] = text
        self.origins.setdefault(name, self._project.locations.get(f"secrets.{source}"))
        if definition.get("external"):
            self.external.add(name)
        value = definition.get("content")
        if definition.get("environment"):
            value = self._lookup.value(name)
        if value:
            self.values[name] = value
        return {"secret": name}

    def _free_name(self, source: str, text: str) -> str:
        """A secret file's name; another one where a variable of that name has another value."""
        lookup = self._lookup
        free = source not in lookup.given or lookup.sealed.get(source) == text
        return source if free else f"secrets/{source}"

    def _config(self, source: str, definition: Mapping[str, Any]) -> dict[str, str]:
        if definition.get("content") is not None:
            return {"content": str(definition["content"])}
        if definition.get("environment"):
            return {"content": self._lookup(definition["environment"]) or ""}
        file = definition.get("file")
        if file and Path(file).exists():
            text = _text_of(Path(file))
            return {"file": file} if text is None else {"content": text}
        place = self._project.locations.get(f"configs.{source}")
        what = f"the file {file} does not exist" if file else "it says no file or content"
        raise ConfigError(
            f"configs.{source}: {what}",
            location=Location(place.file, place.line) if place else None,
            hint="create the file, or give `content:`",
        )


def _text_of(path: Path) -> str | None:
    """What a release keeps of a file, so that it stays as it was; None: too much, or no text.

    Raises StorageError.
    """
    with storage_errors(path, "read"):
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return None
        data = path.read_bytes()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _mode(value: Any) -> int | None:
    if value is None:
        return None
    return int(value, 8) if isinstance(value, str) else int(value)


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())
