"""The same on real processes: the tool is killed with SIGKILL before, inside and after each kind
of step; while it is dead the site goes on serving, and a fresh process resumes or reverts.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from drill import Survived
from shared_cache import shared_cache
from stage import Stage, until

pytestmark = pytest.mark.local

TOOL = Path(__file__).with_name("stopped_tool.py")
COMPOSE = """
services:
  hello:
    build: .
    ports: ["{port}:8080"]
    depends_on:
      cache: {{condition: service_started}}
      setup: {{condition: service_completed_successfully}}
    stop_grace_period: 3s
  setup:
    build: .
    command: ["python", "-c", "print('set up')"]
    restart: "no"
  cache:
    image: redis:7
    volumes: ["data:/data"]
volumes:
  data: {{}}
"""
DEPLOY = """
keep_releases: 1
smoke_tests:
  - {name: greets, path: /}
rollout:
  strategy: STRATEGY
  canary: {steps: [50%], bake: 0.4s, min_requests: 1, patience: 0.4s, inconclusive: promote}
"""
MOMENTS = [("before", "revert"), ("inside", "resume"), ("inside", "revert"), ("after", "resume")]


@pytest.fixture(scope="session")
def cache(request: pytest.FixtureRequest) -> Iterator[Path]:
    with shared_cache(request.config) as folder:
        yield folder


@pytest.fixture
def stage(cache: Path) -> Iterator[Stage]:
    """examples/hello with a cache that keeps data, a job and a smoke test; not installed."""
    with Stage.open("hello", cache) as made:
        made.write("compose.yaml", COMPOSE.format(port=made.port))
        made.write("deploy.yaml", DEPLOY.replace("STRATEGY", "blue-green"))
        yield made


def say(stage: Stage, greeting: str) -> str:
    """Another version of the code; what it answers."""
    code = (stage.project / "server.py").read_text()
    stage.write("server.py", re.sub(r'f"\w+ from version', f'f"{greeting} from version', code))
    return greeting


@contextmanager
def stopped(stage: Stage, kind: str, moment: str, *arguments: str) -> Iterator[tuple[int, int]]:
    """A child that waits at that moment: (its process id, the pipe that lets it go on)."""
    reached, reaching = os.pipe()
    going, go = os.pipe()
    environ = {
        **stage.environ,
        "DRILL": f"{kind}:{moment}",
        "DRILL_REACHED": str(reaching),
        "DRILL_GO": str(going),
    }
    log = stage.base / "stopped.log"
    with log.open("w") as out:
        child = subprocess.Popen(
            [sys.executable, TOOL, *arguments, "--yes"],
            cwd=stage.project, env=environ, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            pass_fds=(reaching, going),
        )  # fmt: skip
    os.close(reaching)
    os.close(going)
    try:
        ready, _, _ = select.select([reached], [], [], 60)
        said = os.read(reached, 1) if ready else b""
        assert said, f"no {kind} step was reached:\n{log.read_text()}"
        yield child.pid, go
    finally:
        os.close(reached)
        os.close(go)
        if child.poll() is None and not _goes_on(child):
            child.kill()
        child.wait(60)


def _goes_on(child: subprocess.Popen[bytes]) -> bool:
    """True if it was let go, and ends by itself."""
    try:
        child.wait(60)
    except subprocess.TimeoutExpired:
        return False
    return True


def killed_at(stage: Stage, kind: str, moment: str, *arguments: str) -> None:
    with stopped(stage, kind, moment, *arguments) as (pid, _):
        os.kill(pid, signal.SIGKILL)


def greetings(stage: Stage) -> set[str]:
    """What the site says now, to some that ask."""
    return {stage.get().split()[0] for _ in range(6)}


def servers(stage: Stage) -> int:
    return sum("server.py" in p.cmdline() for p in stage.processes())


def serves(stage: Stage, *greeting: str) -> None:
    """One consistent release serves, nothing runs twice, nothing is left over."""
    said = greetings(stage)
    assert len(said) == 1
    assert said <= set(greeting)
    status = stage.status()
    assert (status["healthy"], status["run"], status["problems"]) == (True, None, [])
    assert [route["weight"] for route in status["routes"]] == [100]
    until(lambda: servers(stage) == 1, 10, "one server alone")
    caches = [p for p in stage.processes() if any("redis-server" in w for w in p.cmdline())]
    assert len(caches) == 1


def true_history(stage: Stage) -> None:
    """Every run is closed."""
    history = stage.run("history", "--output", "json").expect().document("history")
    assert all(run["outcome"] for run in history["runs"])


def go_on(stage: Stage, then: str) -> None:
    stage.run("resume", "--yes", *(["--revert"] if then == "revert" else [])).expect()


@pytest.mark.parametrize("kind", ["volume", "backing", "proxy"])
def test_an_install_is_killed(kind: str, stage: Stage, survived: Survived) -> None:
    for moment, then in MOMENTS:
        killed_at(stage, kind, moment, "install")
        # Whether steps beside it got to the record of the release is not for this drill to say.
        then = "revert" if _unrecorded(stage) else then
        go_on(stage, then)
        if then == "revert":
            stage.run("status").expect().says("Nothing is installed")
            # A killed build's installer ends by itself, once it has fetched what it was at.
            until(lambda: stage.processes() == [], 30, "the last process to end")
        else:
            serves(stage, "Hello")
            stage.run("cleanup", "--volumes", "--yes").expect()
    survived(f"local: install killed at {kind}", len(MOMENTS))


KINDS = ["build", "record", "job", "start", "ready", "smoke", "route", "verify", "activate",
         "drain", "remove", "judge"]  # fmt: skip
BEFORE_TRAFFIC = {"build", "record", "job", "start", "ready", "smoke"}
LIVE = {"drain", "remove"}


@pytest.mark.parametrize("kind", KINDS)
def test_an_upgrade_is_killed(kind: str, stage: Stage, survived: Survived) -> None:
    stage.run("install", "--yes").expect()
    if kind == "judge":
        stage.write("deploy.yaml", DEPLOY.replace("STRATEGY", "canary"))
    old = "Hello"
    for number, (moment, then) in enumerate(MOMENTS):
        if kind == "remove":
            old = say(stage, f"Filler{number}")
            stage.run("upgrade", "--yes").expect()
        new = say(stage, f"Hello{number}")
        killed_at(stage, kind, moment, "upgrade")
        dead = greetings(stage)
        assert dead <= {old, new}
        if kind in BEFORE_TRAFFIC:
            assert dead == {old}
        if kind in LIVE:
            assert dead == {new}
        if kind in ("build", "record") and then == "resume":
            then = "revert" if _unrecorded(stage) else then
        go_on(stage, then)
        serves(stage, old, new)
        said = greetings(stage)
        if then == "resume":
            assert said == {new}
        elif kind not in LIVE and kind != "activate":
            assert said == {old}
        old = said.pop()
    true_history(stage)
    survived(f"local: upgrade killed at {kind}", len(MOMENTS))


def _unrecorded(stage: Stage) -> bool:
    """True if the run was cut off before its release was written: it can only be put back."""
    done = stage.run("resume", "--yes", "--dry-run")
    return done.code == 2 and "was cut off before release" in done.err


def test_a_cleanup_is_killed(stage: Stage, survived: Survived) -> None:
    for moment, then in MOMENTS:
        stage.run("install", "--yes").expect()
        killed_at(stage, "teardown", moment, "cleanup")
        go_on(stage, then)
        assert stage.processes() == []
        stage.run("status").expect().says("Nothing is installed")
    survived("local: cleanup killed at teardown", len(MOMENTS))


VICTIMS = {"proxy": "traefik", "supervisor": "supervisord"}


@pytest.mark.parametrize("kind", ["start", "route", "verify"])
@pytest.mark.parametrize("victim", VICTIMS)
def test_the_proxy_or_the_supervisor_dies_in_the_middle(
    victim: str, kind: str, stage: Stage, survived: Survived
) -> None:
    """The run goes on without it: it ends well or puts back, and the next one finds all right."""
    stage.run("install", "--yes").expect()
    say(stage, "Hallo")
    with stopped(stage, kind, "before", "upgrade") as (_, go):
        for process in _victims(stage, VICTIMS[victim]):
            process.kill()
        os.write(go, b".")
    stage.run("resume", "--yes", "--revert")
    stage.run("start", "--yes").expect()
    serves(stage, "Hello", "Hallo")
    stage.run("upgrade", "--yes").expect()
    serves(stage, "Hallo")
    true_history(stage)
    survived(f"local: the {victim} dies before {kind}", 1)


def _victims(stage: Stage, name: str) -> list[psutil.Process]:
    found = [p for p in stage.processes() if any(w.endswith(name) for w in p.cmdline()[:4])]
    assert found, [p.cmdline() for p in stage.processes()]
    return found
