"""Small converters from what people write to what Compose prints, and how to combine them.

A converter takes a node and gives a node; `mapping_of` and `list_of` apply others to a value's
parts. Each raises ConfigError at the node that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from slipway.app.compose.node import Node
from slipway.app.compose.scalars import resolve, to_bool, to_text
from slipway.app.compose.units import duration_text, shell_words, size_bytes

Converter = Callable[[Node], Node]


def keep(node: Node) -> Node:
    """As it is."""
    return node


def mapping_of(parts: Mapping[str, Converter]) -> Converter:
    """Converts the entries of a mapping that have a converter; leaves the others."""

    def convert(node: Node) -> Node:
        value = node.value
        if not isinstance(value, dict):
            return node
        changed = {}
        for key, child in value.items():
            converter = parts.get(key)
            changed[key] = child if converter is None or _absent(child) else converter(child)
        return node.new(changed)

    return convert


def each_of(converter: Converter) -> Converter:
    """Converts every entry of a mapping, or every element of a list."""

    def convert(node: Node) -> Node:
        value = node.value
        if isinstance(value, dict):
            return node.new(
                {k: child if _absent(child) else converter(child) for k, child in value.items()}
            )
        if isinstance(value, list):
            return node.new([child if _absent(child) else converter(child) for child in value])
        return node

    return convert


def _absent(node: Node) -> bool:
    return node.value is None or node.tag == "reset"


def boolean(node: Node) -> Node:
    """`true`, also where it came as text from a variable."""
    value = to_bool(node.value)
    if value is None:
        raise node.error(f"`{node.value}` is neither true nor false", "write true or false")
    return node.new(value)


def integer(node: Node) -> Node:
    """A whole number."""
    value = resolve(node.value) if isinstance(node.value, str) else node.value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int:
        raise node.error(f"`{node.value}` is no whole number", "write digits, such as 3")
    return node.new(value)


def number(node: Node) -> Node:
    """A number, whole or not."""
    value = resolve(node.value) if isinstance(node.value, str) else node.value
    if type(value) not in (int, float):
        raise node.error(f"`{node.value}` is no number", "write a number, such as 3 or 0.5")
    return node.new(value)


def text(node: Node) -> Node:
    """A scalar as text."""
    return node.new(to_text(node.value)) if _is_scalar(node) else node


def size(node: Node) -> Node:
    """Bytes, as Compose prints them: digits in a text."""
    try:
        return node.new(str(size_bytes(str(node.value).strip())))
    except ValueError:
        raise node.error(
            f"`{node.value}` is no size", "write a number and a unit, such as 512m or 1.5g"
        ) from None


def duration(node: Node) -> Node:
    """A duration as Compose prints it (`1m30s`)."""
    try:
        return node.new(duration_text(str(node.value)))
    except ValueError:
        raise node.error(
            f"`{node.value}` is no duration", "write a number and a unit, such as 10s or 1m30s"
        ) from None


def words(node: Node) -> Node:
    """A command: a text is split into words as a shell would."""
    if not isinstance(node.value, str):
        return each_of(text)(node)
    try:
        found = shell_words(node.value)
    except ValueError as problem:
        raise node.error(
            f"the command cannot be split into words: {problem}",
            'close the quote, or write the command as a list: ["sh", "-c", "..."]',
        ) from None
    return node.new([Node(word, node.file, node.line) for word in found])


def string_list(node: Node) -> Node:
    """A list of texts, also where one text stands for a list of one."""
    if isinstance(node.value, list):
        return each_of(text)(node)
    return node.new([Node(to_text(node.value), node.file, node.line)])


def _pairs(node: Node, separators: str, bare: str | None) -> Node:
    if not isinstance(node.value, list):
        return each_of(text)(node)
    entries: dict[str, Node] = {}
    for element in node.value:
        raw = to_text(element.value) or ""
        cut = min((raw.find(s) for s in separators if s in raw), default=-1)
        key, value = (raw, bare) if cut < 0 else (raw[:cut], raw[cut + 1 :])
        entries[key] = Node(value, element.file, element.line)
    return node.new(entries)


def variables(node: Node) -> Node:
    """`environment:` and `args:`: a list of `A=1` as a mapping; a bare `A` has no value."""
    return _pairs(node, "=", None)


def labels(node: Node) -> Node:
    """Labels and their like: a bare `A`, or one without a value, is an empty text."""
    filled = _pairs(node, "=", "")
    empty = {k: c.new("") for k, c in filled.items().items() if c.value is None and not c.tag}
    return filled.new({**filled.items(), **empty}) if empty else filled


def hosts(node: Node) -> Node:
    """`extra_hosts:` as a list of `name=address`."""
    found: list[Node] = []
    if isinstance(node.value, dict):
        for name, child in node.value.items():
            for address in child.value if isinstance(child.value, list) else [child]:
                host = f"{name}={to_text(address.value)}"
                found.append(address.new(host))
        return _by_name(node.new(found))
    for element in node.elements():
        raw = to_text(element.value) or ""
        cut = min((raw.find(s) for s in "=:" if s in raw), default=len(raw))
        address = raw[cut + 1 :].removeprefix("[").removesuffix("]")
        found.append(element.new(f"{raw[:cut]}={address}"))
    return _by_name(node.new(found))


def _by_name(node: Node) -> Node:
    return node.new(sorted(node.value, key=lambda host: str(host.value).partition("=")[0]))


def keyed(default: Converter) -> Converter:
    """A list of names as a mapping of them, each with what `default` makes of its name."""

    def convert(node: Node) -> Node:
        if not isinstance(node.value, list):
            return node
        return node.new({str(e.value): default(e) for e in node.value if e.tag != "reset"})

    return convert


def _is_scalar(node: Node) -> bool:
    return not isinstance(node.value, (dict, list))
