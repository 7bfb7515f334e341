"""XML-RPC to supervisord over its unix socket: blocking, small, with a deadline on every call."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from slipway.errors import PlatformError

SHUTTING_DOWN = 6
BAD_NAME = 10
ALREADY_STARTED = 60
NOT_RUNNING = 70
ALREADY_ADDED = 90
STILL_RUNNING = 91


class UnreachableError(PlatformError):
    """Nobody answers on the socket: supervisord does not run."""


@dataclass(frozen=True, slots=True)
class ProgramState:
    """What supervisord says of one program; `state` is its word (RUNNING, BACKOFF, ...)."""

    name: str
    state: str
    pid: int | None
    started: float | None
    stopped: float | None
    exit_code: int | None
    error: str


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(self.timeout)
        try:
            sock.connect(self._path)
        except BaseException:
            sock.close()
            raise
        self.sock = sock


def call(path: Path, method: str, *params: Any, timeout: float = 10.0) -> Any:
    """One call. Raises UnreachableError if nobody answers, or one that is ending does, and
    `xmlrpc.client.Fault` if it says no.
    """
    body = xmlrpc.client.dumps(params, f"supervisor.{method}")
    connection = _Connection(str(path), timeout)
    try:
        connection.request("POST", "/RPC2", body.encode(), {"Content-Type": "text/xml"})
        response = connection.getresponse()
        data = response.read()
        if response.status != 200:
            raise UnreachableError(f"supervisord answered {response.status} to {method}")
        result, _ = xmlrpc.client.loads(data)
    except (OSError, http.client.HTTPException, ExpatError) as error:
        raise UnreachableError(f"supervisord did not answer to {method}: {error}") from error
    except xmlrpc.client.Fault as fault:
        if fault.faultCode == SHUTTING_DOWN:
            raise UnreachableError(f"supervisord is ending, and refused {method}") from fault
        raise
    finally:
        connection.close()
    return result[0] if len(result) == 1 else result


def states(path: Path, timeout: float = 5.0) -> dict[str, ProgramState]:
    """Every program that supervisord knows, by name. Raises UnreachableError."""
    found = call(path, "getAllProcessInfo", timeout=timeout)
    return {item["name"]: _state(item) for item in found}


def _state(item: dict[str, Any]) -> ProgramState:
    state = str(item["statename"])
    ended = state in ("EXITED", "FATAL", "BACKOFF")
    return ProgramState(
        name=item["name"],
        state=state,
        pid=item["pid"] or None,
        started=float(item["start"]) or None,
        stopped=float(item["stop"]) or None,
        exit_code=int(item["exitstatus"]) if ended else None,
        error=item["spawnerr"],
    )
