"""Holding deploy.yaml to its schema, with errors a person can act on: line, key, nearest key."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from slipway.app.config.marks import child
from slipway.app.model import Origin
from slipway.errors import ConfigError, Location

_MEANING = {
    "^/": "must start with /",
    "^[a-z0-9][a-z0-9_-]*$": "must be lower-case letters, digits, - and _",
    "^[A-Za-z0-9][A-Za-z0-9._-]*$": "must be letters, digits, `.`, `-` and `_`",
    "^([1-5]xx|[1-5][0-9][0-9])$": "must be a status such as 200 or 2xx",
    "^[1-5]xx$": "must be a status such as 200 or 2xx",
}
_TYPES = {"object": "a mapping", "array": "a list", "string": "text", "null": "nothing"}
_TYPES |= {"integer": "a whole number", "boolean": "true or false"}


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of deploy.yaml; shared, so callers must not change it."""
    text = resources.files("slipway.app.config").joinpath("deploy.schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def check_config(data: Any, locations: Mapping[str, Origin]) -> None:
    """Raise ConfigError about everything in a deploy.yaml that its schema does not allow."""
    _check(data, schema(), locations, "")


def check_service(data: Any, locations: Mapping[str, Origin], prefix: str) -> None:
    """The same for one service's `x-deploy:`, found in the Compose project at `prefix`."""
    whole = schema()
    part = {"$schema": whole["$schema"], "$ref": "#/$defs/service", "$defs": whole["$defs"]}
    _check(data, part, locations, prefix)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be, or None."""
    close = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def location_of(path: str, locations: Mapping[str, Origin]) -> Location | None:
    """Where `path`, or what holds it, was written."""
    while True:
        origin = locations.get(path)
        if origin is not None:
            return Location(origin.file, origin.line)
        if not path:
            return None
        cut = max(path.rfind("."), path.rfind("["))
        path = path[:cut] if cut > 0 else ""


def wrong(
    message: str, path: str, locations: Mapping[str, Origin], hint: str | None = None
) -> ConfigError:
    """A ConfigError about the value at `path`."""
    return ConfigError(f"{path}: {message}", location=location_of(path, locations), hint=hint)


class _Complaint(NamedTuple):
    """One thing that is wrong at `path`; `marked` is the path whose line to show, if another."""

    message: str
    path: str
    hint: str | None
    marked: str | None = None


def _check(
    data: Any, part: Mapping[str, Any], locations: Mapping[str, Origin], prefix: str
) -> None:
    import jsonschema_rs

    errors = list(jsonschema_rs.validator_for(dict(part)).iter_errors(data))
    if not errors:
        return
    found: dict[str, tuple[Location | None, str | None]] = {}
    for error in errors:
        for each in _explain(error, part, prefix):
            text = f"{each.path}: {each.message}" if each.path else each.message
            place = location_of(each.marked or each.path, locations)
            found.setdefault(text, (place, each.hint))
    order = sorted(found.items(), key=lambda item: (item[1][0] or Location("")).line or 0)
    (message, (location, hint)), *rest = order
    details = [f"{place}: {text}" if place else text for text, (place, _) in rest]
    raise ConfigError(message, location=location, hint=hint, details=details)


def _explain(error: Any, part: Mapping[str, Any], prefix: str) -> list[_Complaint]:
    """What one schema error stands for, each with its path and hint."""
    path = prefix
    for step in error.instance_path:
        path = child(path, step)
    kind = error.kind.name
    above = path[: path.rfind(".")] if "." in path else ""
    place = tuple(error.schema_path)
    if place[:2] == ("$defs", "override") and len(place) == 3:
        key = path.rpartition(".")[2]
        if kind == "type" or nearest(key, _keys(part, "service")):
            return [_unknown_key(key, _keys(part, "service"), above, path)]
    if kind == "additionalProperties":
        known = tuple(_at(part, place[:-1]).get("properties", {}))
        return [_unknown_key(key, known, path, child(path, key)) for key in error.kind.unexpected]
    if kind == "propertyNames":
        key = error.message.partition('" does not match')[0].lstrip('"')
        return [_Complaint(f'"{key}" {_pattern(part, place)}', path, None, child(path, key))]
    return [_Complaint(_describe(error, part), path, _hint(error))]


def _unknown_key(key: str, known: Sequence[str], above: str, path: str) -> _Complaint:
    close = nearest(key, known)
    said = f'unknown key "{key}"' + (f'; did you mean "{close}"?' if close else "")
    return _Complaint(said, above, f"known keys here: {', '.join(known)}", marked=path)


def _describe(error: Any, part: Mapping[str, Any]) -> str:
    """The error in a person's words; never shows more of the value than it must."""
    kind = error.kind
    match kind.name:
        case "type":
            wanted = " or ".join(_TYPES.get(each, f"a {each}") for each in kind.types)
            return f"must be {wanted}, not {_shown(error.instance)}"
        case "enum":
            options = [str(option) for option in kind.options]
            close = nearest(str(error.instance), options)
            meant = f'; did you mean "{close}"?' if close else ""
            return f"must be one of {', '.join(options)}, not {_shown(error.instance)}{meant}"
        case "pattern":
            return f"{_pattern(part, error.schema_path)}, not {_shown(error.instance)}"
        case "required":
            return f'"{kind.property}" is missing'
        case "minimum":
            return f"must be at least {kind.limit}, not {error.instance}"
        case "maximum":
            return f"must be at most {kind.limit}, not {error.instance}"
        case "minItems" | "minLength":
            return "must not be empty"
        case "not":
            return "must be a path, a mapping or false, not true"
    return str(error.message)


def _hint(error: Any) -> str | None:
    if (
        error.kind.name == "type"
        and isinstance(error.instance, str)
        and "integer" in error.kind.types
    ):
        return "write the number without quotes" if error.instance.isdigit() else None
    return None


def _pattern(part: Mapping[str, Any], place: Sequence[Any]) -> str:
    pattern = str(_at(part, place[:-1]).get("pattern", "")) or str(
        _at(part, place).get("pattern", "")
    )
    if pattern.startswith("^(") and pattern.endswith(")$") and "[" not in pattern:
        return f"must be one of {', '.join(pattern[2:-2].split('|'))}"
    return _MEANING.get(pattern, f"must match {pattern}")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _keys(part: Mapping[str, Any], definition: str) -> tuple[str, ...]:
    return tuple(part["$defs"][definition]["properties"])


def _at(part: Mapping[str, Any], place: Sequence[Any]) -> Mapping[str, Any]:
    """The piece of schema at `place`."""
    found: Any = part
    for step in place:
        found = found[step]
    return found if isinstance(found, dict) else {}
