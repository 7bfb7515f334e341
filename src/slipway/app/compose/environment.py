"""The environment of each service: `env_file` under `environment`, bare names looked up."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from slipway.app.compose.dotenv import read_located
from slipway.app.compose.interpolate import Interpolator
from slipway.app.compose.node import Node

Shown = Callable[[str], str]


def with_environment(name: str, service: Node, interpolator: Interpolator, shown: Shown) -> Node:
    """`service` with its whole environment and no `env_file`. Raises ConfigError."""
    entries = {k: v for k, v in service.items().items() if k not in ("env_file", "environment")}
    own = service.get("environment")
    merged = _from_files(service, interpolator, shown)
    for key, node in own.items().items() if own is not None else ():
        where = f"services.{name}.environment.{key}"
        merged[key] = node if node.value is not None else _inherited(node, key, interpolator, where)
    if merged:
        place = own or service.get("env_file") or service
        entries["environment"] = Node(merged, place.file, place.line)
    build = service.get("build")
    if build is not None and (args := build.get("args")) is not None:
        entries["build"] = build.having(args=_build_args(name, args, interpolator))
    return Node(entries, service.file, service.line)


def with_names(name: str, service: Node, interpolator: Interpolator) -> Node:
    """`service` with the bare names in its environment that `interpolator` can look up.

    An included file sees variables that the file which includes it does not.
    """
    own = service.get("environment")
    if own is None or not own.items():
        return service
    found = {}
    for key, node in own.items().items():
        known = node.value is None and interpolator.lookup(key) is not None
        where = f"services.{name}.environment.{key}"
        found[key] = _inherited(node, key, interpolator, where) if known else node
    return service.having(environment=own.new(found))


def _inherited(node: Node, key: str, interpolator: Interpolator, where: str) -> Node:
    value = interpolator.lookup(key)
    interpolator.note_bare(node, key, value is not None, where)
    return node.new(value)


def _build_args(name: str, args: Node, interpolator: Interpolator) -> Node:
    found = {}
    for key, node in args.items().items():
        where = f"services.{name}.build.args.{key}"
        done = node if node.value is not None else _inherited(node, key, interpolator, where)
        if done.value is not None:
            found[key] = done
    return args.new(found)


def _from_files(service: Node, interpolator: Interpolator, shown: Shown) -> dict[str, Node]:
    entries = service.get("env_file")
    merged: dict[str, Node] = {}

    def lookup(key: str) -> str | None:
        value = interpolator.lookup(key)
        return merged[key].value if value is None and key in merged else value

    for entry in entries.elements() if entries is not None else ():
        path = str(entry.scalar("path"))
        if not os.path.exists(path):  # noqa: PTH110
            if entry.scalar("required") is False:
                continue
            raise entry.error(
                f"the env_file {shown(path)} does not exist",
                "create it, or write `required: false` beside its `path`",
            )
        for key, (value, line) in read_located(Path(path), lookup, shown(path)).items():
            merged[key] = Node(value, shown(path), line)
    return merged
