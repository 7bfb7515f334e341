"""A YAML value that knows where it was written: what every stage of the loader works on.

Nodes are never changed after parsing; a stage that changes something makes new ones. Anchors
and aliases share them, so a big file stays small.
"""

from __future__ import annotations

from typing import Any

from slipway.app.model import Origin
from slipway.errors import ConfigError, Location

Path = tuple[str | int, ...]


class Node:
    """`value` is a dict of nodes, a list of nodes, or a scalar (str, int, float, bool, None).

    `tag` is `reset`, `override` or None. `line` counts from 1; for a value in a mapping it is
    the line of its key.
    """

    __slots__ = ("file", "line", "tag", "value")

    def __init__(self, value: Any, file: str, line: int | None, tag: str | None = None) -> None:
        self.value = value
        self.file = file
        self.line = line
        self.tag = tag

    def new(self, value: Any) -> Node:
        """Another value written at the same place."""
        return Node(value, self.file, self.line, self.tag)

    def error(self, message: str, hint: str | None = None) -> ConfigError:
        """The error to raise for something wrong here."""
        return ConfigError(message, hint=hint, location=Location(self.file, self.line))

    def items(self) -> dict[str, Node]:
        """The entries of a mapping; nothing for any other value."""
        return self.value if isinstance(self.value, dict) else {}

    def elements(self) -> list[Node]:
        """The elements of a sequence; nothing for any other value."""
        return self.value if isinstance(self.value, list) else []

    def get(self, key: str) -> Node | None:
        """The entry of a mapping, if this is one and has it."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def scalar(self, key: str) -> Any:
        """The plain value of an entry, None if there is none."""
        found = self.get(key)
        return None if found is None else found.value

    def having(self, **entries: Node) -> Node:
        """This mapping with entries added or replaced."""
        return self.new({**self.items(), **entries})


def plain(node: Node) -> Any:
    """The value without places, as JSON has it."""
    value = node.value
    if isinstance(value, dict):
        return {key: plain(child) for key, child in value.items()}
    if isinstance(value, list):
        return [plain(child) for child in value]
    return value


def dotted(path: Path) -> str:
    """`("services", "web", "ports", 0)` as `services.web.ports[0]`."""
    parts: list[str] = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        else:
            parts.append(f".{step}" if parts else step)
    return "".join(parts)


def locations(root: Node) -> dict[str, Origin]:
    """Where each value below `root` was written, by dotted path."""
    found: dict[str, Origin] = {}
    known: dict[tuple[str, int | None], Origin] = {}

    def visit(node: Node, path: str) -> None:
        place = (node.file, node.line)
        origin = known.get(place)
        if origin is None:
            origin = known[place] = Origin(file=node.file, line=node.line)
        found[path] = origin
        value = node.value
        if isinstance(value, dict):
            for key, child in value.items():
                visit(child, f"{path}.{key}" if path else key)
        elif isinstance(value, list):
            for index, child in enumerate(value):
                visit(child, f"{path}[{index}]")

    visit(root, "")
    found.pop("", None)
    return found


def without_resets(node: Node) -> Node:
    """What is left of a layer by itself: values tagged `!reset` taken out."""
    value = node.value
    if isinstance(value, dict):
        kept = {key: without_resets(child) for key, child in value.items() if child.tag != "reset"}
        return Node(kept, node.file, node.line)
    if isinstance(value, list):
        left = [without_resets(child) for child in value if child.tag != "reset"]
        return Node(left, node.file, node.line)
    return node if node.tag is None else Node(value, node.file, node.line)
