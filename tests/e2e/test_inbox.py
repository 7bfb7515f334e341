"""The main job, on the real example: webhook, model, worker, PostgreSQL, Redis, page."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from stage import ROOT, Stage, kill_all, request, until

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("inbox")]

TEXT = "Please find the invoice of March attached"


@pytest.fixture(scope="module")
def inbox(cache: Path) -> Iterator[Stage]:
    """`examples/inbox`, installed by the short form of the command."""
    with Stage.open("inbox", cache) as stage:
        done = stage.run("--env=development", "--auto-secrets", "--wait", "--verify").expect()
        done.says("inbox r1 (release 1) is live and verified on development", stage.url)
        yield stage


def post(stage: Stage, text: str, source: str = "e2e") -> None:
    status, _ = request("POST", f"{stage.url}/webhook", {"text": text, "source": source})
    assert status == 202


def messages(stage: Stage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage.json("/api/messages?source=e2e")["messages"]
    return found


def arrives(stage: Stage, text: str) -> dict[str, Any]:
    """Waits until the message is listed, and returns it."""
    until(lambda: any(m["text"] == text for m in messages(stage)), what="the message")
    return next(m for m in messages(stage) if m["text"] == text)


def test_webhook_upgrade_rollback_reboot_and_cleanup(cache: Path) -> None:
    with Stage.open("inbox", cache) as stage:
        before = stage.files()
        program = [str(ROOT / "deploy")]
        line = ["install", "-C", str(stage.project), "--env", "development", "--wait", "--verify"]
        stage.run(*line, program=program, cwd=stage.base).expect().says(stage.url, "verified")

        post(stage, TEXT)
        assert arrives(stage, TEXT)["label"] == "invoice"
        assert "<title>Inbox</title>" in stage.get()

        old = stage.pids()
        stage.change("web/app/main.py", 'TITLE = "Inbox"', 'TITLE = "Post Room"')
        done = stage.run("upgrade", "--version=v2").expect()
        done.says("inbox v2 (release 2) is live and verified", "= worker unchanged")
        assert stage.json("/version")["version"] == "v2"
        assert "<title>Post Room</title>" in stage.get()
        new = stage.pids()
        assert new["web"] != old["web"]
        assert {n: p for n, p in new.items() if n != "web"} == {
            n: p for n, p in old.items() if n != "web"
        }

        stage.run("rollback").expect().says("inbox r1 (release 1) is live and verified")
        assert stage.json("/version")["version"] == "r1"
        assert "<title>Inbox</title>" in stage.get()
        assert arrives(stage, TEXT)

        reboot(stage)
        cleanup_and_back(stage)
        changed = {n for n, data in stage.files().items() if before.get(n) != data}
        assert changed == set(), "deploy wrote into the project"


def reboot(stage: Stage) -> None:
    kill_all(stage.processes())
    for folder in stage.temporary.glob("slipway-*"):
        shutil.rmtree(folder)
    assert stage.run("status").expect().says("NOT healthy")
    stage.run("start").expect().says("live and verified")
    assert stage.json("/version")["version"] == "r1"
    assert arrives(stage, TEXT)


def cleanup_and_back(stage: Stage) -> None:
    stage.run("cleanup").expect().says("Clean")
    assert stage.processes() == []
    stage.run("status").expect().says("Nothing is installed on development", "deploy install")

    stage.change("web/app/main.py", "Post Room", "Inbox")
    stage.run("install").expect()
    assert arrives(stage, TEXT)

    stage.run("cleanup", "--volumes", "--yes").expect()
    assert stage.processes() == []
    stage.run("install", "--no-verify").expect()
    assert messages(stage) == []


def test_install_again_says_unchanged(inbox: Stage) -> None:
    before = inbox.pids()
    done = inbox.run("install", "--wait", "--verify").expect()
    done.says("runs already, unchanged and healthy", "Nothing to do")
    document = inbox.run("install", "--output", "json").expect().document("result")
    assert (document["outcome"], document["steps"]) == ("unchanged", [])
    assert inbox.pids() == before


def test_status_has_the_promised_fields(inbox: Stage) -> None:
    status = inbox.status()
    assert (status["environment"], status["platform"]) == ("development", "local")
    assert status["healthy"] is True
    release = status["release"]
    assert (release["number"], release["label"], release["verified"]) == (1, "r1", True)
    assert status["urls"] == {"web": inbox.url}
    states = {s["name"]: (s["role"], s["state"]) for s in status["services"]}
    assert states == {
        "web": ("web", "running"),
        "worker": ("worker", "running"),
        "model": ("worker", "running"),
        "migrate": ("job", "done"),
        "db": ("backing", "running"),
        "cache": ("backing", "running"),
    }
    assert all(len(s["instances"]) == (s["role"] != "job") for s in status["services"])
    assert status["routes"] == [{"release": 1, "weight": 100}]
    inbox.run("status", "check").expect(0)
    inbox.run("status").expect().says("inbox on development (local): healthy", inbox.url)


def test_verify_says_what_each_service_answered(inbox: Stage) -> None:
    inbox.run("verify").expect().says(
        "model loaded", "webhook responding", "release 1 (r1) is healthy"
    )
    document = inbox.run("verify", "--output", "json").expect().document("verification")
    assert document["healthy"]
    names = {c["name"] for c in document["checks"]}
    assert {"web ready", "db ready", "cache ready", "model loaded", "message appears"} <= names


def test_history_logs_open(inbox: Stage) -> None:
    inbox.run("history").expect().says("install to r1 succeeded", "current, verified")
    history = inbox.run("history", "--output", "json").expect().document("history")
    assert [r["label"] for r in history["releases"]] == ["r1"]
    assert history["runs"][-1]["outcome"] == "succeeded"
    assert "web" in inbox.run("logs", "web").expect().out
    lines = inbox.run("logs", "--output", "json", "-n", "3", "worker").expect().out.splitlines()
    assert 0 < len(lines) <= 3
    assert all('"worker"' in line for line in lines)
    inbox.run("logs", "wrb").expect(2).says("no service 'wrb'", "web, worker, model")
    assert inbox.run("open", "--dry-run").expect().out == inbox.url + "\n"


def test_exec_runs_beside_the_service(inbox: Stage) -> None:
    code = "import os; print(os.environ['DEPLOY_VERSION'], os.path.isfile('app/main.py'))"
    assert inbox.run("exec", "web", "--", "python", "-c", code).expect().out == "r1 True\n"
    ask = "from urllib.request import urlopen as u; print(u('http://model:9000/ready').status)"
    assert inbox.run("exec", "web", "--", "python", "-c", ask).expect().out == "200\n"
    inbox.run("exec", "web", "--", "python", "-c", "raise SystemExit(7)").expect(7)


def test_secrets_are_listed_by_name_and_shown_only_by_get(inbox: Stage) -> None:
    listed = inbox.run("secrets", "list").expect().says("POSTGRES_PASSWORD", "SECRET_KEY")
    value = inbox.run("secrets", "get", "SECRET_KEY").expect().out.strip()
    assert len(value) >= 24
    assert value not in listed.text
    document = inbox.run("secrets", "list", "--output", "json").expect().document()
    assert {s["name"] for s in document["secrets"]} == {"POSTGRES_PASSWORD", "SECRET_KEY"}

    assert (
        "sw0rdfish" not in inbox.run("secrets", "set", "EXTRA", stdin="sw0rdfish\n").expect().text
    )
    assert inbox.run("secrets", "get", "EXTRA").expect().out == "sw0rdfish\n"
    inbox.run("secrets", "unset", "EXTRA").expect()
    inbox.run("secrets", "get", "EXTRA").expect(2).says("EXTRA")
    inbox.run("secrets", "set", "EXTRA=sw0rdfish").expect(2).says("would be seen")
    again = inbox.run("secrets", "auto-generate").expect()
    again.says("SECRET_KEY has a value")
    assert inbox.run("secrets", "get", "SECRET_KEY").expect().out.strip() == value


def test_config_commands(inbox: Stage, tmp_path: Path) -> None:
    schema = inbox.run("config", "schema").expect().out
    validator = jsonschema_rs.validator_for(yaml.safe_load(schema))
    validator.validate(yaml.safe_load((inbox.project / "deploy.yaml").read_text()))
    validator.validate(yaml.safe_load(inbox.run("config", "generate").expect().out))
    inbox.run("config", "validate").expect().says("6 services, valid")
    assert inbox.run("config", "validate", "--output", "json").expect().document()["valid"]
    shown = inbox.run("config", "show").expect()
    shown.says("GET /ready on 8000", "(secret POSTGRES_PASSWORD)")
    secret = inbox.run("secrets", "get", "POSTGRES_PASSWORD").expect().out.strip()
    assert secret not in shown.text
    assert secret not in inbox.run("config", "show", "--output", "json").expect().text


def test_platform_commands(inbox: Stage) -> None:
    inbox.run("platform", "detect").expect().says("local")
    assert inbox.run("platform", "detect", "-o", "json").expect().document()["platform"] == "local"
    listed = inbox.run("platform", "list", "-o", "json").expect().document()["platforms"]
    assert {"name": "local", "usable": True}.items() <= listed[0].items()


def test_a_dry_run_shows_the_plan_and_touches_nothing(inbox: Stage) -> None:
    main = inbox.project / "web/app/main.py"
    text = main.read_text()
    before = (inbox.status(), sorted(inbox.home.rglob("*")))
    main.write_text(text.replace('"Inbox"', '"Other"'))
    try:
        done = inbox.run("upgrade", "--dry-run", "--exit-code").expect(6)
        done.says("~ web", "= worker unchanged", "start web")
        plan = inbox.run("plan", "--output", "json").expect().document("result")
        assert plan["outcome"] == "planned"
        assert [c["subject"] for c in plan["changes"] if c["action"] == "change"] == [
            "web",
            "traffic",
        ]
    finally:
        main.write_text(text)
    assert (inbox.status(), sorted(inbox.home.rglob("*"))) == before


def test_a_killed_service_comes_back_by_itself(inbox: Stage) -> None:
    import psutil

    old = inbox.pids()["web"]
    psutil.Process(old).kill()
    until(lambda: inbox.pids().get("web") not in (None, old), what="a new web process")
    until(lambda: answers(lambda: inbox.json("/ready")["ready"]), what="web to answer")


def answers(ask: Callable[[], object]) -> bool:
    try:
        return bool(ask())
    except OSError:
        return False


def test_a_tag_is_deployed_clean_from_git_though_the_tree_is_dirty(cache: Path) -> None:
    with Stage.open("hello", cache) as stage:
        stage.run("install", "--version=first").expect()
        git(stage, "init", "-q")
        git(stage, "add", ".")
        git(stage, "commit", "-q", "-m", "The app")
        git(stage, "tag", "v2.0")
        stage.change("server.py", "Hello from version", "Half-written change in")
        document = stage.run("upgrade", "--version=v2.0", "-o", "json").expect().document("result")
        assert document["release"]["label"] == "v2.0"
        assert stage.get() == "Hello from version v2.0\n"
        assert stage.status()["release"]["commit"] == git(stage, "rev-parse", "v2.0")
        stage.run("upgrade").expect()
        assert stage.get().startswith("Half-written change in")


def git(stage: Stage, *words: str) -> str:
    if shutil.which("git") is None:
        pytest.skip("no git on PATH")
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    command = ["git", "-C", str(stage.project), *who, *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()
