"""From the merged layers to the model: profiles, defaults, names, and nothing that is unused."""

from __future__ import annotations

from collections.abc import Collection

from slipway.app.compose.mounts import absolute
from slipway.app.compose.node import Node

_RESOURCES = ("networks", "volumes", "secrets", "configs")
_KEPT_EMPTY = {
    "init",
    "attach",
    "healthcheck",
    "deploy",
    "scale",
    "stop_grace_period",
    "networks",
    "build",
}
_INSIDE = ("build", "healthcheck")


def split_by_profiles(services: Node, profiles: Collection[str]) -> tuple[Node, dict[str, Node]]:
    """The services that `profiles` enable, and those that they leave out."""
    enabled, disabled = {}, {}
    for name, service in services.items().items():
        listed = service.get("profiles")
        own = {str(node.value) for node in listed.elements()} if listed is not None else set()
        if not own or "*" in profiles or own & set(profiles):
            enabled[name] = service
        else:
            disabled[name] = service
    return services.new(enabled), disabled


def finish_service(service: Node, directory: str, disabled: Collection[str]) -> Node:
    """`service` with its defaults and without what says nothing."""
    entries = dict(service.items())
    entries.pop("extends", None)
    _finish_build(entries, directory)
    _finish_secrets(entries)
    _finish_dependencies(service, entries, disabled)
    _finish_networks(service, entries)
    if (deploy := entries.get("deploy")) is not None and isinstance(deploy.value, dict):
        empty = {key: deploy.new({}) for key in ("resources", "placement")}
        entries["deploy"] = deploy.new({**empty, **deploy.value})
    kept = {key: _tidy(key, node) for key, node in entries.items()}
    kept = {key: node for key, node in kept.items() if _says_something(key, node)}
    for key in ("command", "entrypoint"):
        kept[key] = entries.get(key) or Node(None, service.file, service.line)
    return service.new(kept)


def _says_something(key: str, node: Node) -> bool:
    if key.startswith("x-"):
        return True
    value = node.value
    if value is None:
        return False
    return key in _KEPT_EMPTY or bool(value)


def _tidy(key: str, node: Node) -> Node:
    if key in _INSIDE:
        return _without_empty(node)
    if key in ("volumes", "depends_on") and isinstance(node.value, (list, dict)):
        return _without_false(node)
    return node


def _without_empty(node: Node) -> Node:
    kept = {k: c for k, c in node.items().items() if c.value == 0 or c.value}
    return node.new({k: c for k, c in kept.items() if c.value is not False})


def _without_false(node: Node) -> Node:
    def tidy(child: Node) -> Node:
        kept = {
            key: tidy(value) if isinstance(value.value, dict) else value
            for key, value in child.items().items()
            if key == "required" or (value.value is not False and value.value != "")
        }
        return child.new(kept)

    if isinstance(node.value, list):
        return node.new([tidy(child) for child in node.value])
    return node.new({key: tidy(child) for key, child in node.items().items()})


def _finish_build(entries: dict[str, Node], directory: str) -> None:
    build = entries.get("build")
    if build is None or build.value is None:
        return
    defaults = {"context": build.new(absolute(".", directory))}
    if build.scalar("dockerfile_inline") is None:
        defaults["dockerfile"] = build.new("Dockerfile")
    entries["build"] = build.new({**defaults, **build.items()})


def _finish_secrets(entries: dict[str, Node]) -> None:
    secrets = entries.get("secrets")
    if secrets is None or secrets.value is None:
        return
    done = []
    for entry in secrets.elements():
        target = entry.new(f"/run/secrets/{entry.scalar('source')}")
        done.append(entry if entry.scalar("target") else entry.having(target=target))
    entries["secrets"] = secrets.new(done)


def _finish_dependencies(
    service: Node, entries: dict[str, Node], disabled: Collection[str]
) -> None:
    listed = service.get("depends_on")
    found = dict(listed.items()) if listed is not None else {}
    for name, origin, restart in _implied(service):
        if name not in found:
            values = {"condition": "service_started", "required": True}
            values |= {"restart": True} if restart else {}
            found[name] = origin.new({key: origin.new(value) for key, value in values.items()})
    found = {
        name: node
        for name, node in found.items()
        if not (name in disabled and node.scalar("required") is False)
    }
    if found or listed is not None:
        entries["depends_on"] = (listed or service).new(found)


def _implied(service: Node) -> list[tuple[str, Node, bool]]:
    """Services that others of `service`'s settings need: name, where, and if they restart it."""
    modes = [node for key in ("network_mode", "ipc", "pid") if (node := service.get(key))]
    shared = [node for node in modes if str(node.value).startswith("service:")]
    sources = [
        node
        for node in _listed(service, "volumes_from")
        if not str(node.value).startswith("container:")
    ]
    return [
        *((str(node.value).removeprefix("service:"), node, True) for node in shared),
        *((_before_colon(node), node, True) for node in _listed(service, "links")),
        *((_before_colon(node), node, False) for node in sources),
    ]


def _before_colon(node: Node) -> str:
    return str(node.value).partition(":")[0]


def _listed(service: Node, key: str) -> list[Node]:
    node = service.get(key)
    return [] if node is None else node.elements()


def _finish_networks(service: Node, entries: dict[str, Node]) -> None:
    networks = service.get("networks")
    if service.scalar("network_mode"):
        if networks is not None and not networks.value:
            entries.pop("networks")
    elif networks is None or not networks.value:
        origin = networks or service
        entries["networks"] = origin.new({"default": origin.new(None)})


def finish_resources(model: Node, services: Node, project: str) -> dict[str, Node]:
    """The networks, volumes, secrets and configs that `services` use, with their names."""
    used = _used(services)
    found: dict[str, Node] = {}
    for kind in _RESOURCES:
        declared = model.get(kind)
        entries = dict(declared.items()) if declared is not None else {}
        if kind == "networks" and "default" in used[kind]:
            entries.setdefault("default", Node(None, model.file, model.line))
        kept = {
            name: _resource(kind, name, node, project)
            for name, node in entries.items()
            if name in used[kind]
        }
        if kept:
            found[kind] = (declared or model).new(kept)
    return found


def _used(services: Node) -> dict[str, set[str]]:
    used: dict[str, set[str]] = {kind: set() for kind in _RESOURCES}
    for service in services.items().values():
        networks = service.get("networks")
        used["networks"].update(networks.items() if networks is not None else ())
        for _, name in mounted_volumes(service):
            used["volumes"].add(name)
        for kind in ("secrets", "configs"):
            used[kind].update(name for _, name in file_mounts(service, kind))
    return used


def mounted_volumes(service: Node) -> list[tuple[Node, str]]:
    """The named volumes that `service` mounts, and where it says so."""
    return [
        (entry, str(entry.scalar("source")))
        for entry in _listed(service, "volumes")
        if entry.scalar("type") == "volume" and entry.scalar("source")
    ]


def file_mounts(service: Node, kind: str) -> list[tuple[Node, str]]:
    """The secrets or configs that `service` uses, its build included."""
    entries = _listed(service, kind)
    build = service.get("build")
    if kind == "secrets" and build is not None:
        entries = [*entries, *_listed(build, kind)]
    return [(entry, str(entry.scalar("source"))) for entry in entries]


def _resource(kind: str, name: str, node: Node, project: str) -> Node:
    entries = {k: c for k, c in node.items().items() if c.value is not False and c.value != ""}
    external = entries.get("external")
    shown = f"{project}_{name}"
    if external is not None:
        shown = str(external.scalar("name") or name)
        entries["external"] = external.new(True)
    if "name" not in entries:
        entries["name"] = node.new(shown)
    if kind == "networks":
        entries.setdefault("ipam", node.new({}))
    return Node({k: c for k, c in entries.items() if c.value is not None}, node.file, node.line)
