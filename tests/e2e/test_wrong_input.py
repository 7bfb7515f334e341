"""What people get wrong: one clear message, the right exit code, and nothing is changed.

Each case runs on top of a version that serves; it must go on serving, by the same process. The
cases that are refused before anything begins must also write nothing below DEPLOY_HOME.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from stage import ROOT, Stage, until

pytestmark = pytest.mark.local

V1 = "Hello from version v1\n"


@pytest.fixture(scope="module")
def served(cache: Path) -> Iterator[Stage]:
    """One environment that serves v1, for all cases: none of them may change it."""
    with Stage.open("hello", cache) as stage:
        stage.run("install", "--version=v1").expect()
        until(lambda: "starting" not in str(stage.status()["services"]), what="it to settle")
        yield stage


@pytest.fixture
def untouched(served: Stage) -> Iterator[Stage]:
    """The project as it was before and after the case; what ran still runs and serves."""
    files = served.files()
    before = seen(served)
    yield served
    for name in served.files().keys() - files.keys():
        (served.project / name).unlink()
    for name, data in files.items():
        (served.project / name).write_bytes(data)
    assert seen(served) == before
    assert served.get() == V1


def seen(stage: Stage) -> dict[str, Any]:
    """All of the status that must not change, and every process."""
    status = stage.status()
    assert (status["healthy"], status["problems"], status["run"]) == (True, [], None)
    status["processes"] = sorted(p.pid for p in stage.processes())
    return dict(status)


def written(stage: Stage) -> dict[str, bytes]:
    """Every file below DEPLOY_HOME, but logs and what running programs write."""
    return {
        str(path): path.read_bytes()
        for path in stage.home.rglob("*")
        if path.is_file() and "store" in path.parts and path.name != ".lock"
    }


COMPOSE = 'services:\n  hello:\n    build: .\n    ports:\n      - "8080:8080"\n'


@dataclass(frozen=True)
class Case:
    """`files` are written, `command` is run, `says` must be said (`PORT` stands for ours)."""

    id: str
    says: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ("upgrade",)
    code: int = 2
    error: str = "config"


REFUSED = [
    Case(
        "broken yaml",
        ("compose.yaml:4: not valid YAML", "indentation"),
        {"compose.yaml": "services:\n  hello:\n    build: .\n   ports: []\n"},
    ),
    Case(
        "unknown key in compose.yaml",
        ("compose.yaml:6: unknown key `restrat`", "did you mean `restart`?"),
        {"compose.yaml": COMPOSE + "    restrat: always\n"},
    ),
    Case(
        "unknown key in deploy.yaml",
        ('deploy.yaml:1: unknown key "servces"; did you mean "services"?',),
        {"deploy.yaml": "servces:\n  hello: {role: web}\n"},
    ),
    Case(
        "unknown service in deploy.yaml",
        ("deploy.yaml:2:", 'no service "helo"', 'did you mean "hello"?'),
        {"deploy.yaml": "services:\n  helo: {role: web}\n"},
    ),
    Case(
        "missing variable",
        ("compose.yaml:4: the variable SHOP is required and not set: the shop's name", ".env"),
        {
            "compose.yaml": COMPOSE.replace(
                "    ports", "    labels: {a: '${SHOP:?the shop''s name}'}\n    ports"
            )
        },
    ),
    Case(
        "dependency cycle",
        ("compose.yaml:6: services depend on each other in a circle: hello -> b -> hello",),
        {
            "compose.yaml": f"{COMPOSE}    depends_on: [b]\n"
            "  b:\n    build: .\n    depends_on: [hello]\n"
        },
    ),
    Case(
        "unknown dependency",
        ("compose.yaml:6:", "depends on the service `nobody`, which is not defined"),
        {"compose.yaml": f"{COMPOSE}    depends_on: [nobody]\n"},
    ),
    Case(
        "an image that local cannot run",
        ("compose.yaml:6:", "strange/thing:9", "x-deploy: {local:", "--platform"),
        {"compose.yaml": f"{COMPOSE}  thing:\n    image: strange/thing:9\n"},
        error="refused",
    ),
    Case(
        "a file that the Dockerfile copies is not there",
        ("Dockerfile:5: COPY nothing.py: the build context has no such file",),
        {"Dockerfile": "FROM python:3.12\n\n\n\nCOPY nothing.py .\nCMD python nothing.py\n"},
    ),
    Case(
        "unknown environment",
        ('there is no environment "stagin"; did you mean "staging"?',),
        {"deploy.yaml": "environments:\n  staging: {}\n"},
        ("upgrade", "--env=stagin"),
        error="not-found",
    ),
    Case(
        "unknown platform",
        ("there is no platform 'lokal'", "did you mean local?"),
        command=("upgrade", "--platform=lokal"),
        error="not-found",
    ),
    Case(
        "unknown release",
        ("release v9 does not exist", "1 v1"),
        command=("rollback", "--to-version=v9"),
        error="not-found",
    ),
    Case(
        "diff with a release that does not exist",
        ("release v9 does not exist", "1 v1", "by its number or label"),
        command=("diff", "v1", "v9"),
        error="not-found",
    ),
    Case(
        "diff of three releases",
        ("at most two releases, not 3", "deploy history"),
        command=("diff", "1", "1", "1"),
        error="usage",
    ),
    Case(
        "nothing to go back to",
        ("no verified release before 1 (v1)", "deploy history"),
        command=("rollback",),
        error="refused",
    ),
    Case(
        "a label that is used",
        ("v1 already names release 1", "choose another label"),
        {"Dockerfile": "FROM python:3.12\nCOPY server.py .\nCMD python server.py\n"},
        ("upgrade", "--version=v1"),
        error="usage",
    ),
    Case(
        "a duration that is none",
        ("'soon' is not a duration such as 90s or 5m",),
        command=("upgrade", "--timeout=soon"),
        error="usage",
    ),
    Case(
        "a flag that does not exist",
        ("No such option '--vresion'. Did you mean '--version'?",),
        command=("upgrade", "--vresion=2"),
        error="usage",
    ),
    Case(
        "a command that does not exist",
        ("No such command 'upgrad'. Did you mean 'upgrade'?",),
        command=("upgrad",),
        error="usage",
    ),
    Case(
        "a question, and nobody to answer",
        ("cleanup on development needs an answer", "add --yes"),
        command=("cleanup", "--volumes"),
        error="usage",
    ),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.id)
def test_refused_before_anything_is_changed(untouched: Stage, case: Case) -> None:
    for name, text in case.files.items():
        untouched.write(name, text)
    before = written(untouched)
    done = untouched.run(*case.command).expect(case.code).says(*case.says)
    assert done.err.count("error:") == 1, done.err
    assert done.out == ""
    body = untouched.run(*case.command, "-o", "json").expect(case.code).document("error")["error"]
    assert (body["code"], body["exit_code"]) == (case.error, case.code)
    assert written(untouched) == before


SERVER = (ROOT / "examples/hello/server.py").read_text()
DOCKER = (ROOT / "examples/hello/Dockerfile").read_text()
JOB = """\
  migrate:
    build: .
    restart: "no"
    command: python -c "print('no such table'); raise SystemExit(4)"
"""

FAILED = [
    Case(
        "a build that fails",
        ("Dockerfile:14: hello: the build command failed (exit 3)",),
        {"Dockerfile": DOCKER + 'RUN python -c "raise SystemExit(3)"\n'},
        error="build",
    ),
    Case(
        "requirements that do not exist",
        ("the Python dependencies cannot be resolved", "no-such-thing-at-all"),
        {"Dockerfile": DOCKER.replace("COPY", "RUN pip install no-such-thing-at-all==9.9\nCOPY")},
        error="build",
    ),
    Case(
        "a service that never gets ready",
        ("hello was not ready within 1 s", "/health: 503", "GET /health"),
        {
            "server.py": SERVER.replace('answer(200, "application', 'answer(503, "application'),
            "deploy.yaml": "services: {hello: {readiness: /health, deadline: 1s}}\n",
        },
        error="not-ready",
    ),
    Case(
        "a timeout that is too short",
        ("not done within 1 s, at: wait for hello", "--timeout"),
        {"server.py": "import time; time.sleep(60)\n"},
        ("upgrade", "--timeout=1s"),
        error="not-ready",
    ),
    Case(
        "a service that dies at once",
        ("hello died before it was ready", "no licence file"),
        {"server.py": 'raise SystemExit("no licence file")\n'},
        error="crashed",
    ),
    Case(
        "a job that fails",
        ("the job migrate ended with exit code 4", "no such table"),
        {
            "compose.yaml": COMPOSE
            + "    depends_on: {migrate: {condition: service_completed_successfully}}\n"
            + JOB
        },
        error="job",
    ),
    Case(
        "a smoke test that fails",
        ("shop: expected 2xx, got 404 Not Found",),
        {
            "deploy.yaml": "smoke_tests: [{name: shop, path: /shop, within: 1s}]\n",
            "server.py": SERVER + "# 2\n",
        },
        error="not-ready",
    ),
]


@pytest.mark.parametrize("case", FAILED, ids=lambda case: case.id)
def test_failed_and_put_back(untouched: Stage, case: Case) -> None:
    for name, text in case.files.items():
        untouched.write(name, text.replace('"8080:8080"', f'"{untouched.port}:8080"'))
    done = untouched.run(*case.command).expect(1)
    done.says(*case.says, "put back: release 1 serves as before")
    assert done.err.count("error: ") >= 1
    assert "next: " in done.err


@pytest.mark.parametrize("case", FAILED[:3], ids=lambda case: case.id)
def test_the_first_install_fails_and_leaves_nothing(hello: Stage, case: Case) -> None:
    for name, text in case.files.items():
        hello.write(name, text)
    hello.run("install").expect(1).says(*case.says, "put back: nothing of it is left running")
    assert hello.processes() == []
    hello.run("status").expect().says("Nothing is installed")
    if case.error == "not-ready":
        hello.run("logs").expect().says("GET /health")


def test_a_failure_in_json_is_one_document(hello: Stage) -> None:
    hello.write("Dockerfile", DOCKER + 'RUN python -c "raise SystemExit(3)"\n')
    done = hello.run("install", "--output", "json").expect(1)
    body = done.document("error")["error"]
    assert (body["code"], body["file"], body["line"]) == ("build", "Dockerfile", 14)
    assert done.err == ""


def test_not_in_a_project(hello: Stage) -> None:
    done = hello.run("install", cwd=hello.temporary).expect(2)
    done.says("no compose.yaml in", "--project DIR")
    hello.run("install", "-C", "nonsense").expect(2).says("nonsense is not a folder")


NOTHING = ["rollback", "verify", "start", "logs", "open"]


@pytest.mark.parametrize("command", NOTHING)
def test_nothing_is_installed(hello: Stage, command: str) -> None:
    hello.run(command).expect(2).says("nothing is installed", "`deploy install` installs it")
