"""HTTPS: a probe asks whether it is ready, a smoke test also whether people may trust it."""

from __future__ import annotations

import contextlib
import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.support.health.model import Probe, SmokeTest
from slipway.support.health.probes import ask
from slipway.support.health.smoke import run_smoke
from slipway.support.process import find_program


class _Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """An HTTPS server with a certificate that nobody signed."""
    openssl = find_program("openssl") or pytest.skip("no openssl on PATH")
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    how = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run(
        [openssl, "req", *how, "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hello) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        with contextlib.ExitStack() as stack:
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            yield server.server_address[1]


def test_a_probe_takes_any_certificate(port: int) -> None:
    answer = ask(Probe(kind="http", scheme="https"), "localhost", port)
    assert (answer.ok, answer.saw) == (True, "200 OK: hello")


def test_a_smoke_test_says_that_it_cannot_be_trusted(port: int) -> None:
    test = SmokeTest(name="page")
    answer = run_smoke(test, f"https://localhost:{port}")
    assert not answer.ok
    assert "certificate" in answer.saw
    assert run_smoke(test, f"https://localhost:{port}", verify=False).ok


def test_plain_http_where_tls_is_spoken_is_said(port: int) -> None:
    assert not ask(Probe(kind="http"), "localhost", port).ok
