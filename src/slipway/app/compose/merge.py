"""How a later layer changes an earlier one: the Compose specification's merge rules.

Both are canonical. Mappings are merged key by key, lists are joined without repeating what is
the same thing (each kind of list says what that means), everything else is replaced. Commands
and health tests are replaced as a whole. `!reset` removes, `!override` replaces.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slipway.app.compose.node import Node, Path, plain, without_resets
from slipway.app.compose.ports import port_identity

_REPLACED_BY_NULL = ("command", "entrypoint")

Identity = Callable[[Node], Any]


def merge(base: Node, over: Node) -> Node:
    """`base` changed by `over`: two whole documents."""
    return _merge(base, over, ())


def merge_services(base: Node, over: Node) -> Node:
    """`base` changed by `over`: two services, as `extends` does."""
    merged = _merge(base, over, ("services", "*"))
    return Node(merged.value, over.file, over.line, over.tag)


def _merge(base: Node, over: Node, path: Path) -> Node:
    if over.tag == "override":
        return without_resets(over)
    if over.value is None and not _null_counts(path):
        return base
    if isinstance(base.value, dict) and isinstance(over.value, dict):
        return _merge_mappings(base, over, path)
    if isinstance(base.value, list) and isinstance(over.value, list):
        return _merge_lists(base, over, path)
    return without_resets(over)


def without_nulls(layer: Node) -> Node:
    """A later layer without the settings of services that it leaves empty: they change nothing."""
    services = layer.get("services")
    if services is None or not services.items():
        return layer
    kept = {
        name: service.new({k: c for k, c in service.items().items() if _is_said(k, c)})
        if service.items()
        else service
        for name, service in services.items().items()
    }
    return layer.having(services=services.new(kept))


def _is_said(key: str, node: Node) -> bool:
    return node.value is not None or node.tag is not None or key in _REPLACED_BY_NULL


def _null_counts(path: Path) -> bool:
    """Where an empty value says something: `command:` resets, `A:` in a map has no value."""
    if len(path) == 3:
        return path[2] in _REPLACED_BY_NULL
    return len(path) > 3 and path[2] in ("environment", "build", "labels")


def _merge_mappings(base: Node, over: Node, path: Path) -> Node:
    if len(path) == 3 and path[2] == "logging" and _other_driver(base, over):
        return without_resets(over)
    merged = dict(base.value)
    for key, child in over.value.items():
        if child.tag == "reset":
            merged.pop(key, None)
        elif key in merged and not (path == () and key.startswith("x-")):
            merged[key] = _merge(merged[key], child, _inside(path, key))
        else:
            merged[key] = without_resets(child)
    return Node(merged, base.file, base.line)


def _inside(path: Path, key: str) -> Path:
    return (*path, "*") if len(path) == 1 else (*path, key)


def _other_driver(base: Node, over: Node) -> bool:
    before, after = base.scalar("driver"), over.scalar("driver")
    return before is not None and after is not None and before != after


def _merge_lists(base: Node, over: Node, path: Path) -> Node:
    kept = [element for element in over.value if element.tag != "reset"]
    if path in _REPLACED:
        return Node([without_resets(element) for element in kept], over.file, over.line)
    identity = _IDENTITIES.get(path, plain_identity)
    joined = {_key(identity, element, i): element for i, element in enumerate(base.value)}
    start = len(base.value)
    for index, element in enumerate(kept, start):
        key = _key(identity, element, index)
        before = joined.get(key)
        if before is not None and path == _IPAM:
            joined[key] = _merge_mappings(before, element, path)
        else:
            joined[key] = without_resets(element)
    elements = list(joined.values())
    if path[2:] == ("extra_hosts",) or path[2:] == ("build", "extra_hosts"):
        elements.sort(key=lambda host: str(host.value).partition("=")[0])
    return Node(elements, base.file, base.line)


def _key(identity: Identity, element: Node, index: int) -> Any:
    """What `element` is; an element that cannot be named is only equal to itself."""
    found = identity(element)
    return ("#", index) if found is None else found


def plain_identity(element: Node) -> Any:
    """Texts and numbers are the same if they are equal; mappings never are."""
    return element.value if not isinstance(element.value, (dict, list)) else None


def _by(key: str) -> Identity:
    return lambda element: element.scalar(key)


def _by_target(folder: str) -> Identity:
    def identity(element: Node) -> Any:
        return element.scalar("target") or f"{folder}{element.scalar('source')}"

    return identity


def _by_folder(element: Node) -> Any:
    return str(element.value).partition(":")[0]


def _whole(element: Node) -> Any:
    return repr(plain(element))


_REPLACED = {
    ("services", "*", "command"),
    ("services", "*", "entrypoint"),
    ("services", "*", "healthcheck", "test"),
}
_IPAM = ("networks", "*", "ipam", "config")
_IDENTITIES: dict[Path, Identity] = {
    ("services", "*", "ports"): port_identity,
    ("services", "*", "volumes"): _by("target"),
    ("services", "*", "devices"): _by("target"),
    ("services", "*", "secrets"): _by_target("/run/secrets/"),
    ("services", "*", "configs"): _by_target("/"),
    ("services", "*", "env_file"): _by("path"),
    ("services", "*", "gpus"): _whole,
    ("services", "*", "tmpfs"): _by_folder,
    _IPAM: _by("subnet"),
}


def without_repeats(service: Node) -> Node:
    """`service` with what its own lists say twice said once; the last one counts."""
    changed: dict[str, Node] = {}
    for key, child in service.items().items():
        path = ("services", "*", key)
        if isinstance(child.value, list) and path not in _REPLACED and child.value:
            once = _merge_lists(child.new([]), child, path)
            changed[key] = child.new(once.value)
    return service.having(**changed) if changed else service
