"""Services that another one names in its environment or command, though not in `depends_on`.

`http://model:9000`, `postgres://u:p@db:5432/x`, `db:5432`, `CACHE_HOST: cache`, `--host db`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from slipway.app.known.names import words_of

_IN_URL = re.compile(r"://(?:[^/\s?#]*@)?([^/\s?#]+)")
_WITH_PORT = re.compile(r"(?<![\w.@/-])([A-Za-z0-9][\w.-]*):(\d{2,5})(?!\d)")
_IN_DSN = re.compile(r"(?i)\b(?:host|hostname|server|data source|address|addr)=(?:tcp:)?([\w.-]+)")
_LIST = re.compile(r"[,;\s]+")
_HOST_WORDS = frozenset(
    {"host", "hosts", "hostname", "server", "servers", "addr", "address", "addresses", "broker"}
    | {"brokers", "endpoint", "endpoints", "node", "nodes", "url", "service", "upstream"}
    | {"backend", "bootstrap"}
)
_HOST_FLAGS = frozenset({"-h", "--host", "--hostname", "--server", "--broker", "-H"})


def host_names(services: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Every name that a service can be reached by, and the service."""
    found: dict[str, str] = {}
    for name, spec in services.items():
        for network in (spec.get("networks") or {}).values():
            for alias in (network or {}).get("aliases") or ():
                found.setdefault(alias, name)
        for key in ("hostname", "container_name"):
            if spec.get(key):
                found.setdefault(spec[key], name)
    return {**found, **{name: name for name in services}}


class Mention(NamedTuple):
    """One service named by another, with the port if one was said."""

    service: str
    port: int | None


def mentions_of(name: str, spec: Mapping[str, Any], hosts: Mapping[str, str]) -> list[Mention]:
    """The other services that `spec`'s environment and command name, in order."""
    hosts = {**hosts, **_links(spec)} if spec.get("links") else hosts
    seen: dict[tuple[str, str], None] = {}
    for key, value in (spec.get("environment") or {}).items():
        if isinstance(value, str) and value:
            seen.update(dict.fromkeys(_named(key, value)))
    command = [*(spec.get("entrypoint") or ()), *(spec.get("command") or ())]
    seen.update(dict.fromkeys(_in_command([str(word) for word in command])))
    return [
        Mention(hosts[host], int(port) if port.isdigit() else None)
        for host, port in seen
        if host in hosts and hosts[host] != name
    ]


def references_of(spec: Mapping[str, Any], mentions: Iterable[Mention]) -> tuple[str, ...]:
    """The services mentioned that are not in `depends_on`, each once."""
    depends = spec.get("depends_on") or {}
    found = dict.fromkeys(each.service for each in mentions)
    return tuple(each for each in found if each not in depends)


def ports_said(mentions: Iterable[Mention]) -> dict[str, int]:
    """The port that others first say for each service: `http://model:9000` -> 9000."""
    found: dict[str, int] = {}
    for each in mentions:
        if each.port is not None:
            found.setdefault(each.service, each.port)
    return found


def _links(spec: Mapping[str, Any]) -> dict[str, str]:
    """`links: [db:database]` gives a service another name, for this one only."""
    pairs = (str(link).partition(":") for link in spec.get("links") or ())
    return {alias or service: service for service, _, alias in pairs}


def _named(key: str, value: str) -> Iterable[tuple[str, str]]:
    """Everything in a variable that could be a host, and the port behind it."""
    yield from _in_text(value)
    words = words_of(key)
    if words and words[-1] in _HOST_WORDS and "://" not in value:
        for item in _LIST.split(value):
            yield _split(item)


def _in_text(text: str) -> Iterable[tuple[str, str]]:
    if "://" in text:
        for match in _IN_URL.finditer(text):
            for item in match[1].split(","):
                yield _split(item.rpartition("@")[2])
    if ":" in text:
        for match in _WITH_PORT.finditer(text):
            yield match[1], match[2]
    if "=" in text:
        for match in _IN_DSN.finditer(text):
            yield match[1], ""


def _in_command(words: list[str]) -> Iterable[tuple[str, str]]:
    previous = ""
    for word in words:
        yield from _in_text(word)
        if previous in _HOST_FLAGS:
            yield _split(word)
        flag, _, value = word.partition("=")
        if flag in _HOST_FLAGS:
            yield _split(value)
        previous = word


def _split(item: str) -> tuple[str, str]:
    host, _, port = item.partition(":")
    return host, port
