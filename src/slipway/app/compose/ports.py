"""`ports:` in its short forms, as the long ones."""

from __future__ import annotations

import ipaddress
import re

from slipway.app.compose.node import Node

_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?\Z")
MAX_PORTS = 65_536
_HINT = "a port is written [HOST_IP:][PUBLISHED:]TARGET[/PROTOCOL], such as 127.0.0.1:8080:80"


def canonical_ports(node: Node) -> Node:
    """Every port of a service in the long form, ranges one by one."""
    ports: list[Node] = []
    for entry in node.elements():
        if entry.tag == "reset":
            ports.append(entry)
        elif isinstance(entry.value, dict):
            ports.append(_long(entry))
        else:
            ports.extend(_short(entry, str(entry.value)))
        if len(ports) > MAX_PORTS:
            raise entry.error(f"more than {MAX_PORTS} ports in one service")
    return node.new(ports)


def port_identity(entry: Node) -> str:
    """What makes two ports the same one when files are merged."""
    keys = ("host_ip", "published", "target", "protocol")
    return ":".join(str(entry.scalar(key)) for key in keys)


def _long(entry: Node) -> Node:
    entries = dict(entry.items())
    if (target := entries.get("target")) is not None:
        entries["target"] = target.new(_number(target, str(target.value)))
    if (published := entries.get("published")) is not None:
        text = str(published.value)
        if text:
            _bounds(published, text)
        entries["published"] = published.new(text)
    entries.setdefault("mode", entry.new("ingress"))
    entries.setdefault("protocol", entry.new("tcp"))
    return entry.new(entries)


def _short(entry: Node, text: str) -> list[Node]:
    body, _, protocol = text.partition("/")
    address, published, target = _parts(entry, text, body)
    first, last = _bounds(entry, target, text)
    common = {"mode": "ingress", "protocol": protocol.lower() or "tcp"}
    if address:
        common["host_ip"] = address
    if not published:
        return [_port(entry, common, number, "") for number in range(first, last + 1)]
    low, high = _bounds(entry, published, text)
    if first == last:
        return [_port(entry, common, first, published if low != high else str(low))]
    if high - low != last - first:
        raise entry.error(f"the ranges of the port `{text}` are not equally long", _HINT)
    return [_port(entry, common, first + i, str(low + i)) for i in range(last - first + 1)]


def _parts(entry: Node, text: str, body: str) -> tuple[str, str, str]:
    head, _, target = body.rpartition(":")
    address, _, published = head.rpartition(":")
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    if address:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise entry.error(f"`{address}` in the port `{text}` is no IP address", _HINT) from None
    return address, published, target


def _port(entry: Node, common: dict[str, str], target: int, published: str) -> Node:
    values: dict[str, Node] = {key: Node(v, entry.file, entry.line) for key, v in common.items()}
    values["target"] = Node(target, entry.file, entry.line)
    if published:
        values["published"] = Node(published, entry.file, entry.line)
    return Node(values, entry.file, entry.line)


def _number(entry: Node, text: str) -> int:
    first, last = _bounds(entry, text)
    if first != last:
        raise entry.error(f"`{text}` is a range of ports; one port is needed here", _HINT)
    return first


def _bounds(entry: Node, text: str, whole: str | None = None) -> tuple[int, int]:
    match = _RANGE.match(text)
    if match is None:
        raise entry.error(f"the port `{whole or text}` is not valid: `{text}` is no port", _HINT)
    first = int(match[1])
    last = int(match[2] or first)
    if not first <= last <= 65535:
        what = "a port is at most 65535" if last > 65535 else "a range goes from low to high"
        raise entry.error(f"the port `{whole or text}` is not valid: {what}", _HINT)
    return first, last
