"""Canaries with real traffic through the real proxy, judged from its own counters."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from stage import Stage

pytestmark = pytest.mark.local

V1 = "Hello from version v1\n"
DEPLOY = """
rollout:
  strategy: canary
  canary: {steps: [50%], bake: 1s, min_requests: 20, header: X-Canary=yes}
"""


@contextmanager
def asking(stage: Stage) -> Iterator[list[int]]:
    """Somebody asks all the time, at most 20,000 times; the statuses of the answers."""
    statuses: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        for _ in range(10_000):
            if stop.is_set():
                return
            try:
                with urllib.request.urlopen(stage.url, timeout=10) as answer:
                    statuses.append(answer.status)
            except urllib.error.HTTPError as error:
                statuses.append(error.code)
            stop.wait(0.005)

    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    try:
        yield statuses
    finally:
        stop.set()
        for asker in askers:
            asker.join(timeout=20)


def selected(stage: Stage) -> str:
    """What one who selects the canary by its header is told."""
    request = urllib.request.Request(stage.url, headers={"X-Canary": "yes"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def test_a_good_canary_is_promoted_on_evidence(live: Stage) -> None:
    live.write("deploy.yaml", DEPLOY)
    live.change("server.py", "Hello", "Hallo")
    with asking(live) as statuses:
        live.run("upgrade", "--version=v2").expect().says("live and verified")
    assert live.get() == "Hallo from version v2\n"
    assert set(statuses) == {200}
    said = live.run("history", "--verbose").expect().out
    assert "50%" in said


def test_a_canary_that_fails_its_users_is_put_back(live: Stage) -> None:
    live.write("deploy.yaml", DEPLOY)
    server = (live.project / "server.py").read_text()
    live.write(
        "server.py", server.replace('self.answer(200, "text/plain', 'self.answer(500, "text/plain')
    )
    with asking(live) as statuses:
        done = live.run("upgrade", "--version=v2").expect(1)
    done.says("the canary failed at 50%", "success rate", "put back: release 1 serves as before")
    assert live.get() == V1
    assert set(statuses) <= {200, 500}


def test_a_word_from_another_terminal_acts_at_once(live: Stage) -> None:
    live.write("deploy.yaml", DEPLOY.replace("bake: 1s", "bake: 1h"))
    live.change("server.py", "Hello", "Hallo")
    running = live.start("upgrade", "--version=v2", "--verbose")
    running.wait_for("> watch release 2 at 50%")
    assert selected(live) == "Hallo from version v2\n"
    live.run("canary", "hold").expect().says("told the canary")
    running.wait_for("held by")
    live.run("canary", "abort").expect()
    running.end().expect(1).says("aborted by")
    assert live.get() == V1
    live.run("canary", "promote").expect(2).says("no canary goes on")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--traffic-split=150%",), "between 1% and 99%"),
        (("--traffic-split=ten",), "is not a percentage"),
        (("--promote-threshold=101%",), "between 0% and 100%"),
    ],
)
def test_nonsense_changes_nothing(live: Stage, flags: tuple[str, ...], words: str) -> None:
    live.run("upgrade", "--strategy=canary", *flags).expect(2).says(words)
    assert live.get() == V1
