"""`$NAME` and `${NAME:-default}` in Compose files and `.env` files.

A use of a variable that is required and missing does not stop at once: all of them are
collected, so that a person can set them in one go.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from slipway.app.compose.model import Lookup, Operator, Variable
from slipway.app.compose.node import Node, Path, dotted
from slipway.app.compose.scalars import resolve
from slipway.app.model import Origin
from slipway.errors import ConfigError, Location

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATORS: tuple[Operator, ...] = (":-", ":?", ":+", "-", "?", "+")
_MAX_NESTING = 20
_ONLY_TYPED = frozenset({"required", "priority", "gw_priority"})


class BadTemplateError(Exception):
    """A `$` expression that cannot be read; the loader turns it into a ConfigError."""


class Use:
    """One `$` expression: `operator` is "" where there is none, `text` what follows it."""

    __slots__ = ("name", "operator", "text")

    def __init__(self, name: str, operator: Operator, text: str | None) -> None:
        self.name = name
        self.operator = operator
        self.text = text


def expand(text: str, lookup: Lookup, seen: Callable[[Use, bool], None], nesting: int = 0) -> str:
    """`text` with every `$` expression replaced; `seen` is told each use and if it was found.

    Raises BadTemplateError.
    """
    if nesting > _MAX_NESTING:
        raise BadTemplateError("defaults are nested too deeply")
    out: list[str] = []
    position = 0
    while (dollar := text.find("$", position)) >= 0:
        out.append(text[position:dollar])
        position = dollar + 1
        if text.startswith("$", position):
            out.append("$")
            position += 1
            continue
        use, position = _read_use(text, position)
        out.append("$" if use is None else _evaluate(use, lookup, seen, nesting))
    out.append(text[position:])
    return "".join(out)


def _read_use(text: str, position: int) -> tuple[Use | None, int]:
    """The expression whose `$` ends at `position`, and where it ends; None: just a dollar."""
    if not text.startswith("{", position):
        match = _NAME.match(text, position)
        return (None, position) if match is None else (Use(match[0], "", None), match.end())
    end = _closing_brace(text, position)
    inside = text[position + 1 : end]
    match = _NAME.match(inside)
    if match is None:
        raise BadTemplateError(f"`${{{inside}}}` does not start with a variable's name")
    rest = inside[match.end() :]
    if not rest:
        return Use(match[0], "", None), end + 1
    for operator in _OPERATORS:
        if rest.startswith(operator):
            return Use(match[0], operator, rest[len(operator) :]), end + 1
    raise BadTemplateError(f"`${{{inside}}}` is not a form that Compose knows")


def _closing_brace(text: str, position: int) -> int:
    depth = 0
    for index in range(position, len(text)):
        if text[index] == "{":
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if depth == 0:
                return index
    raise BadTemplateError("a `${` is not closed by `}`")


def _evaluate(use: Use, lookup: Lookup, seen: Callable[[Use, bool], None], nesting: int) -> str:
    value = lookup(use.name)
    is_set = bool(value) if use.operator.startswith(":") else value is not None
    seen(use, is_set if use.operator else value is not None)
    if use.operator in (":+", "+"):
        return expand(use.text or "", lookup, seen, nesting + 1) if is_set else ""
    if is_set or use.operator == "":
        return value or ""
    if use.operator in (":-", "-"):
        return expand(use.text or "", lookup, seen, nesting + 1)
    return ""


class Interpolator:
    """Interpolates whole documents, and remembers variables, warnings and what is missing."""

    def __init__(self, lookup: Lookup) -> None:
        self.lookup = lookup
        self.variables: list[Variable] = []
        self.warnings: dict[str, str] = {}
        self._missing: dict[str, tuple[Node, str]] = {}

    def document(self, root: Node, path: Path = ()) -> Node:
        """`root` with every text interpolated. Raises ConfigError, naming all that is missing."""
        done = self._visit(root, path)
        self._raise_missing()
        return done

    def within(self, lookup: Lookup) -> Interpolator:
        """One for an included file, with its own lookup; what it finds is remembered here."""
        inner = Interpolator(lookup)
        inner.variables, inner.warnings = self.variables, self.warnings
        return inner

    def note_bare(self, node: Node, name: str, found: bool, where: str) -> None:
        """Remember a variable that is passed on by its name alone (`environment: [NAME]`)."""
        self.variables.append(
            Variable(name=name, found=found, where=where, origin=_origin(node)),
        )

    def _visit(self, node: Node, path: Path) -> Node:
        value = node.value
        if isinstance(value, str):
            return self._text(node, value, path) if "$" in value else node
        if isinstance(value, dict):
            return node.new({key: self._visit(child, (*path, key)) for key, child in value.items()})
        if isinstance(value, list):
            return node.new([self._visit(child, (*path, i)) for i, child in enumerate(value)])
        return node

    def _text(self, node: Node, text: str, path: Path) -> Node:
        def seen(use: Use, found: bool) -> None:
            self._remember(use, found, node, path)

        try:
            expanded = expand(text, self.lookup, seen)
        except BadTemplateError as problem:
            raise node.error(
                f"{dotted(path)}: {problem}", "write `$$` for a dollar that is no variable"
            ) from None
        typed = path and path[-1] in _ONLY_TYPED
        return node.new(resolve(expanded) if typed else expanded)

    def _remember(self, use: Use, found: bool, node: Node, path: Path) -> None:
        required = use.operator in (":?", "?")
        self.variables.append(
            Variable(
                name=use.name,
                operator=use.operator,
                default=None if required else use.text,
                message=use.text if required else None,
                found=found,
                origin=_origin(node),
                where=dotted(path),
            )
        )
        if found:
            return
        if required:
            self._missing.setdefault(use.name, (node, use.text or ""))
        elif use.operator == "":
            place = Location(node.file, node.line)
            self.warnings.setdefault(
                use.name, f"{place}: the variable {use.name} is not set; empty text is used for it"
            )

    def _raise_missing(self) -> None:
        if not self._missing:
            return
        (name, (node, message)), *others = self._missing.items()
        details = [
            f"{Location(other.file, other.line)}: {also} is missing too"
            + (f": {why}" if why else "")
            for also, (other, why) in others
        ]
        raise ConfigError(
            f"the variable {name} is required and not set" + (f": {message}" if message else ""),
            location=Location(node.file, node.line),
            hint=f"put `{name}=...` in .env, set it in the environment, "
            f"or run `deploy secrets set {name}`",
            details=details,
        )


def _origin(node: Node) -> Origin:
    return Origin(file=node.file, line=node.line)
