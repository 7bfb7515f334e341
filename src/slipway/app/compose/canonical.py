"""One layer in canonical form: long forms, absolute paths, numbers that are numbers.

Done before merging, so that the merge rules need to know one form of everything only.
What a later layer may still say (a build's context, a port's network) gets its default
after merging, in `finish`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from slipway.app.compose import convert as to
from slipway.app.compose.convert import Converter, each_of, mapping_of
from slipway.app.compose.mounts import (
    absolute,
    canonical_devices,
    canonical_file_mounts,
    canonical_volumes,
)
from slipway.app.compose.node import Node
from slipway.app.compose.ports import canonical_ports

_REMOTE = ("git://", "http://", "https://", "ssh://", "git@", "github.com/", "docker-image://")


def canonical_layer(layer: Node, directory: str) -> Node:
    """`layer`, a whole Compose document, with its paths starting at `directory`."""
    path = partial(_path, directory=directory)
    service = _service(directory)
    resource = mapping_of({"labels": to.labels, "external": _external, "driver_opts": _texts})
    file_resource = mapping_of({"file": path, "labels": to.labels, "external": _external})
    volume = partial(_volume, resource=resource, path=path)
    return mapping_of(
        {
            "services": each_of(service),
            "networks": each_of(partial(_network, resource=resource)),
            "volumes": each_of(volume),
            "secrets": each_of(file_resource),
            "configs": each_of(file_resource),
        }
    )(layer)


_texts = each_of(to.text)


def _path(node: Node, directory: str) -> Node:
    return node.new(absolute(str(node.value), directory))


def _context(node: Node, directory: str) -> Node:
    value = str(node.value)
    remote = value.startswith(_REMOTE) or "://" in value
    return node if remote else node.new(absolute(value, directory))


def _named(**values: Any) -> Converter:
    def convert(node: Node) -> Node:
        return Node(
            {k: Node(v, node.file, node.line) for k, v in values.items()}, node.file, node.line
        )

    return convert


def _nothing(node: Node) -> Node:
    return Node(None, node.file, node.line)


def _depends_on(node: Node) -> Node:
    listed = to.keyed(_named(condition="service_started", required=True))(node)
    return each_of(_dependency)(listed)


def _dependency(node: Node) -> Node:
    if not isinstance(node.value, dict):
        return node
    filled = {"required": Node(True, node.file, node.line), **node.value}
    return mapping_of({"required": to.boolean, "restart": to.boolean})(node.new(filled))


def _test(node: Node) -> Node:
    if isinstance(node.value, str):
        parts = ["CMD-SHELL", node.value]
        return node.new([Node(part, node.file, node.line) for part in parts])
    return each_of(to.text)(node)


_HEALTHCHECK = mapping_of(
    {
        "test": _test,
        "disable": to.boolean,
        "retries": to.integer,
        "interval": to.duration,
        "timeout": to.duration,
        "start_period": to.duration,
        "start_interval": to.duration,
    }
)
_UPDATE = mapping_of(
    {
        "parallelism": to.integer,
        "delay": to.duration,
        "monitor": to.duration,
        "max_failure_ratio": to.number,
    }
)


def _device_count(node: Node) -> Node:
    return node.new(-1) if node.value == "all" else to.integer(node)


_GPU = mapping_of({"count": _device_count, "options": to.labels})


def _gpus(node: Node) -> Node:
    if node.value == "all":
        return node.new([_named(count=-1)(node)])
    return each_of(_GPU)(node)


_RESOURCE = mapping_of(
    {"cpus": to.number, "memory": to.size, "pids": to.integer, "devices": each_of(_GPU)}
)
_DEPLOY = mapping_of(
    {
        "replicas": to.integer,
        "labels": to.labels,
        "update_config": _UPDATE,
        "rollback_config": _UPDATE,
        "resources": each_of(_RESOURCE),
        "restart_policy": mapping_of(
            {"delay": to.duration, "window": to.duration, "max_attempts": to.integer}
        ),
        "placement": mapping_of({"max_replicas_per_node": to.integer}),
    }
)


def _ulimit(node: Node) -> Node:
    if isinstance(node.value, dict):
        return each_of(to.integer)(node)
    return to.integer(node)


def _build(node: Node, directory: str) -> Node:
    if isinstance(node.value, str):
        node = node.new({"context": Node(node.value, node.file, node.line)})
    context = partial(_context, directory=directory)
    return mapping_of(
        {
            "context": context,
            "args": to.variables,
            "labels": to.labels,
            "ssh": _ssh,
            "additional_contexts": lambda contexts: each_of(context)(to.variables(contexts)),
            "extra_hosts": to.hosts,
            "shm_size": to.size,
            "secrets": canonical_file_mounts,
            "ulimits": each_of(_ulimit),
            "no_cache": to.boolean,
            "pull": to.boolean,
            "privileged": to.boolean,
        }
    )(node)


def _ssh(node: Node) -> Node:
    if isinstance(node.value, dict):
        pairs = [
            child.new(key if child.value is None else f"{key}={child.value}")
            for key, child in node.value.items()
        ]
        return node.new(pairs)
    return node


def _env_file(node: Node, directory: str) -> Node:
    entries = (
        node.value if isinstance(node.value, list) else [Node(node.value, node.file, node.line)]
    )
    return node.new([_env_file_entry(entry, directory) for entry in entries])


def _env_file_entry(entry: Node, directory: str) -> Node:
    if not isinstance(entry.value, dict):
        required = {"required": Node(True, entry.file, entry.line)}
        entry = Node({"path": entry, **required}, entry.file, entry.line, entry.tag)
    filled = entry.new({"required": Node(True, entry.file, entry.line), **entry.items()})
    path = partial(_path, directory=directory)
    return mapping_of({"path": path, "required": to.boolean})(filled)


def _extends(node: Node, directory: str) -> Node:
    if isinstance(node.value, str):
        return node.new({"service": Node(node.value, node.file, node.line)})
    return mapping_of({"file": partial(_path, directory=directory)})(node)


def _service(directory: str) -> Converter:
    watched = mapping_of({"path": partial(_path, directory=directory), "ignore": to.string_list})
    return mapping_of(
        {
            "annotations": to.labels,
            "attach": to.boolean,
            "blkio_config": _blkio,
            "build": partial(_build, directory=directory),
            "command": to.words,
            "configs": canonical_file_mounts,
            "cpus": to.number,
            "cpu_count": to.integer,
            "cpu_percent": to.number,
            "cpu_period": to.integer,
            "cpu_quota": to.integer,
            "cpu_shares": to.integer,
            "depends_on": _depends_on,
            "deploy": _DEPLOY,
            "develop": mapping_of({"watch": each_of(watched)}),
            "devices": canonical_devices,
            "dns": to.string_list,
            "dns_search": to.string_list,
            "entrypoint": to.words,
            "env_file": partial(_env_file, directory=directory),
            "environment": to.variables,
            "expose": to.string_list,
            "extends": partial(_extends, directory=directory),
            "extra_hosts": to.hosts,
            "gpus": _gpus,
            "group_add": to.string_list,
            "healthcheck": _HEALTHCHECK,
            "init": to.boolean,
            "label_file": to.string_list,
            "labels": to.labels,
            "logging": mapping_of({"options": _texts}),
            "mem_limit": to.size,
            "mem_reservation": to.size,
            "mem_swappiness": to.integer,
            "memswap_limit": to.size,
            "networks": to.keyed(_nothing),
            "oom_kill_disable": to.boolean,
            "oom_score_adj": to.integer,
            "pids_limit": to.integer,
            "ports": canonical_ports,
            "privileged": to.boolean,
            "read_only": to.boolean,
            "scale": to.integer,
            "secrets": canonical_file_mounts,
            "shm_size": to.size,
            "stdin_open": to.boolean,
            "stop_grace_period": to.duration,
            "sysctls": to.labels,
            "tmpfs": to.string_list,
            "tty": to.boolean,
            "ulimits": each_of(_ulimit),
            "user": to.text,
            "volumes": partial(canonical_volumes, directory=directory),
        }
    )


def _blkio(node: Node) -> Node:
    rated = each_of(mapping_of({"rate": to.size, "weight": to.integer}))
    lists = {key: rated for key in node.items() if key.startswith("device_")}
    lists.update(weight=to.integer, weight_device=rated)
    return mapping_of(lists)(node)


def _external(node: Node) -> Node:
    return node if isinstance(node.value, dict) else to.boolean(node)


def _network(node: Node, resource: Converter) -> Node:
    flags = dict.fromkeys(("internal", "attachable", "enable_ipv4", "enable_ipv6"), to.boolean)
    return mapping_of(flags)(resource(node))


def _volume(node: Node, resource: Converter, path: Converter) -> Node:
    done = resource(node)
    options = done.get("driver_opts")
    if options is None or done.scalar("driver") != "local":
        return done
    device, bound = options.get("device"), options.scalar("o")
    if device is None or bound != "bind" or not str(device.value).startswith((".", "~")):
        return done
    return done.having(driver_opts=options.having(device=path(device)))
