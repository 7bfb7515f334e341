"""`volumes:`, `tmpfs`, `devices:`, `secrets:` and `configs:` of a service, in the long forms."""

from __future__ import annotations

import os
import posixpath
import re
from typing import Any

from slipway.app.compose.convert import boolean, integer, keep, mapping_of, size
from slipway.app.compose.node import Node

_WINDOWS = re.compile(r"[A-Za-z]:\\")
_PROPAGATION = {"private", "rprivate", "shared", "rshared", "slave", "rslave"}
_HINT = "a volume is written SOURCE:TARGET[:ro], such as ./data:/var/lib/data or data:/data:ro"


def absolute(path: str, directory: str) -> str:
    """`path` as written in a file whose paths start at `directory`."""
    if _WINDOWS.match(path) or path.startswith("«"):
        return path
    if path == "~" or path.startswith("~/"):
        path = os.path.expanduser(path)  # noqa: PTH111
    return posixpath.normpath(posixpath.join(directory, path))


def looks_like_path(source: str) -> bool:
    """A mount's source that is a path, not a volume's name."""
    return source.startswith((".", "/", "~", "\\\\")) or bool(_WINDOWS.match(source))


def canonical_volumes(node: Node, directory: str) -> Node:
    """Every mount of a service in the long form, with absolute paths."""
    return node.new([_mount(entry, directory) for entry in node.elements()])


def _mount(entry: Node, directory: str) -> Node:
    if entry.tag == "reset":
        return entry
    if isinstance(entry.value, dict):
        return _long(entry, directory)
    return _short(entry, str(entry.value), directory)


_LONG = {
    "read_only": boolean,
    "bind": mapping_of({"create_host_path": boolean}),
    "volume": mapping_of({"nocopy": boolean}),
    "tmpfs": mapping_of({"size": size, "mode": integer}),
}


def _long(entry: Node, directory: str) -> Node:
    entries = dict(mapping_of(_LONG)(entry).items())
    if "target" in entries:
        target = entries["target"]
        entries["target"] = target.new(posixpath.normpath(target.value))
    if entry.scalar("type") == "bind":
        source = entries.get("source")
        if source is None or not source.value:
            raise entry.error("a mount of type `bind` needs a `source`", "add `source: ./folder`")
        entries["source"] = source.new(absolute(source.value, directory))
    return entry.new(entries)


def _short(entry: Node, text: str, directory: str) -> Node:
    parts = _split(text)
    if not 1 <= len(parts) <= 3 or not all(parts):
        raise entry.error(f"the volume `{text}` is not valid", _HINT)
    if len(parts) == 1:
        target = posixpath.normpath(parts[0])
        return _tree(entry, {"type": "volume", "target": target, "volume": {}})
    source, target = parts[0], posixpath.normpath(parts[1])
    mount: dict[str, Any] = {"type": "volume", "source": source, "target": target}
    options = set(parts[2].split(",")) if len(parts) == 3 else set()
    if looks_like_path(source):
        mount["type"] = "bind"
        mount["source"] = absolute(source, directory)
        mount["bind"] = {"create_host_path": True}
    else:
        mount["volume"] = {}
    _apply_options(mount, options)
    return _tree(entry, mount)


def _split(text: str) -> list[str]:
    match = _WINDOWS.match(text)
    if match is None:
        return text.split(":")
    first, *others = text[2:].split(":")
    return [text[:2] + first, *others]


def _apply_options(mount: dict[str, Any], options: set[str]) -> None:
    bind = dict(mount.get("bind", {}))
    if "ro" in options:
        mount["read_only"] = True
    if "nocopy" in options and mount["type"] == "volume":
        mount["volume"] = {"nocopy": True}
    for option in sorted(options & _PROPAGATION):
        bind["propagation"] = option
    for option in sorted(options & {"z", "Z"}):
        bind["selinux"] = option
    if bind:
        mount["bind"] = bind


def _tree(entry: Node, value: object) -> Node:
    if isinstance(value, dict):
        value = {key: _tree(entry, child) for key, child in value.items()}
    return Node(value, entry.file, entry.line)


def canonical_devices(node: Node) -> Node:
    """Every device of a service as source, target and permissions."""
    return node.new([_device(entry) for entry in node.elements()])


def _device(entry: Node) -> Node:
    if not isinstance(entry.value, str):
        return entry
    source, *rest = entry.value.split(":")
    target = rest[0] if rest else source
    permissions = rest[1] if len(rest) > 1 else "rwm"
    return _tree(entry, {"source": source, "target": target, "permissions": permissions})


def canonical_file_mounts(node: Node) -> Node:
    """`secrets:` and `configs:` of a service, by source and target."""
    return node.new([_file_mount(entry) for entry in node.elements()])


def _file_mount(entry: Node) -> Node:
    if isinstance(entry.value, str):
        return _tree(entry, {"source": entry.value})
    return mapping_of({"mode": _mode})(entry) if isinstance(entry.value, dict) else keep(entry)


def _mode(node: Node) -> Node:
    if isinstance(node.value, str):
        try:
            return node.new(int(node.value, 8))
        except ValueError:
            raise node.error(f"`{node.value}` is no file mode", "write it as 0440") from None
    return integer(node)
