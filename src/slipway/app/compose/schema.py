"""Checks one layer against the Compose specification's JSON schema, in words for a person.

The schema itself is fast and says yes or no; only when it says no are its errors read, the
first one in the file chosen, and the keys that would have been right looked up.
"""

from __future__ import annotations

import difflib
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

import msgspec

from slipway.app.compose.node import Node, Path, dotted, plain, without_resets
from slipway.errors import ConfigError

_KINDS = {
    "string": "text",
    "array": "a list",
    "object": "a mapping",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "empty",
}
_DURATIONS = {"stop_grace_period", "interval", "timeout", "start_period", "start_interval"}
_DURATIONS |= {"delay", "monitor", "window"}
_NAME_HINT = "names are made of letters, digits, `.`, `_` and `-`"


@lru_cache(maxsize=1)
def _schema() -> dict[str, Any]:
    data = (FilePath(__file__).parent / "compose-spec.json").read_bytes()
    schema: dict[str, Any] = msgspec.json.decode(data)
    return schema


@lru_cache(maxsize=1)
def _validator() -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(_schema())


def check_schema(layer: Node) -> None:
    """Nothing if `layer`, a whole interpolated document, is a Compose file; else ConfigError.

    A list that says something twice is accepted, as by Compose: merging leaves one.
    """
    bare = without_resets(layer)
    data = plain(bare)
    if _validator().is_valid(data):
        return
    problems: list[_Problem] = []
    for error in _validator().iter_errors(data):
        problems.extend(_leaves(error))
    real = [p for p in problems if p.kind not in _UNKNOWN or _unknown_keys(p)]
    told = [p for p in real if p.kind != "UniqueItems"]
    if real and not told:
        return
    located = [(_node_at(bare, problem), problem) for problem in told or problems]
    node, problem = min(located, key=lambda pair: (pair[0].line or 0, -len(pair[1].path)))
    raise _explain(node, problem)


class _Problem:
    """One leaf of the validator's error tree."""

    __slots__ = ("kind", "message", "path", "source", "types")

    def __init__(self, path: Path, kind: str, source: Any, message: str) -> None:
        self.path = path
        self.kind = kind
        self.source = source
        self.message = message
        self.types: list[str] = list(getattr(source, "types", ()))


_UNKNOWN = ("AdditionalProperties", "UnevaluatedProperties")
_CHOICES = ("OneOfNotValid", "AnyOf")


def _leaves(error: Any) -> list[_Problem]:
    path: Path = tuple(error.instance_path)
    kind = type(error.kind).__name__.rpartition("_")[2]
    if kind not in _CHOICES:
        return [_Problem(path, kind, error.kind, error.message)]
    branches = [[leaf for e in branch for leaf in _leaves(e)] for branch in error.kind.context]
    fitting = [b for b in branches if not any(p.kind == "Type" and p.path == path for p in b)]
    if fitting:
        return min(fitting, key=len)
    merged = _Problem(path, "Type", error.kind, error.message)
    merged.types = sorted({t for b in branches for p in b for t in p.types})
    return [merged]


def _unknown_keys(problem: _Problem) -> list[str]:
    known = _keys_at(problem.path)
    return [key for key in problem.source.unexpected if key not in known]


def _node_at(root: Node, problem: _Problem) -> Node:
    node = root
    path = problem.path
    if problem.kind in _UNKNOWN:
        path = (*path, (_unknown_keys(problem) or problem.source.unexpected)[0])
    for step in path:
        child = node.value[step] if isinstance(step, int) else node.get(step)
        if child is None:
            break
        node = child
    return node


def _explain(node: Node, problem: _Problem) -> ConfigError:
    where = dotted(problem.path)
    if problem.kind in _UNKNOWN:
        return _unknown(node, problem, where)
    if problem.kind == "Type":
        wanted = " or ".join(_KINDS.get(kind, kind) for kind in problem.types if kind != "null")
        hint = _type_hint(node, problem)
        return node.error(
            f"{where or 'a Compose file'} must be {wanted}, not {_kind_of(node)}", hint
        )
    if problem.kind == "Enum":
        options = [str(option) for option in problem.source.options]
        close = difflib.get_close_matches(str(node.value), options, 1, 0.5)
        hint = f"did you mean `{close[0]}`?" if close else None
        listed = ", ".join(f"`{option}`" for option in options)
        return node.error(f"{where} is `{node.value}`; it must be one of {listed}", hint)
    if problem.kind == "Required":
        name = problem.source.property
        return node.error(f"{where} needs `{name}`", f"add `{name}:`")
    return node.error(f"{where}: {problem.message}")


def _type_hint(node: Node, problem: _Problem) -> str | None:
    value = node.value
    if "string" in problem.types and type(value) in (int, float):
        if problem.path[-1] in _DURATIONS:
            return f"write a unit with it: {value}s"
        return f'put it in quotes: "{value}"'
    if value is None:
        return "write a value, or take the key out"
    return None


def _unknown(node: Node, problem: _Problem, where: str) -> ConfigError:
    key = (_unknown_keys(problem) or problem.source.unexpected)[0]
    known = sorted(_keys_at(problem.path))
    if not known:
        return node.error(f"`{key}` in {where} is not a name that Compose allows", _NAME_HINT)
    place = f"in {where}" if where else "at the top of the file"
    close = difflib.get_close_matches(key, known, 1, 0.6)
    if close:
        return node.error(f"unknown key `{key}` {place}; did you mean `{close[0]}`?")
    if where:
        hint = "keys of your own start with `x-`"
    else:
        hint = "services go under `services:`; keys of your own start with `x-`"
    return node.error(f"unknown key `{key}` {place}", hint)


def _kind_of(node: Node) -> str:
    value = node.value
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if value is None:
        return "empty"
    return f"the number {value}" if isinstance(value, (int, float)) else "text"


def _keys_at(path: Path) -> set[str]:
    """The keys that the schema knows for the mapping at `path`."""
    schemas = _alternatives(_schema())
    for step in path:
        below: list[dict[str, Any]] = []
        for schema in schemas:
            below.extend(_step(schema, step))
        schemas = [found for schema in below for found in _alternatives(schema)]
    return {key for schema in schemas for key in schema.get("properties", {})}


def _step(schema: dict[str, Any], step: str | int) -> list[dict[str, Any]]:
    if isinstance(step, int):
        items = schema.get("items")
        return [items] if items else []
    if step in schema.get("properties", {}):
        return [schema["properties"][step]]
    return list(schema.get("patternProperties", {}).values())


def _alternatives(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """`schema` and all that it refers to or combines."""
    found = [schema]
    if "$ref" in schema:
        found += _alternatives(_schema()["$defs"][schema["$ref"].rpartition("/")[2]])
    for word in ("allOf", "oneOf", "anyOf"):
        for part in schema.get(word, ()):
            found += _alternatives(part)
    return found
