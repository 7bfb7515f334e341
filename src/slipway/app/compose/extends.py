"""`extends:` - a service that starts from another one, of the same file or of another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from slipway.app.compose.merge import merge_services
from slipway.app.compose.node import Node

MAX_CHAIN = 50


@dataclass(frozen=True)
class Layer:
    """One canonical document: `path` is its file's absolute path."""

    root: Node
    path: str

    def service(self, name: str) -> Node | None:
        services = self.root.get("services")
        return None if services is None else services.get(name)


@dataclass
class Extender:
    """Resolves `extends` within a run of the loader.

    `load` gives the layer of another file, for the node that names it.
    """

    load: Callable[[Node], Layer]
    _done: dict[tuple[int, str], Node] = field(default_factory=dict)

    def apply(self, layer: Layer) -> Layer:
        """`layer` with every service that extends another one complete. Raises ConfigError."""
        services = layer.root.get("services")
        if services is None or not services.items():
            return layer
        done = {
            name: self._resolve(layer, name, node, ()) for name, node in services.items().items()
        }
        return Layer(layer.root.having(services=services.new(done)), layer.path)

    def _resolve(
        self, layer: Layer, name: str, service: Node, chain: tuple[tuple[str, str], ...]
    ) -> Node:
        reference = service.get("extends")
        if reference is None or reference.value is None:
            return service
        known = (id(layer.root), name)
        if known in self._done:
            return self._done[known]
        chain = (*chain, (layer.path, name))
        target = str(reference.scalar("service"))
        file = reference.get("file")
        source = layer if file is None else self.load(file)
        self._check_chain(reference, chain, (source.path, target))
        base = source.service(target)
        if base is None:
            raise _not_found(reference, name, target, source, layer)
        whole = self._resolve(source, target, base, chain)
        own = {key: value for key, value in service.items().items() if key != "extends"}
        self._done[known] = merge_services(whole, service.new(own))
        return self._done[known]

    def _check_chain(
        self, reference: Node, chain: tuple[tuple[str, str], ...], following: tuple[str, str]
    ) -> None:
        if following in chain:
            circle = [name for _, name in chain[chain.index(following) :]] + [following[1]]
            raise reference.error(
                f"services extend each other in a circle: {' -> '.join(circle)}",
                "take one `extends` out",
            )
        if len(chain) > MAX_CHAIN:
            raise reference.error(f"services extend each other more than {MAX_CHAIN} deep")


def _not_found(reference: Node, name: str, target: str, source: Layer, layer: Layer) -> Exception:
    services = source.root.get("services")
    others = [] if services is None else sorted(set(services.items()) - {name})
    place = "this file" if source.path == layer.path else source.root.file
    known = f"{place} has {', '.join(others[:10])}" if others else f"{place} has no other service"
    return reference.error(
        f"services.{name} extends `{target}`, which is not in {place}",
        f"{known}",
    )
