"""Ask one instance of a service how it is: one small function for each kind of probe."""

from __future__ import annotations

import struct
from collections.abc import Callable

from slipway.errors import SlipwayError
from slipway.support.health.exchange import Request, exchange, gist, matches
from slipway.support.health.model import Answer, Probe
from slipway.support.health.wire import Deadline, NoAnswer, Wire

Run = Callable[[tuple[str, ...], float], tuple[int, str]]
"""(command, timeout in seconds) -> exit code and last line of output, inside the service."""

_PROTOCOL_3 = 196608
_CANNOT_CONNECT_NOW = "57P03"


def ask(probe: Probe, host: str, port: int, run: Run | None = None) -> Answer:
    """Ask once. Blocking, at most `probe.timeout` seconds in all; never raises for what it sees.

    `host` and `port` are where this instance is reached (`probe.port` is the service's own).
    `run` is needed for `command` probes only, and must keep to the timeout it is given.
    Call it through `wait_until_ready`, or in a thread.
    """
    deadline = Deadline(probe.timeout)
    try:
        if probe.kind == "command":
            ok, saw = _command(probe, run)
        else:
            ok, saw = _ASK[probe.kind](probe, host, port, deadline)
    except NoAnswer as failure:
        ok, saw = False, str(failure)
    return Answer(ok=ok, saw=saw, seconds=deadline.elapsed(), target=target(probe, host, port))


def target(probe: Probe, host: str, port: int) -> str:
    """What is asked, for a person: "http://127.0.0.1:8000/ready", "redis 127.0.0.1:6379"."""
    if probe.kind == "command":
        return "command " + " ".join(probe.command)
    at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return f"{probe.scheme}://{at}{probe.path}" if probe.kind == "http" else f"{probe.kind} {at}"


def _http(probe: Probe, host: str, port: int, deadline: Deadline) -> tuple[bool, str]:
    """As kubelet does, TLS certificates are not checked: it is about being ready."""
    request = Request(probe.scheme, host, port, probe.path, headers=probe.headers, verify=False)
    answer = exchange(request, deadline)
    if not matches(answer.status, probe.status):
        return False, answer.line()
    if probe.contains is not None and probe.contains.encode() not in answer.body:
        return False, f"{answer.line()} (the body does not contain {probe.contains!r})"
    return True, answer.line()


def _tcp(probe: Probe, host: str, port: int, deadline: Deadline) -> tuple[bool, str]:
    del probe
    with Wire(host, port, deadline) as wire:
        return True, f"{wire.address} accepts connections"


def _postgres(probe: Probe, host: str, port: int, deadline: Deadline) -> tuple[bool, str]:
    """Begin a session and look at the first answer: no password is needed to see it is alive."""
    del probe
    with Wire(host, port, deadline) as wire:
        fields = b"user\0postgres\0database\0postgres\0application_name\0slipway\0\0"
        wire.send(struct.pack("!ii", 8 + len(fields), _PROTOCOL_3) + fields)
        head = wire.receive(5)
        kind, length = head[:1], int.from_bytes(head[1:], "big")
        if len(head) < 5 or kind not in b"RE" or not 4 <= length <= 65536:
            raise NoAnswer(_not("PostgreSQL", head))
        body = wire.receive(length - 4)
        if kind == b"R":
            # Hanging up here is silent; a Terminate message would be logged as FATAL.
            return True, "accepts connections"
        code, message = _error_fields(body)
        return code != _CANNOT_CONNECT_NOW, f"answers: {message} ({code})"


def _error_fields(body: bytes) -> tuple[str, str]:
    """SQLSTATE and message of an ErrorResponse."""
    fields = {part[:1]: part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}
    return fields.get(b"C", "?"), fields.get(b"M", "an error without a message")


def _redis(probe: Probe, host: str, port: int, deadline: Deadline) -> tuple[bool, str]:
    del probe
    with Wire(host, port, deadline) as wire:
        wire.send(b"PING\r\n")
        line = bytearray()
        while len(line) < 512 and not line.endswith(b"\n"):
            byte = wire.receive(1)
            if not byte:
                break
            line += byte
    if not line.startswith((b"+", b"-")):
        raise NoAnswer(_not("Redis", bytes(line)))
    return line.startswith((b"+PONG", b"-NOAUTH")), f"answers: {gist(bytes(line[1:]))}"


def _not(server: str, data: bytes) -> str:
    if not data:
        return "the connection was closed without an answer"
    return f"not a {server} answer: {gist(data)!r}"


def _command(probe: Probe, run: Run | None) -> tuple[bool, str]:
    if run is None:
        raise NoAnswer("commands cannot be run inside this service")
    try:
        code, line = run(probe.command, probe.timeout)
    except SlipwayError as error:
        raise NoAnswer(error.message) from None
    except OSError as error:
        raise NoAnswer(f"cannot run {probe.command[0]}: {error.strerror or error}") from None
    return code == 0, f"exit {code}: {line}" if line else f"exit {code}"


_ASK: dict[str, Callable[[Probe, str, int, Deadline], tuple[bool, str]]] = {
    "http": _http,
    "tcp": _tcp,
    "postgres": _postgres,
    "redis": _redis,
}
