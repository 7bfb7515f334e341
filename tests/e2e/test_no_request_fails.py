"""Requests all the time, from several threads, while versions change: all are answered."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from stage import Stage, request, until

pytestmark = pytest.mark.local

# hello answers GET only; this one also takes POST, and tells how often each was taken.
POST = """
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(201, "text/plain; charset=utf-8", f"Taken by version {VERSION}\\n")

    do_HEAD"""


class Load:
    """Asks until it is told to stop; `answers` counts (status, body), `failed` what went wrong."""

    def __init__(self, url: str) -> None:
        self.answers: Counter[tuple[int, str]] = Counter()
        self.failed: list[str] = []
        self._url = url
        self._stop = threading.Event()
        methods = ["GET", "GET", "GET", "POST"]
        self._threads = [threading.Thread(target=self._ask, args=(m,)) for m in methods]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, method: str) -> None:
        while not self._stop.wait(0.005):
            try:
                data = {"n": 1} if method == "POST" else None
                self.answers[request(method, self._url, data)] += 1
            except OSError as error:
                self.failed.append(f"{method}: {error!r}")

    def wait_for(self, version: str) -> None:
        """Until this version has answered."""
        until(
            lambda: any(f"version {version}\n" in body for _, body in list(self.answers)),
            what=f"an answer of {version}",
        )


def test_no_request_fails_during_upgrades_and_rollbacks(hello: Stage) -> None:
    hello.change("server.py", "\n    do_HEAD", POST)
    hello.run("install", "--version=v1").expect()
    with Load(hello.url) as load:
        load.wait_for("v1")
        hello.change("server.py", "Hello from", "Hallo from")
        hello.run("upgrade", "--version=v2").expect()
        load.wait_for("v2")
        hello.run("rollback").expect()
        hello.change("server.py", "Hallo from", "Hola from")
        hello.run("upgrade", "--version=v3").expect()
        load.wait_for("v3")
    assert load.failed == []
    assert set(load.answers) == {
        (200, "Hello from version v1\n"),
        (200, "Hallo from version v2\n"),
        (200, "Hola from version v3\n"),
        (201, "Taken by version v1\n"),
        (201, "Taken by version v2\n"),
        (201, "Taken by version v3\n"),
    }
