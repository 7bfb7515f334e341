from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable

import pytest

from slipway.errors import RunError
from slipway.support.health.model import Answer, Probe
from slipway.support.health.probes import ask

HOST = "127.0.0.1"
Answering = Callable[[bytes], int]
Serve = Callable[[Callable[[socket.socket], None]], int]


def _http(status: str, body: bytes = b"", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def _error(code: str, message: str) -> bytes:
    body = b"SFATAL\0C" + code.encode() + b"\0M" + message.encode() + b"\0\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body


@pytest.mark.parametrize(
    ("data", "ok", "saw"),
    [
        (_http("200 OK", b"fine"), True, "200 OK: fine"),
        (_http("204 No Content"), True, "204 No Content"),
        (
            _http("503 Service Unavailable", b"loading\nmore"),
            False,
            "503 Service Unavailable: loading",
        ),
        (_http("500 No", b'{\n  "error": "db"\n}'), False, '500 No: { "error": "db" }'),
        (_http("502 No", b"<html><title>Bad\n gate</title>x"), False, "502 No: Bad gate"),
        (
            _http("301 Moved Permanently", b"", "Location: https://a.example/"),
            True,
            "301 Moved Permanently -> https://a.example/",
        ),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil closed", True, "200 OK: until closed"),
        (b"SSH-2.0-server\r\n", False, "not an HTTP answer: SSH-2.0-server"),
        (b"", False, "the connection was closed without an answer"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
            False,
            "200 OK, but the answer ended early",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", True, "200 OK"),
        (_http("404 \x1b[31mNo", b"a\x00b"), False, None),
    ],
)
def test_http_says_what_it_saw(
    answering: Answering, data: bytes, ok: bool, saw: str | None
) -> None:
    port = answering(data)
    answer = ask(Probe(kind="http", path="/ready"), HOST, port)
    assert answer.ok is ok
    assert answer.target == f"http://127.0.0.1:{port}/ready"
    assert saw is None or answer.saw == saw
    assert answer.saw.isprintable()


def test_http_sends_its_headers_and_an_encoded_path(serve: Serve) -> None:
    seen: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        seen.append(connection.recv(65536))
        connection.sendall(_http("200 OK"))

    probe = Probe(kind="http", path="/a b?q=ü", headers={"Host": "app.example", "X-A": "1"})
    assert ask(probe, HOST, serve(handle)).ok
    request, *headers = seen[0].decode().split("\r\n")
    assert request == "GET /a%20b?q=%C3%BC HTTP/1.1"
    assert "Host: app.example" in headers
    assert "X-A: 1" in headers
    assert sum(header.lower().startswith("host:") for header in headers) == 1


@pytest.mark.parametrize(
    ("status", "wanted", "ok"),
    [
        ("404 Not Found", (404,), True),
        ("404 Not Found", ("404", 200), True),
        ("404 Not Found", ("4XX",), True),
        ("302 Found", ("2xx",), False),
        ("200 OK", (), False),
    ],
)
def test_http_status_lists(
    answering: Answering, status: str, wanted: tuple[int | str, ...], ok: bool
) -> None:
    assert ask(Probe(kind="http", status=wanted), HOST, answering(_http(status))).ok is ok


def test_http_contains(answering: Answering) -> None:
    port = answering(_http("200 OK", b"state: warm"))
    assert ask(Probe(kind="http", contains="warm"), HOST, port).ok
    answer = ask(Probe(kind="http", contains="hot"), HOST, port)
    assert not answer.ok
    assert answer.saw == "200 OK: state: warm (the body does not contain 'hot')"


def test_a_header_that_cannot_be_sent_is_not_shown(answering: Answering) -> None:
    probe = Probe(kind="http", headers={"Authorization": "Bearer s3cret\nx"})
    answer = ask(probe, HOST, answering(b""))
    assert not answer.ok
    assert "s3cret" not in answer.saw


@pytest.mark.parametrize("kind", ["http", "tcp", "postgres", "redis"])
def test_nothing_listens(closed_port: int, kind: str) -> None:
    answer = ask(Probe(kind=kind), HOST, closed_port)  # type: ignore[arg-type]
    assert not answer.ok
    assert answer.saw == f"connection refused: nothing listens on 127.0.0.1:{closed_port}"


def test_a_name_that_does_not_resolve() -> None:
    answer = ask(Probe(kind="tcp", timeout=20), "no-such-host.invalid", 80)
    assert not answer.ok
    assert "no-such-host.invalid:80" in answer.saw


def test_localhost_is_found_wherever_it_listens(answering: Answering) -> None:
    assert ask(Probe(kind="tcp"), "localhost", answering(b"")).ok


def _silent(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


@pytest.mark.parametrize("kind", ["http", "postgres", "redis"])
def test_a_silent_server_is_given_up(serve: Serve, kind: str) -> None:
    answer = ask(Probe(kind=kind, timeout=0.1), HOST, serve(_silent))  # type: ignore[arg-type]
    assert not answer.ok
    assert answer.saw == "connected, but no answer within 0.1 s"


def _dripping(before: bytes, drops: bytes) -> Callable[[socket.socket], None]:
    """Each byte comes well within the timeout; all of them, with a good end, far beyond it."""

    def handle(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(before)
        for drop in drops:
            connection.sendall(bytes([drop]))
            time.sleep(0.02)

    return handle


@pytest.mark.parametrize(
    ("kind", "before", "drops", "saw"),
    [
        (
            "http",
            b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n",
            b"x" * 500,
            "200 OK, but the answer was not complete within 0.2 s",
        ),
        (
            "http",
            b"",
            _http("200 OK", b"", "X-Long: " + "x" * 500),
            "connected, but no answer within 0.2 s",
        ),
        ("redis", b"", b"+" + b"P" * 400 + b"\r\n", "connected, but no answer within 0.2 s"),
        ("postgres", b"", _error("28000", "m" * 400), "connected, but no answer within 0.2 s"),
    ],
)
def test_a_drip_does_not_move_the_deadline(
    serve: Serve, kind: str, before: bytes, drops: bytes, saw: str
) -> None:
    port = serve(_dripping(before, drops))
    answer = ask(Probe(kind=kind, timeout=0.2), HOST, port)  # type: ignore[arg-type]
    assert (answer.ok, answer.saw) == (False, saw)


def test_tcp(answering: Answering) -> None:
    port = answering(b"")
    assert ask(Probe(kind="tcp"), HOST, port).saw == f"127.0.0.1:{port} accepts connections"


@pytest.mark.parametrize(
    ("data", "ok", "says"),
    [
        (b"R\0\0\0\x08\0\0\0\x0a", True, "accepts connections"),
        (_error("28000", "role does not exist"), True, "role does not exist (28000)"),
        (_error("53300", "too many clients"), True, "too many clients"),
        (
            _error("57P03", "the database system is starting up"),
            False,
            "the database system is starting up (57P03)",
        ),
        (b"HTTP/1.1 400 Bad Request\r\n", False, "not a PostgreSQL answer: 'HTTP/'"),
        (b"", False, "closed without an answer"),
    ],
)
def test_postgres(answering: Answering, data: bytes, ok: bool, says: str) -> None:
    answer = ask(Probe(kind="postgres"), HOST, answering(data))
    assert answer.ok is ok
    assert says in answer.saw


@pytest.mark.parametrize(
    ("data", "ok", "says"),
    [
        (b"+PONG\r\n", True, "answers: PONG"),
        (b"-NOAUTH Authentication required.\r\n", True, "NOAUTH"),
        (b"-LOADING Redis is loading the dataset\r\n", False, "loading the dataset"),
        (b"-DENIED protected mode\r\n", False, "DENIED"),
        (b"HTTP/1.1 400 Bad Request\r\n", False, "not a Redis answer: 'HTTP/1.1 400 Bad Request'"),
        (b"", False, "closed without an answer"),
    ],
)
def test_redis(answering: Answering, data: bytes, ok: bool, says: str) -> None:
    answer = ask(Probe(kind="redis"), HOST, answering(data))
    assert answer.ok is ok
    assert says in answer.saw


def _ask_command(outcome: tuple[int, str] | Exception) -> Answer:
    def run(command: tuple[str, ...], timeout: float) -> tuple[int, str]:
        assert (command, timeout) == (("check", "me"), 3.0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return ask(Probe(kind="command", command=("check", "me"), timeout=3.0), HOST, 0, run)


@pytest.mark.parametrize(
    ("outcome", "ok", "saw"),
    [
        ((0, "ok"), True, "exit 0: ok"),
        ((1, ""), False, "exit 1"),
        ((127, "check: not found"), False, "exit 127: check: not found"),
        (RunError("`check` did not end within 3 s"), False, "`check` did not end within 3 s"),
        (FileNotFoundError(2, "No such file"), False, "cannot run check: No such file"),
    ],
)
def test_command(outcome: tuple[int, str] | Exception, ok: bool, saw: str) -> None:
    answer = _ask_command(outcome)
    assert (answer.ok, answer.saw, answer.target) == (ok, saw, "command check me")


def test_a_command_where_none_can_be_run() -> None:
    answer = ask(Probe(kind="command", command=("x",)), HOST, 0)
    assert not answer.ok
    assert "cannot be run" in answer.saw
