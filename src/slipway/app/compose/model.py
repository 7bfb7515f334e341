"""What reading a Compose project gives: plain data, with the place each value was written.

Made by `load_project`, read by `app.assemble`, the audit and the exporters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from slipway.app.model import Origin
from slipway.support.data import Frozen

Operator = Literal["", ":-", "-", ":?", "?", ":+", "+"]

Lookup = Callable[[str], str | None]
"""A variable's value, or None if it is not set. May answer with secret placeholders."""


class Variable(Frozen, frozen=True, kw_only=True):
    """One use of `$NAME` or `${NAME...}` in a Compose file.

    `default` is the text after `:-`, `-`, `:+` or `+`, `message` the one after `:?` or `?`, both
    as written. `found`: the lookup had a value. `where` is a dotted path
    (`services.web.environment.DATABASE_URL`).
    """

    name: str
    operator: Operator = ""
    default: str | None = None
    message: str | None = None
    found: bool
    origin: Origin
    where: str


class Project(Frozen, frozen=True, kw_only=True):
    """A Compose project, merged and canonical.

    `data` is what `docker compose config --format json` prints: long forms, absolute paths,
    numbers and durations as Compose writes them, only the services that the profiles enable;
    `disabled` names the others. `locations` maps dotted paths (`services.web.ports[0]`) to the
    place where the winning value was written; its file is relative to `directory` if inside it.
    """

    name: str
    directory: str
    files: tuple[str, ...]
    data: Mapping[str, Any]
    locations: Mapping[str, Origin] = {}
    variables: tuple[Variable, ...] = ()
    warnings: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
