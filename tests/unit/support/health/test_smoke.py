from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from slipway.support.health.model import Answer, Expectation, SmokeTest
from slipway.support.health.smoke import run_smoke, smoke_until
from slipway.testing.clock import JumpingClock

Serve = Callable[[Callable[[socket.socket], None]], int]


class App:
    """Answers each request with the next of its answers (the last for ever); keeps requests."""

    def __init__(self, serve: Serve, *answers: tuple[str, str]) -> None:
        self.answers = list(answers)
        self.requests: list[str] = []
        self.url = f"http://127.0.0.1:{serve(self._handle)}"

    def _handle(self, connection: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(65536)
        head, _, body = request.partition(b"\r\n\r\n")
        length = next(
            (int(h.split(b":")[1]) for h in head.split(b"\r\n") if h.startswith(b"Content-Len")), 0
        )
        while len(body) < length:
            body += connection.recv(65536)
        self.requests.append((head + b"\r\n\r\n" + body).decode())
        status, text = self.answers[min(len(self.requests), len(self.answers)) - 1]
        connection.sendall(f"HTTP/1.1 {status}\r\nConnection: close\r\n\r\n{text}".encode())


def _test(**fields: Any) -> SmokeTest:
    return SmokeTest(name="t", **fields)


def test_it_sends_what_it_says(serve: Serve) -> None:
    app = App(serve, ("202 Accepted", ""))
    test = _test(method="post", path="/hook?a=1", json={"x": "ü"}, headers={"x-own": "test"})
    answer = run_smoke(test, app.url + "/", {"X-Own": "given", "Host": "app.example"})
    assert answer.ok
    assert answer.target == f"post {app.url}/hook?a=1"
    head, _, body = app.requests[0].partition("\r\n\r\n")
    lines = head.split("\r\n")
    assert lines[0] == "POST /hook?a=1 HTTP/1.1"
    assert json.loads(body) == {"x": "ü"}
    assert "Content-Type: application/json" in lines
    assert "x-own: test" in lines
    assert "X-Own: given" not in lines
    assert "Host: app.example" in lines


def test_a_body_is_sent_as_it_is(serve: Serve) -> None:
    app = App(serve, ("200 OK", ""))
    assert run_smoke(_test(method="PUT", body="a=1&b=ä"), app.url).ok
    assert app.requests[0].endswith("\r\n\r\na=1&b=ä")
    assert "application/json" not in app.requests[0]


@pytest.mark.parametrize(
    ("expect", "status", "body", "saw"),
    [
        (Expectation(), "200 OK", "hi", None),
        (Expectation(), "500 Oh", "no db", "expected 2xx, got 500 Oh: no db"),
        (Expectation(status=(201, 202)), "200 OK", "", "expected 201 or 202, got 200 OK"),
        (Expectation(contains="spam"), "200 OK", "a spam", None),
        (
            Expectation(contains="spam"),
            "200 OK",
            "ham",
            "expected 'spam' in the answer, got 200 OK: ham",
        ),
        (Expectation(json={"label": "spam"}), "200 OK", '{"label": "spam", "p": 1}', None),
        (
            Expectation(json={"label": "spam"}),
            "200 OK",
            '{"label": "ham"}',
            "expected label 'spam' at $.label, got 'ham'",
        ),
        (Expectation(json={}), "200 OK", "<html>", "expected JSON, got <html>"),
        (Expectation(json={}), "200 OK", "", "expected JSON, got an empty body"),
    ],
)
def test_it_says_what_is_not_as_expected(
    serve: Serve, expect: Expectation, status: str, body: str, saw: str | None
) -> None:
    answer = run_smoke(_test(expect=expect), App(serve, (status, body)).url)
    assert answer.ok is (saw is None)
    assert saw is None or answer.saw == saw


def test_latency_is_an_expectation(serve: Serve) -> None:
    app = App(serve, ("200 OK", "x"))
    assert run_smoke(_test(expect=Expectation(latency=60)), app.url).ok
    answer = run_smoke(_test(expect=Expectation(latency=1e-9)), app.url)
    assert not answer.ok
    assert "expected an answer within 1e-09 s" in answer.saw


@pytest.mark.parametrize("url", ["ftp://a", "http://", "http://a:99999", "http://[a", "a"])
def test_what_is_no_address_is_said(url: str) -> None:
    answer = run_smoke(_test(), url)
    assert not answer.ok
    assert "not an address" in answer.saw


def _until(test: SmokeTest, url: str, clock: JumpingClock) -> Answer:
    async def main() -> Answer:
        return await smoke_until(test, url, clock=clock)

    return anyio.run(main)


def test_it_is_repeated_until_it_passes(serve: Serve) -> None:
    app, clock = App(serve, ("503 No", ""), ("503 No", ""), ("200 OK", "")), JumpingClock()
    assert _until(_test(within=30), app.url, clock).ok
    assert len(app.requests) == 3
    assert clock.sleeps == [0.1, pytest.approx(0.15)]


def test_when_its_time_is_over_the_last_answer_counts(serve: Serve) -> None:
    app, clock = App(serve, ("503 No", "first"), ("503 No", "later")), JumpingClock()
    answer = _until(_test(within=3), app.url, clock)
    assert (answer.ok, answer.saw) == (False, "expected 2xx, got 503 No: later")
    assert clock.monotonic() == pytest.approx(3)


def test_with_no_time_it_is_sent_once(serve: Serve) -> None:
    app = App(serve, ("503 No", ""))
    assert not _until(_test(within=0), app.url, JumpingClock()).ok
    assert len(app.requests) == 1
