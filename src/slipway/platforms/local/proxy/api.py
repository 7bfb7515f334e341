"""What Traefik really does, read from its API: the only proof that a change was taken.

It reads its file when it likes, and keeps the old configuration silently when a new one is
broken; so every change is compared here. Blocking, small, with a deadline on every call.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any

from slipway.errors import PlatformError
from slipway.platforms.local.proxy.config import Json, release_of

_KINDS = ("http", "tcp")
_OURS = "@file"
_SECTIONS = {
    ("http", "services"): "services",
    ("http", "routers"): "routers",
    ("tcp", "services"): "tcpServices",
    ("tcp", "routers"): "tcpRouters",
}
"""Where `/api/rawdata`, the whole of it in one answer, has what."""


class NoAnswerError(PlatformError):
    """The proxy's API cannot be reached: it does not run."""


def overview(api: tuple[str, int], timeout: float = 2.0) -> dict[str, dict[str, Json]]:
    """{"http/services": {name: data}, "http/routers": ..., ...}, what came from our file.

    Raises NoAnswerError.
    """
    connection = http.client.HTTPConnection(*api, timeout=timeout)
    try:
        data = _get(connection, "/api/rawdata")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswerError(f"the proxy does not answer at {api[0]}:{api[1]}: {error}") from error
    finally:
        connection.close()
    return {
        f"{kind}/{what}": {
            name.removesuffix(_OURS): item
            for name, item in data.get(key, {}).items()
            if name.endswith(_OURS)
        }
        for (kind, what), key in _SECTIONS.items()
    }


def differences(wanted: Json, seen: Mapping[str, Mapping[str, Json]]) -> list[str]:
    """What the proxy does not do yet, or does not do any more, as lines for a person."""
    lines: list[str] = []
    for kind in _KINDS:
        for what in ("services", "routers"):
            want = wanted.get(kind, {}).get(what, {})
            have = seen.get(f"{kind}/{what}", {})
            lines += [f"{kind} {what} has no {n}" for n in sorted(want.keys() - have.keys())]
            lines += [f"{kind} {what} still has {n}" for n in sorted(have.keys() - want.keys())]
            for name in want.keys() & have.keys():
                if not _same(want[name], have[name]):
                    errors = "; ".join(have[name].get("error", []))
                    lines.append(f"{kind} {what} {name} differs {errors}".rstrip())
    return lines


def weights(seen: Mapping[str, Mapping[str, Json]]) -> dict[str, int]:
    """Release number -> percent, as the first weighted service has it."""
    for kind in _KINDS:
        for data in seen.get(f"{kind}/services", {}).values():
            children = data.get("weighted", {}).get("services", [])
            shares = {release_of(c["name"]): int(c.get("weight", 1)) for c in children}
            total = sum(shares.values())
            if total and None not in shares:
                return {str(n): round(100 * w / total) for n, w in shares.items() if w}
    return {}


def distrusted(seen: Mapping[str, Mapping[str, Json]]) -> list[str]:
    """Services none of whose servers gets requests, since their health checks failed."""
    found = []
    for kind in _KINDS:
        for name, data in seen.get(f"{kind}/services", {}).items():
            states = data.get("serverStatus") or {}
            if states and all(state != "UP" for state in states.values()):
                found.append(name)
    return found


def _same(want: Json, have: Json) -> bool:
    if have.get("status") not in (None, "enabled"):
        return False
    if "rule" in want:
        keys = ("rule", "entryPoints", "priority")
        return all(want[key] == have.get(key) for key in keys if key in want)
    return _children(want) == _children(have) and _servers(want) == _servers(have)


def _children(data: Json) -> list[tuple[str, int]]:
    children = data.get("weighted", {}).get("services", [])
    return sorted((c["name"].removesuffix("@file"), int(c.get("weight", 1))) for c in children)


def _servers(data: Json) -> list[str]:
    servers = data.get("loadBalancer", {}).get("servers", [])
    return sorted(server.get("url") or server.get("address") for server in servers)


def _get(connection: http.client.HTTPConnection, path: str) -> dict[str, Any]:
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise ValueError(f"{path} answered {response.status}")
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError(f"{path} is no object")
    return found
