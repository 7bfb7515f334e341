"""Ctrl-C, SIGTERM and kill -9 in the middle of an upgrade, and two deploys at once."""

from __future__ import annotations

import re
import signal

import pytest
from stage import Running, Stage, until

pytestmark = pytest.mark.local

V1 = "Hello from version v1\n"


def prepare(stage: Stage, greeting: str, *, starts_after: float = 30.0) -> None:
    """A new version that says `greeting`, once it has thought for so many seconds."""
    server = (stage.project / "server.py").read_text()
    code = re.sub(r'f".* version', f'f"{greeting} from version', server)
    code = re.sub(r"(?m)^import time; time.sleep.*\n", "", code)
    stage.write("server.py", f"import time; time.sleep({starts_after})\n{code}")


def upgrading(stage: Stage, until_it_says: str = "> wait for hello") -> Running:
    """An upgrade that is in its middle: the new revision runs, and is not ready."""
    running = stage.start("upgrade", "--verbose")
    running.wait_for(until_it_says)
    return running


def servers(stage: Stage) -> int:
    return sum("server.py" in p.cmdline() for p in stage.processes())


def serves_v1_alone(stage: Stage) -> None:
    assert stage.get() == V1
    status = stage.status()
    assert (status["healthy"], status["run"], status["problems"]) == (True, None, [])
    assert status["routes"] == [{"release": 1, "weight": 100}]
    assert servers(stage) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_puts_everything_back(live: Stage, number: signal.Signals) -> None:
    prepare(live, "Hallo")
    running = upgrading(live)
    running.signal(number)
    running.end().expect(130).says("interrupted, and put back: release 1 serves as before")
    serves_v1_alone(live)
    history = live.run("history", "--output", "json").expect().document("history")
    assert history["runs"][0]["outcome"] == "interrupted"


def test_a_signal_during_the_first_install_leaves_nothing(hello: Stage) -> None:
    prepare(hello, "Hallo")
    running = hello.start("install", "--verbose")
    running.wait_for("> wait for hello")
    running.signal(signal.SIGINT)
    running.end().expect(130).says("interrupted, and put back: nothing of it is left running")
    assert hello.processes() == []
    hello.run("status").expect().says("Nothing is installed")


def test_a_second_deploy_is_told_who_deploys(live: Stage) -> None:
    prepare(live, "Hallo")
    running = upgrading(live)
    for command in ("upgrade", "rollback", "install", "cleanup"):
        done = live.run(command).expect(4)
        done.says(f"(process {running.process.pid}) runs `deploy upgrade` here", "wait for it")
    error = live.run("upgrade", "-o", "json").expect(4).document("error")["error"]
    assert (error["code"], error["retryable"]) == ("lease-held", True)
    assert live.status()["run"]["live"] is True
    live.run("status").expect().says("upgrade by", "goes on now")
    running.signal(signal.SIGINT)
    running.end().expect(130)


def test_killed_then_any_next_command_puts_it_back(live: Stage) -> None:
    prepare(live, "Hallo")
    running = upgrading(live)
    running.signal(signal.SIGKILL)
    running.process.wait()
    assert live.get() == V1
    live.run("status").expect().says("run 2 (upgrade) was interrupted; `deploy resume` closes it")
    prepare(live, "Hola", starts_after=0)
    done = live.run("upgrade", "--version=v3").expect()
    done.says("run 2 (upgrade to r2) was interrupted at 'wait for hello'; putting it back")
    assert live.get() == "Hola from version v3\n"
    assert servers(live) == 1


def test_killed_then_resumed(live: Stage) -> None:
    prepare(live, "Hallo", starts_after=1.0)
    running = upgrading(live)
    running.signal(signal.SIGKILL)
    running.process.wait()
    assert live.get() == V1
    live.run("resume").expect().says("(release 2) is live and verified")
    assert live.get() == "Hallo from version r2\n"
    assert servers(live) == 1
    live.run("resume").expect().says("nothing is interrupted here")


def test_killed_then_reverted(live: Stage) -> None:
    prepare(live, "Hallo")
    running = upgrading(live)
    running.signal(signal.SIGKILL)
    running.process.wait()
    live.run("resume", "--revert").expect().says("putting it back", "undo: start hello")
    serves_v1_alone(live)


MOMENTS = [
    "> build hello",
    "> record release 2",
    "> start hello",
    "> send all traffic",
    "> verify",
    "> make release 2",
    "> drain and stop",
]


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_anywhere_one_version_serves_and_the_next_command_mends(
    live: Stage, moment: str
) -> None:
    prepare(live, "Hallo", starts_after=0)
    running = upgrading(live, moment)
    running.signal(signal.SIGKILL)
    running.process.wait()
    versions = {live.get() for _ in range(5)}
    assert versions <= {V1, "Hallo from version r2\n"}
    # The new weight is raised before the old one is lowered: in between, both are served.
    assert len(versions) == 1 or moment == "> send all traffic"
    live.run("upgrade").expect()
    assert live.get().startswith("Hallo from version r")
    until(lambda: servers(live) == 1, what="one server alone")
    assert live.status()["healthy"]


def test_an_interrupted_cleanup_is_not_put_back_but_finished(live: Stage) -> None:
    running = live.start("cleanup", "--verbose")
    running.wait_for("> stop and remove")
    running.signal(signal.SIGINT)
    running.end().expect(130).says("not everything is taken away yet", "`deploy cleanup` goes on")
    live.run("cleanup").expect().says("run 2 (cleanup) was interrupted; finishing it")
    assert live.processes() == []
    live.run("status").expect().says("Nothing is installed")


def test_killed_cleanup_is_finished(live: Stage) -> None:
    running = live.start("cleanup", "--verbose")
    running.wait_for("> stop and remove")
    running.signal(signal.SIGKILL)
    running.process.wait()
    live.run("cleanup").expect()
    assert live.processes() == []
    live.run("status").expect().says("Nothing is installed")
