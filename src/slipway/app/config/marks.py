"""Reading one YAML file into plain data, with the line of every value.

Scalars mean what YAML 1.2 says: `yes`, `on` and `12:30` are text. Doubled keys are errors,
because the one that is silently dropped is always the one that was meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from slipway.app.model import Origin
from slipway.errors import ConfigError, Location

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PREFIX = "tag:yaml.org,2002:"
_MOST_VALUES = 100_000


class Marked(NamedTuple):
    """Plain data, and where each dotted path (`services.web.readiness`) was written."""

    data: Any
    locations: Mapping[str, Origin]


def read_marked(path: Path, shown: str) -> Marked:
    """Read `path`; errors and locations call it `shown`. Raises ConfigError."""
    return parse_marked(_text(path, shown), shown)


def parse_marked(text: str, shown: str) -> Marked:
    """Read one YAML document. Raises ConfigError with file and line."""
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise _broken(error, shown) from None
    walk = _Walk(shown)
    data = None if node is None else walk.value(node, "")
    return Marked(data, walk.locations)


def child(path: str, key: object) -> str:
    """The dotted path of `key` under `path`; list indexes are in brackets."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else str(key)


class _Walk:
    """From nodes to data; keeps the line of everything it passes."""

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.locations: dict[str, Origin] = {}
        self._open: set[int] = set()

    def value(self, node: Any, path: str) -> Any:
        if path not in self.locations:
            self.locations[path] = Origin(file=self.shown, line=node.start_mark.line + 1)
        if len(self.locations) > _MOST_VALUES or id(node) in self._open:
            raise self._error("the file's anchors refer to themselves, or grow too large", node)
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.value(each, child(path, i)) for i, each in enumerate(node.value)]
            return self._mapping(node, path)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: Any, path: str) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key_node.tag == f"{_PREFIX}merge":
                merged = {**self._merge(value_node, path), **merged}
                continue
            if key in own:
                raise self._error(f'"{key}" is given twice', key_node)
            where = child(path, key)
            self.locations[where] = Origin(file=self.shown, line=key_node.start_mark.line + 1)
            own[key] = self.value(value_node, where)
        return {**merged, **own}

    def _merge(self, node: Any, path: str) -> dict[str, Any]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        result: dict[str, Any] = {}
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                raise self._error("`<<` takes a mapping, or a list of mappings", source)
            result = {**self.value(source, path), **result}
        return result

    def _error(self, message: str, node: Any) -> ConfigError:
        return ConfigError(message, location=Location(self.shown, node.start_mark.line + 1))


def _scalar(node: Any) -> Any:
    tag, text = node.tag.removeprefix(_PREFIX), node.value
    if tag == "null":
        return None
    if tag == "bool" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        if tag == "int" and "_" not in text:
            return int(text, 16 if text.startswith("0x") else 10)
        if tag == "float":
            return float(text)
    except ValueError:
        pass
    return text


def _text(path: Path, shown: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            f"{shown} does not exist",
            hint="check --config, or leave it out: deploy.yaml is optional",
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{shown} is not UTF-8 text: {error.reason}") from None
    except OSError as error:
        raise ConfigError(f"{shown} cannot be read: {error.strerror or error}") from None


def _broken(error: yaml.YAMLError, shown: str) -> ConfigError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    line = None if mark is None else mark.line + 1
    return ConfigError(
        f"not valid YAML: {problem}",
        location=Location(shown, line),
        hint="indent with spaces, and put quotes around text that holds `: ` or starts with one "
        "of `{ [ & * ! | > % @`",
    )
