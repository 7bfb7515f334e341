"""YAML text to nodes: YAML as Compose reads it, with the line of every value.

Built on the parser's events instead of its nodes: it is faster, and nesting, aliases and
duplicate keys are checked while reading, so that no file can exhaust memory or the stack.
"""

from __future__ import annotations

from typing import Any

import yaml

from slipway.app.compose.node import Node
from slipway.app.compose.scalars import tagged_scalar
from slipway.errors import ConfigError, Location

MAX_DEPTH = 100
MAX_NODES = 300_000
_TAGS = {"!reset": "reset", "!override": "override"}
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_documents(text: str, file: str) -> list[Node]:
    """Every document in `text`; empty ones are left out. Raises ConfigError."""
    try:
        return _Reader(text, file).documents()
    except yaml.MarkedYAMLError as problem:
        raise _marked_error(problem, text, file) from None
    except yaml.YAMLError as problem:
        line = _line_of(text, getattr(problem, "position", None))
        raise _syntax_error(getattr(problem, "reason", "unreadable"), file, line) from None
    except UnicodeEncodeError as problem:
        line = _line_of(text, problem.start)
        raise _syntax_error("this character is not allowed", file, line) from None


def _line_of(text: str, position: int | None) -> int | None:
    return None if position is None else text.count("\n", 0, position) + 1


def _marked_error(problem: yaml.MarkedYAMLError, text: str, file: str) -> ConfigError:
    mark = problem.problem_mark or problem.context_mark
    start = problem.context_mark
    if start is not None and "quoted scalar" in (problem.context or ""):
        return _syntax_error("a quote is not closed", file, start.line + 1, "close the quote")
    line = None if mark is None else mark.line + 1
    words = str(problem.problem or "unreadable")
    lines = text.split("\n")
    written = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    if "\t" in written[: len(written) - len(written.lstrip())]:
        words = "this line is indented with a tab"
        return _syntax_error(words, file, line, "YAML is indented with spaces only")
    return _syntax_error(words, file, line)


def _syntax_error(
    problem: str, file: str, line: int | None, hint: str | None = None
) -> ConfigError:
    usual = "look at the indentation, the quotes and the colons on this line and the one before"
    message = f"not valid YAML: {problem}"
    return ConfigError(message, location=Location(file, line), hint=hint or usual)


class _Reader:
    """One pass over the events of one text."""

    def __init__(self, text: str, file: str) -> None:
        loader = _Loader(text)
        self._next = loader.get_event
        self._file = file
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._count = 0

    def documents(self) -> list[Node]:
        found = []
        while not isinstance(event := self._next(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors = {}
                root = self._node(self._next(), 0)
                if root.value is not None:
                    found.append(root)
        return found

    def _fail(self, message: str, event: Any, hint: str | None = None) -> ConfigError:
        line = event.start_mark.line + 1
        return ConfigError(message, location=Location(self._file, line), hint=hint)

    def _node(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self._count
        self._grow(1, event)
        if depth > MAX_DEPTH:
            raise self._fail(f"nested deeper than {MAX_DEPTH} levels", event)
        node = Node(None, self._file, event.start_mark.line + 1, _TAGS.get(event.tag))
        if isinstance(event, yaml.ScalarEvent):
            node.value = self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent):
            node.value = self._mapping(depth + 1)
        else:
            node.value = self._sequence(depth + 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, self._count - before)
        return node

    def _grow(self, by: int, event: Any) -> None:
        self._count += by
        if self._count > MAX_NODES:
            raise self._fail(
                f"its aliases expand to more than {MAX_NODES} values",
                event,
                "write out less through nested anchors and aliases",
            )

    def _alias(self, event: Any) -> Node:
        if event.anchor not in self._anchors:
            raise self._fail(
                f"the alias `*{event.anchor}` has no anchor before it",
                event,
                f"write `&{event.anchor}` at the value it should repeat, above this line",
            )
        node, size = self._anchors[event.anchor]
        self._grow(size, event)
        return node

    def _scalar(self, event: Any) -> Any:
        plain = not event.style
        try:
            return tagged_scalar(event.value, event.tag, plain)
        except ValueError as problem:
            raise self._fail(str(problem), event) from None

    def _sequence(self, depth: int) -> list[Node]:
        elements = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            elements.append(self._node(event, depth))
        return elements

    def _mapping(self, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        merged: dict[str, Node] | None = None
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._key(event, depth)
            value = self._node(self._next(), depth)
            line = event.start_mark.line + 1
            if key == "<<" and _is_plain(event):
                if merged is not None:
                    raise self._fail("`<<` is written twice here", event, "write `<<: [*a, *b]`")
                merged = self._merged(value, event)
                continue
            if key in entries:
                first = entries[key].line
                raise self._fail(
                    f"the key `{key}` is written twice; the first is on line {first}",
                    event,
                    "keep one of them",
                )
            entries[key] = Node(value.value, value.file, line, value.tag)
        return {**merged, **entries} if merged else entries

    def _key(self, event: Any, depth: int) -> str:
        node = self._node(event, depth)
        if not isinstance(node.value, str):
            if isinstance(event, yaml.ScalarEvent):
                raise self._fail(
                    f"the key `{event.value}` is not text",
                    event,
                    f'put it in quotes: "{event.value}"',
                )
            raise self._fail("a key must be text", event, "braces in a value need quotes around it")
        return node.value

    def _merged(self, value: Node, event: Any) -> dict[str, Node]:
        sources = value.value if isinstance(value.value, list) else [value]
        merged: dict[str, Node] = {}
        for source in sources:
            if not isinstance(source.value, dict):
                raise self._fail("`<<` needs a mapping, or a list of mappings", event)
            merged = {**source.value, **merged}
        return merged


def _is_plain(event: Any) -> bool:
    return isinstance(event, yaml.ScalarEvent) and not event.style and event.tag is None
