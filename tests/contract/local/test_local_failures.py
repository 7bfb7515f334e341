"""What goes wrong is said with its reason, and can be taken back."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import anyio
import pytest
from world import CASES, World, environment, web

from slipway.app.model import App, Build, Origin, Route, Service
from slipway.errors import CrashedError, JobError, NotReadyError, PortTakenError
from slipway.platforms.local.supervision.daemon import end_orphans, wait_gone
from slipway.support.health.model import Probe, Probes
from slipway.support.machine import identity
from slipway.support.telemetry.events import ProbeAnswered

pytestmark = pytest.mark.local


def scripted(name: str, command: str, **changes: Any) -> Service:
    """A service that runs a shell command in the twins' image."""
    values: dict[str, Any] = {
        "name": name,
        "role": "worker",
        "build": Build(context=str(CASES / "twins" / "v1")),
        "command": ("sh", "-c", command),
    }
    return Service(**{**values, **changes})


def test_a_service_that_dies_at_once_says_its_last_words(world: World) -> None:
    async def scenario() -> None:
        service = scripted("worker", "echo no such table >&2; exit 3", restart="no")
        release = world.release(1, {"worker": service}, ())
        await world.apply(release, "build", "worker")
        await world.apply(release, "start", "worker")
        with pytest.raises(CrashedError) as caught:
            await world.apply(release, "ready", "worker")
        assert "exit code 3" in caught.value.message or "ended" in caught.value.message
        assert "no such table" in caught.value.details
        seen = (await world.platform.observe()).of("worker", release.services["worker"].key)
        assert [i.state for i in seen] == ["crashed"]

    anyio.run(scenario)


def test_a_service_that_keeps_dying_is_given_up(world: World) -> None:
    async def scenario() -> None:
        service = scripted("worker", "echo once more; exit 1")
        release = world.release(1, {"worker": service}, ())
        await world.apply(release, "build", "worker")
        await world.apply(release, "start", "worker")
        with pytest.raises(CrashedError) as caught:
            await world.apply(release, "ready", "worker")
        assert "keeps ending" in caught.value.message
        assert caught.value.details[0] == "once more"
        assert caught.value.details[1].startswith("(the same, ")
        (seen,) = (await world.platform.observe()).instances
        assert seen.restarts >= 2

    anyio.run(scenario)


def test_a_service_that_never_gets_ready_shows_the_last_answer(world: World) -> None:
    async def scenario() -> None:
        probe = Probe(kind="http", port=8000, path="/nowhere", status=(204,))
        service = web("v1", environment={"DATABASE_HOST": "x"}, probes=Probes(readiness=probe))
        release = world.release(1, {"web": service})
        await world.apply(release, "build", "web")
        started = await world.apply(release, "start", "web")
        with pytest.raises(NotReadyError) as caught:
            await world.apply(release, "ready", "web", {"deadline": 1.0})
        assert "200 OK" in caught.value.message
        assert "listening" in caught.value.details
        assert any(isinstance(e, ProbeAnswered) and not e.ok for e in world.events)
        await world.undo(release, "start", "web", {}, started)
        assert world.processes() == []

    anyio.run(scenario)


def test_a_job_runs_once_to_its_end(world: World) -> None:
    async def scenario() -> None:
        job = scripted("migrate", "echo one >> /app/../done; echo migrated", role="job")
        release = world.release(1, {"migrate": job}, ())
        await world.apply(release, "build", "migrate")
        outcome = await world.apply(release, "job", "migrate")
        assert outcome["exit_code"] == 0
        assert (await world.platform.observe()).instances == ()
        lines = [line.text async for line in world.platform.logs((), lines=5, follow=False)]
        assert lines == ["migrated"]

    anyio.run(scenario)


def test_a_job_that_fails_says_how(world: World) -> None:
    async def scenario() -> None:
        job = scripted("migrate", "echo column exists; exit 9", role="job")
        release = world.release(1, {"migrate": job}, ())
        await world.apply(release, "build", "migrate")
        with pytest.raises(JobError) as caught:
            await world.apply(release, "job", "migrate")
        assert "exit code 9" in caught.value.message
        assert caught.value.details == ("column exists",)
        slow = world.release(2, {"migrate": scripted("migrate", "sleep 60", role="job")}, ())
        await world.apply(slow, "build", "migrate")
        with pytest.raises(JobError, match="not done after"):
            await world.apply(slow, "job", "migrate", {"deadline": 0.5})
        await world.apply(None, "teardown")
        assert world.processes() == []

    anyio.run(scenario)


@pytest.mark.parametrize("lost", [False, True], ids=["stopped", "after its supervisor was lost"])
def test_a_worker_may_let_its_children_finish(world: World, lost: bool) -> None:
    """Only the first process is told to stop, as in a container: the children are its own."""

    done = world.base / "done"
    finishes = (
        f"sh -c 'touch {world.base}/begun; sleep 1; echo task >> {done}' & task=$!;"
        f" trap 'wait $task; echo stopped >> {done}; exit' TERM; wait $task; sleep 600"
    )

    async def scenario() -> None:
        release = world.release(1, {"worker": scripted("worker", finishes)}, ())
        await world.apply(release, "build", "worker")
        await world.apply(release, "start", "worker")
        with anyio.fail_after(10):
            while not (world.base / "begun").exists():
                await anyio.sleep(0.02)
        if lost:
            supervisor = world.supervisor()
            os.kill(supervisor.pid, signal.SIGKILL)
            wait_gone([supervisor.pid], 5)
        await world.apply(release, "stop", "worker")
        assert done.read_text().split() == ["task", "stopped"]

    anyio.run(scenario)


def test_children_that_were_not_told_end_with_their_service(world: World) -> None:
    async def scenario() -> None:
        service = scripted("worker", "sleep 600 & sleep 600; true")
        release = world.release(1, {"worker": service}, ())
        await world.apply(release, "build", "worker")
        await world.apply(release, "start", "worker")
        await world.apply(release, "ready", "worker")
        await world.apply(release, "stop", "worker")
        assert world.processes() == []

    anyio.run(scenario)


@pytest.mark.parametrize("clock", [0, 3600], ids=["", "and the clock was set"])
def test_programs_that_lost_their_supervisor_are_ended_by_teardown(
    world: World, clock: int
) -> None:
    """A set clock: files written before are as much older than their processes."""

    async def scenario() -> None:
        release = world.release(1, {"worker": scripted("worker", "exec sleep 600")}, ())
        await world.apply(release, "build", "worker")
        await world.apply(release, "start", "worker")
        await world.apply(release, "ready", "worker")
        supervisor = world.supervisor()
        os.kill(supervisor.pid, signal.SIGKILL)
        wait_gone([supervisor.pid], 5)
        assert len(world.processes()) == 1
        for path in world.home.rglob("pid"):
            before = path.stat().st_mtime - clock
            os.utime(path, (before, before))
        (seen,) = (await world.platform.observe()).instances
        assert (seen.state, "runs on without" in seen.detail) == ("crashed", True)
        await world.apply(None, "teardown")
        assert world.processes() == []

    anyio.run(scenario)


def listening_app(port: int) -> App:
    return App(
        name="twins",
        directory=str(CASES),
        environment=environment(),
        services={"web": web("v1", origin=Origin(file="compose.yaml", line=4))},
        routes=(Route(service="web", port=8000, listen=port),),
    )


def test_one_that_does_not_end_holds_nobody_up(tmp_path: Path) -> None:
    """Each orphan has its own time: the patient one here waits for the stubborn one's end."""
    ready = "touch $1.ready; while :; do sleep 0.02; done"
    stubborn = f"trap '' TERM; {ready}"
    patient = f"trap 'while kill -0 $2; do sleep 0.02; done; touch $1.done; exit' TERM; {ready}"

    def start(name: str, script: str, *words: str) -> subprocess.Popen[bytes]:
        path = tmp_path / name
        process = subprocess.Popen(
            ["sh", "-c", script, "sh", path, *words],
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )
        path.write_text(f"{process.pid}\n{identity(process.pid)}\n")
        while not path.with_suffix(".ready").exists():
            assert process.poll() is None
        return process

    with start("stubborn", stubborn) as first:
        reaper = threading.Thread(target=first.wait)
        reaper.start()
        with start("patient", patient, str(first.pid)) as second:
            graces = [("patient", 5.0), ("stubborn", 0.1)]
            end_orphans((tmp_path / name, signal.SIGTERM, grace) for name, grace in graces)
        reaper.join()
    assert (first.returncode, second.returncode) == (-signal.SIGKILL, 0)
    assert (tmp_path / "patient.done").exists()


def test_a_taken_port_names_the_program_and_the_way_out(world: World) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        app = listening_app(other.getsockname()[1])
        observed = anyio.run(world.platform.observe)
        with pytest.raises(PortTakenError) as caught:
            world.platform.precheck(app, observed)
    assert f"pid {os.getpid()}" in caught.value.message
    assert "environments.test.ports" in (caught.value.hint or "")
    assert str(caught.value.location) == "compose.yaml:4"


def test_our_own_proxy_without_its_supervisor_takes_no_port_from_us(world: World) -> None:
    async def scenario() -> None:
        release = world.release(1, {"worker": scripted("worker", "exec sleep 600")})
        await world.apply(release, "build", "worker")
        await world.apply(release, "start", "worker")
        await world.apply(release, "ready", "worker")
        await world.apply(release, "proxy")
        (port,) = (await world.platform.observe()).listens
        supervisor = world.supervisor()
        os.kill(supervisor.pid, signal.SIGKILL)
        wait_gone([supervisor.pid], 5)
        seen = await world.platform.observe()
        assert (seen.proxy, seen.listens) == (False, ())
        world.platform.precheck(listening_app(port), seen)
        await world.apply(release, "proxy")
        assert (await world.platform.observe()).listens == (port,)
        assert [i.restarts for i in (await world.platform.observe()).instances] == [0]

    anyio.run(scenario)


def test_execute_runs_beside_the_service(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    async def scenario() -> Any:
        release = world.release(1, {"worker": scripted("worker", "exec sleep 600")}, ())
        await world.apply(release, "build", "worker")
        await world.apply(release, "start", "worker")
        return release

    release = anyio.run(scenario)
    command = ("sh", "-c", "echo $DEPLOY_RELEASE; test -f server.py")
    assert world.platform.execute(release, "worker", command) == 0
    assert capfd.readouterr().out == "1\n"
    assert world.platform.execute(release, "worker", ("sh", "-c", "exit 4")) == 4
