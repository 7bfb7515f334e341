"""`deploy dev`: a saved file is the next version; Ctrl-C ends the watching."""

from __future__ import annotations

import signal

import pytest
from stage import Stage, until

pytestmark = pytest.mark.local


def test_a_saved_file_is_served_and_ctrl_c_ends_it(hello: Stage) -> None:
    running = hello.start("dev")
    running.wait_for(f"hello: {hello.url}")
    running.wait_for("watching")
    until(
        lambda: hello.get().startswith("Hello from") and "hello | 127.0.0.1" in running.out,
        what="a request in the logs",
    )

    hello.change("server.py", "Hello from", "Hallo from")
    until(lambda: hello.get().startswith("Hallo from"), what="the changed file to be served")
    running.wait_for("changed: server.py")

    good = (hello.project / "server.py").read_text()
    hello.write("server.py", "print(")
    running.wait_for("the old version goes on; waiting for the next change")
    assert "SyntaxError" in running.err
    assert hello.get().startswith("Hallo from")

    hello.write("server.py", good.replace("Hallo from", "Hola from"))
    until(lambda: running.err.count(f"hello: {hello.url}") == 3, what="the mended file to be live")
    assert hello.get().startswith("Hola from")

    running.signal(signal.SIGINT)
    done = running.end()
    assert done.code == 0
    done.says("no longer watching; the app goes on")
    assert hello.get().startswith("Hola from")


def test_ctrl_c_during_an_upgrade_puts_it_back(live: Stage) -> None:
    running = live.start("dev")
    running.wait_for("watching the files")
    running.wait_for(f"hello: {live.url}")
    server = (live.project / "server.py").read_text()
    live.write("server.py", f"import time; time.sleep(60)\n{server}")
    running.wait_for("✓ start hello")
    running.signal(signal.SIGINT)
    running.end().expect(0).says("interrupted, and put back: release 1 serves as before")
    assert live.get() == "Hello from version v1\n"
