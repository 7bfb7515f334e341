"""Taking secret values out of a Compose project: placeholders stay, values go aside.

Two passes: literal values of secret variables are sealed under a name; then every other
place that repeats a sealed value (a command line, a label) gets the same placeholder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from slipway.app.assemble.variables import is_harmless
from slipway.app.known.names import words_of
from slipway.support.secrets.placeholder import names_in, placeholder

_URL_PASSWORD = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
_DSN_PASSWORD = re.compile(r"(?i)\b(?:password|pwd|accountkey|sharedaccesskey)\s*=\s*[^;\s]+")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_./-]")
_IDENTITY_KEYS = frozenset(
    {"image", "container_name", "hostname", "name", "platform", "source", "target", "context"}
    | {"dockerfile", "working_dir", "user", "network_mode", "type", "condition", "profiles"}
    | {"file", "runtime"}
)
_IDENTITY_WORDS = frozenset({"user", "username", "db", "database", "name", "schema", "vhost"})
_SHORTEST = 6
_PLACEHOLDER = placeholder("X").replace("X", "[^»]+")
_Struct = TypeVar("_Struct", bound=msgspec.Struct)

Environments = Mapping[str, Mapping[str, Any]]


def holds_credentials(value: str) -> bool:
    """Whether a value is a URL or a connection string with a password in it."""
    if "://" in value and _URL_PASSWORD.search(value):
        return True
    return "=" in value and bool(_DSN_PASSWORD.search(value))


def seal_literals(
    environments: Environments,
    *,
    taken: Mapping[str, str | None],
    is_secret: Callable[[str], bool],
) -> tuple[dict[tuple[str, str], str], dict[str, str]]:
    """Names for the secret values that are written out in `environments` (service -> variables).

    A value is named `KEY` where all services that have KEY agree, else `SERVICE/KEY`. `taken`
    are names in use, with their values (None: not known yet). Gives the secret's name by
    (service, key), and the values by name.
    """
    by_key: dict[str, dict[str, str]] = {}
    for service, variables in environments.items():
        for key, value in variables.items():
            if isinstance(value, str) and _is_literal_secret(key, value, is_secret):
                by_key.setdefault(key, {})[service] = value
    names: dict[tuple[str, str], str] = {}
    sealed: dict[str, str] = {}
    for key, values in by_key.items():
        shared = _shared_name(key, environments, taken)
        for service, value in values.items():
            name = shared or _clean(f"{service}/{key}")
            names[service, key] = name
            sealed[name] = value
    return names, sealed


def _is_literal_secret(key: str, value: str, is_secret: Callable[[str], bool]) -> bool:
    if not value or names_in(value):
        return False
    return (is_secret(key) and not is_harmless(value)) or holds_credentials(value)


def _shared_name(
    key: str, environments: Environments, taken: Mapping[str, str | None]
) -> str | None:
    values = {variables[key] for variables in environments.values() if key in variables}
    name = _clean(key)
    if len(values) != 1 or (name in taken and taken[name] not in values):
        return None
    return name


def _clean(name: str) -> str:
    return _NOT_IN_NAMES.sub("_", name)


class Scrubber:
    """Replaces sealed values wherever data repeats them.

    A value that also names something (an image, a service, a user: `postgres`) stays: to hide
    it would break what it names, and it is no secret to anyone. A value that is one plain
    word is replaced where it stands alone, since `secret` is also part of `/run/secrets`.
    """

    def __init__(
        self, sealed: Mapping[str, str], project: Mapping[str, Any], *others: msgspec.Struct
    ) -> None:
        identities = "\0".join(_identities(project))
        texts = "\0".join(_strings([project, *map(msgspec.to_builtins, others)]))
        values = {
            value: name
            for name, value in sealed.items()
            if len(value) >= _SHORTEST and value in texts and value not in identities
        }
        self._replacements = {value: placeholder(name) for value, name in values.items()}
        self._by_start: dict[str, list[str]] = {}
        for value in values:
            self._by_start.setdefault(value[:_SHORTEST], []).append(value)

    def text(self, text: str) -> str:
        """`text` without sealed values; the longest first, and never inside a placeholder."""
        starts = {text[i : i + _SHORTEST] for i in range(len(text) - _SHORTEST + 1)}
        found = [
            value for start in starts & self._by_start.keys() for value in self._by_start[start]
        ]
        if not found:
            return text
        patterns = [_pattern(value) for value in sorted(found, key=len, reverse=True)]
        either = "|".join([_PLACEHOLDER, *patterns])
        return re.sub(either, lambda match: self._replacements.get(match[0], match[0]), text)

    def struct(self, value: _Struct) -> _Struct:
        """The same for all texts of a data class."""
        if not self._replacements:
            return value
        return msgspec.convert(self.data(msgspec.to_builtins(value)), type(value))

    def data(self, data: Any, key: str = "") -> Any:
        """The same for every text in JSON-like data, but for what names something."""
        if not self._replacements:
            return data
        if isinstance(data, str):
            return data if key in _IDENTITY_KEYS else self.text(data)
        if isinstance(data, dict):
            return {name: self.data(value, name) for name, value in data.items()}
        if isinstance(data, list | tuple):
            return [self.data(value, key) for value in data]
        return data


def _pattern(value: str) -> str:
    escaped = re.escape(value)
    if len(value) >= 8 and not value.isalpha():
        return escaped
    return rf"(?<![^\s=:'\"]){escaped}(?![^\s@'\",;])"


def _strings(data: Any) -> Iterable[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from _strings(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _strings(value)


def _identities(data: Any, key: str = "") -> Iterable[str]:
    """Everything in a project that names something: keys of mappings, images, users."""
    if isinstance(data, dict):
        for name, value in data.items():
            if key in ("services", "volumes", "networks", "secrets", "configs", "depends_on"):
                yield name
            if key == "environment" and isinstance(value, str):
                if words_of(name)[-1:] and words_of(name)[-1] in _IDENTITY_WORDS:
                    yield value
                continue
            yield from _identities(value, name)
    elif isinstance(data, list):
        for value in data:
            yield from _identities(value, key)
    elif isinstance(data, str) and key in _IDENTITY_KEYS:
        yield data
