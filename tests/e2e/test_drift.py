"""Hands that reach into what runs: `status` says what drifted, `reconcile` brings it back."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path

import psutil
import pytest
from stage import Stage, until

pytestmark = pytest.mark.local
V1 = "Hello from version v1\n"


def drift(stage: Stage) -> dict[str, str]:
    """What status says, by subject."""
    return {each["subject"]: each["what"] for each in stage.status()["drift"]}


def local(stage: Stage) -> Path:
    """The platform's own folder of the environment."""
    (found,) = stage.home.glob("apps/*/development/local")
    return found


def instance_file(stage: Stage) -> Path:
    (found,) = local(stage).glob("instances/hello-*/instance.json")
    return found


def edit_variable(stage: Stage, name: str, value: str) -> None:
    """Change what the service is started with next time, as a hurried person does."""
    path = instance_file(stage)
    launch = json.loads(path.read_text())
    launch["environment"][name] = value
    path.write_text(json.dumps(launch))


def repaired(stage: Stage) -> None:
    """Reconcile finds something, mends it, and finds nothing more."""
    stage.run("reconcile", "--dry-run", "--exit-code").expect(6)
    stage.run("reconcile").expect().says("live and verified")
    assert drift(stage) == {}
    assert stage.get() == V1
    stage.run("reconcile", "--dry-run", "--exit-code").expect().says("Nothing to do")


@pytest.fixture
def calm(live: Stage) -> Stage:
    """v1, serving, without any drift."""
    until(lambda: "starting" not in str(live.status()["services"]), what="it to settle")
    assert drift(live) == {}
    return live


def test_without_drift_nothing_is_touched(calm: Stage) -> None:
    before = calm.pids()
    runs = len(calm.run("history", "-o", "json").expect().document("history")["runs"])
    calm.run("reconcile").expect().says("unchanged")
    assert calm.pids() == before
    assert len(calm.run("history", "-o", "json").document("history")["runs"]) == runs


def test_a_killed_process_that_comes_back_is_no_drift(calm: Stage) -> None:
    before = calm.pids()["hello"]
    psutil.Process(before).kill()
    until(lambda: calm.pids().get("hello") not in (None, before), what="it to come back")
    until(lambda: "starting" not in str(calm.status()["services"]), what="it to settle")
    assert drift(calm) == {}


def test_a_stopped_supervisor_takes_everything_with_it(calm: Stage) -> None:
    pid = int((local(calm) / "supervisor/supervisord.pid").read_text())
    psutil.Process(pid).send_signal(signal.SIGTERM)
    until(lambda: not psutil.pid_exists(pid) or _is_zombie(pid), what="the supervisor to end")
    found = drift(calm)
    assert found.keys() == {"hello", "proxy"}
    assert found["proxy"] == "does not run"
    assert calm.run("status", "check").code == 3
    repaired(calm)


def _is_zombie(pid: int) -> bool:
    return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_edited_routes_of_the_proxy(calm: Stage) -> None:
    path = local(calm) / "proxy/dyn/routes.yaml"
    routes = json.loads(path.read_text())
    for service in routes["http"]["services"].values():
        for server in service.get("loadBalancer", {}).get("servers", ()):
            server["url"] = "http://127.0.0.1:9"
    path.write_text(json.dumps(routes))
    until(lambda: not _answers(calm), what="the proxy to take the edited file")
    assert "dyn/routes.yaml" in str(calm.status()["drift"])
    repaired(calm)


def test_a_further_file_and_a_broken_one_are_taken_away(calm: Stage) -> None:
    folder = local(calm) / "proxy/dyn"
    extra = {"http": {"routers": {"mine": {"rule": "Path(`/x`)", "service": "hello"}}}}
    (folder / "extra.yaml").write_text(json.dumps(extra))
    until(lambda: "proxy" in drift(calm), what="the proxy to take the further file")
    assert "still has mine" in drift(calm)["proxy"]
    repaired(calm)
    (folder / "routes.yaml").write_text("{nonsense")
    assert "dyn/routes.yaml was changed" in str(calm.status()["drift"])
    repaired(calm)
    assert [path.name for path in folder.iterdir()] == ["routes.yaml"]


def test_an_edited_proxy_is_restarted(calm: Stage) -> None:
    path = local(calm) / "proxy/traefik.yaml"
    path.write_text(path.read_text().replace("WARN", "DEBUG"))
    assert drift(calm) == {"proxy": "its file traefik.yaml was changed"}
    repaired(calm)
    assert "DEBUG" not in path.read_text()


def test_an_edited_variable_is_named_without_its_value_and_no_request_fails(calm: Stage) -> None:
    edit_variable(calm, "DEPLOY_VERSION", "a-value-of-somebody")
    said = calm.run("status").expect().says("environment DEPLOY_VERSION", "deploy reconcile")
    assert "a-value-of-somebody" not in said.text
    before = calm.pids()["hello"]
    failed: list[str] = []
    served = [0]
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            try:
                failed.extend({calm.get()} - {V1})
                served[0] += 1
            except OSError as error:
                failed.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        repaired(calm)
    finally:
        done.set()
        thread.join()
    assert calm.pids()["hello"] != before
    assert failed == []
    assert served[0] > 20


def test_an_edited_command_that_was_started_is_put_right(calm: Stage) -> None:
    edit_variable(calm, "DEPLOY_VERSION", "v666")
    pid = calm.pids()["hello"]
    psutil.Process(pid).kill()
    until(lambda: _answers(calm) and calm.get() != V1, what="the edited one to serve")
    assert "DEPLOY_VERSION" in drift(calm)["hello"]
    repaired(calm)


def test_a_launch_file_that_is_gone(calm: Stage) -> None:
    instance_file(calm).unlink()
    assert drift(calm)["hello"] == "does not run"
    repaired(calm)


def _answers(stage: Stage) -> bool:
    try:
        return bool(stage.get())
    except OSError:
        return False
