"""What a service finds in its file system: mounts, volumes, and Compose's secrets and configs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from slipway.app.assemble.variables import SecretLookup
from slipway.app.compose import Project
from slipway.app.model import FileMount, Mount, Origin, Volume
from slipway.errors import ConfigError, Location

_KINDS: Mapping[str, Literal["bind", "volume", "tmpfs"]] = {
    "bind": "bind",
    "volume": "volume",
    "tmpfs": "tmpfs",
}
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
        file = definition.get("file")
        if file and Path(file).is_file():
            return {"file": file}
        name = definition.get("environment") or source
        self.origins.setdefault(name, self._project.locations.get(f"secrets.{source}"))
        if definition.get("external"):
            self.external.add(name)
        value = definition.get("content")
        if definition.get("environment"):
            value = self._lookup.value(name)
        if value:
            self.values[name] = value
        return {"secret": name}

    def _config(self, source: str, definition: Mapping[str, Any]) -> dict[str, str]:
        if definition.get("content") is not None:
            return {"content": str(definition["content"])}
        if definition.get("environment"):
            return {"content": self._lookup(definition["environment"]) or ""}
        file = definition.get("file")
        if file and Path(file).exists():
            return {"file": file}
        place = self._project.locations.get(f"configs.{source}")
        what = f"the file {file} does not exist" if file else "it says no file or content"
        raise ConfigError(
            f"configs.{source}: {what}",
            location=Location(place.file, place.line) if place else None,
            hint="create the file, or give `content:`",
        )


def _mode(value: Any) -> int | None:
    if value is None:
        return None
    return int(value, 8) if isinstance(value, str) else int(value)


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())
