"""One HTTP request and its answer, within one deadline; redirects are answers too."""

from __future__ import annotations

import http.client
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from slipway.support.health.wire import Deadline, NoAnswer, Wire

BODY_LIMIT = 256 * 1024
_GIST = 160
_SAFE = "!$%&'()*+,/:;=?@[]~"


class Request(NamedTuple):
    """What to send. `path` may have a query; `verify` False takes any TLS certificate."""

    scheme: str
    host: str
    port: int
    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    verify: bool = True


class HttpAnswer(NamedTuple):
    """What came back: at most `BODY_LIMIT` bytes of the body, seconds until it was read."""

    status: int
    reason: str
    location: str | None
    body: bytes
    seconds: float

    def line(self) -> str:
        """For a person: "503 Service Unavailable: loading", "301 ... -> https://..."."""
        words = f"{self.status} {self.reason}".rstrip()
        if self.location is not None and 300 <= self.status < 400:
            return f"{words} -> {self.location}"
        told = gist(self.body)
        return f"{words}: {told}" if told else words


def exchange(request: Request, deadline: Deadline) -> HttpAnswer:
    """Send `request`; the whole answer. Raises NoAnswer, at the latest when time is up."""
    with Wire(request.host, request.port, deadline) as wire:
        if request.scheme == "https":
            wire.start_tls(request.host, verify=request.verify)
        connection = http.client.HTTPConnection(request.host, request.port)
        connection.sock = _Socket(wire)
        _send(connection, request)
        return _receive(connection, deadline)


def matches(status: int, wanted: Sequence[int | str]) -> bool:
    """Is `status` one of `wanted`: 200, "200", "2xx"?"""
    return any(
        str(status) == str(each) or f"{status // 100}xx" == str(each).lower() for each in wanted
    )


def gist(body: bytes) -> str:
    """What a body says, in one short line: its first line, a page's title, JSON in one piece."""
    text = body.decode("utf-8", "replace").strip()
    title = re.search(r"<title[^>]*>(.*?)</title>", text[:4096], re.IGNORECASE | re.DOTALL)
    if text.startswith("<") and title:
        text = title.group(1)
    elif text[:1] not in ("{", "["):
        text = text.partition("\n")[0]
    line = " ".join(_printable(text[: 4 * _GIST]).split())
    return line if len(line) <= _GIST else line[: _GIST - 1] + "…"


def _printable(text: str) -> str:
    """Without control characters, which a terminal would obey."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


class _Socket:
    """As much of a socket as http.client needs, over a Wire (which closes itself)."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def sendall(self, data: bytes) -> None:
        self._wire.send(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        del mode
        return io.BufferedReader(_Reader(self._wire))

    def close(self) -> None: ...


class _Reader(io.RawIOBase):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._wire.receive_into(buffer)


def _send(connection: http.client.HTTPConnection, request: Request) -> None:
    headers = {"User-Agent": "slipway", "Accept": "*/*", "Connection": "close"}
    names = {name.lower() for name in request.headers}
    own = {name: value for name, value in headers.items() if name.lower() not in names}
    path = quote(request.path, safe=_SAFE)
    try:
        connection.request(request.method, path, request.body, {**own, **request.headers})
    except (ValueError, http.client.HTTPException):
        # The error's own text would show a header's value, which may be a secret.
        raise NoAnswer("the request cannot be sent: check its method, path and headers") from None


def _receive(connection: http.client.HTTPConnection, deadline: Deadline) -> HttpAnswer:
    try:
        response = connection.getresponse()
    except http.client.RemoteDisconnected:
        raise NoAnswer("the connection was closed without an answer") from None
    except http.client.BadStatusLine as error:
        raise NoAnswer(f"not an HTTP answer: {gist(str(error).encode())}") from None
    except (http.client.HTTPException, ValueError) as error:
        raise NoAnswer(f"not a valid HTTP answer: {type(error).__name__}") from None
    with response:
        location = response.getheader("Location")
        return HttpAnswer(
            status=response.status,
            reason=_printable(response.reason),
            location=None if location is None else _printable(location),
            body=_body(response, deadline),
            seconds=deadline.elapsed(),
        )


def _body(response: http.client.HTTPResponse, deadline: Deadline) -> bytes:
    """The body; an endless event stream is not read, its status has said all."""
    if response.headers.get_content_type() == "text/event-stream":
        return b""
    seen = f"{response.status} {_printable(response.reason)}".rstrip()
    try:
        body = response.read(BODY_LIMIT)
        if response.length and len(body) < BODY_LIMIT:
            raise http.client.IncompleteRead(b"")
        return body
    except NoAnswer:
        raise NoAnswer(f"{seen}, but the answer was not complete within {deadline}") from None
    except (http.client.HTTPException, ValueError):
        raise NoAnswer(f"{seen}, but the answer ended early") from None
