"""An app in a folder of its own, and `deploy` run on it as people run it: as a program.

Every process that `deploy` starts for it has the folder in its environment, so leaving a stage
can look whether `deploy cleanup` left anything behind. The folders can be passed through by
other users, since PostgreSQL refuses to run as root.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import psutil

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "docs" / "reference" / "json"
DEPLOY = (sys.executable, "-m", "slipway")


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    command: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """All it said; and never a traceback."""
        return self.out + self.err

    def expect(self, code: int = 0) -> Done:
        """Itself, if it ended as expected."""
        words = " ".join(self.command)
        assert self.code == code, f"deploy {words}: exit {self.code}\n{self.out}\n{self.err}"
        assert "Traceback" not in self.text, self.text
        assert "unexpected error" not in self.text, self.text
        return self

    def says(self, *words: str) -> Done:
        """Itself, if each of `words` is in what it said, however its lines are broken."""
        text = " ".join(self.text.split())
        for word in words:
            assert word in text, f"{word!r} is not in:\n{self.text}"
        return self

    def document(self, schema: str | None = None) -> Any:
        """Its standard output as JSON, valid for `docs/reference/json/SCHEMA.schema.json`."""
        data = json.loads(self.out)
        assert data["version"] == 1
        if schema is not None:
            text = (SCHEMAS / f"{schema}.schema.json").read_text()
            jsonschema_rs.validator_for(json.loads(text)).validate(data)
        return data


class Running:
    """A command that goes on; its output goes to files, so that it never blocks."""

    def __init__(self, command: tuple[str, ...], process: subprocess.Popen[str], log: Path) -> None:
        self.command = command
        self.process = process
        self._log = log

    @property
    def err(self) -> str:
        """What it wrote to standard error so far."""
        return Path(f"{self._log}.err").read_text()

    @property
    def out(self) -> str:
        """What it wrote to standard output so far."""
        return Path(f"{self._log}.out").read_text()

    def wait_for(self, text: str, seconds: float = 60.0) -> None:
        """Until it said `text`, on either."""

        def said() -> bool:
            assert self.process.poll() is None or text in self.err + self.out, (
                f"it ended before it said {text!r}:\n{self.out}\n{self.err}"
            )
            return text in self.err + self.out

        until(said, seconds, f"it to say {text!r}; it said:\n{self.err}")

    def signal(self, number: int) -> None:
        """Send a signal to it, and to nothing that it started."""
        self.process.send_signal(number)

    def end(self, seconds: float = 60.0) -> Done:
        """Wait for its end."""
        code = self.process.wait(seconds)
        return Done(self.command, code, self.out, self.err)


class Stage:
    """One project, one state home, one key, own ports; `environ` is what commands run with."""

    def __init__(self, base: Path, cache: Path, name: str) -> None:
        self.base = base
        self.project = base / "work" / name
        self.home = base / "home"
        self.key = base / "keys" / "test.key"
        self.temporary = base / "tmp"
        self.temporary.mkdir()
        self.temporary.chmod(0o1777)
        self.port = free_port()
        self.environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("DEPLOY_")},
            "DEPLOY_HOME": str(self.home),
            "DEPLOY_CACHE": str(cache),
            "DEPLOY_KEY_FILE": str(self.key),
            "TMPDIR": str(self.temporary),
        }
        self._started: list[Running] = []
        self.environments = ["development"]

    @classmethod
    @contextlib.contextmanager
    def open(cls, example: str, cache: Path) -> Iterator[Stage]:
        """A copy of `examples/NAME` that publishes a free port, cleaned up at the end."""
        base = Path(tempfile.mkdtemp(prefix="slipway-e2e-"))
        base.chmod(0o755)
        stage = cls(base, cache, example)
        try:
            ignored = shutil.ignore_patterns("__pycache__", ".env", ".venv")
            shutil.copytree(ROOT / "examples" / example, stage.project, ignore=ignored)
            if example == "inbox":
                stage.change("compose.yaml", "MODEL_LOAD_SECONDS: 2.5", "MODEL_LOAD_SECONDS: 0.3")
            compose = (stage.project / "compose.yaml").read_text()
            stage.write("compose.yaml", re.sub(r'"\d+:(\d+)"', rf'"{stage.port}:\1"', compose))
            yield stage
        finally:
            stage.close()

    def change(self, path: str, old: str, new: str) -> None:
        """Replace text in a file of the project; it must be there."""
        text = (self.project / path).read_text()
        assert old in text, f"{old!r} is not in {path}"
        self.write(path, text.replace(old, new))

    def write(self, path: str, text: str) -> None:
        """Write a file of the project."""
        (self.project / path).write_text(text)

    def run(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        program: Sequence[str] = DEPLOY,
        cwd: Path | None = None,
        seconds: float = 120.0,
    ) -> Done:
        """Run `deploy` to its end, in the project, without a terminal."""
        done = subprocess.run(
            [*program, *arguments],
            cwd=cwd or self.project,
            env={**self.environ, **(env or {})},
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Done(arguments, done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> Running:
        """Run `deploy` and do not wait for it."""
        log = self.base / f"command-{len(self._started)}"
        with open(f"{log}.out", "w") as out, open(f"{log}.err", "w") as err:  # noqa: PTH123
            process = subprocess.Popen(
                [*DEPLOY, *arguments],
                cwd=self.project,
                env={**self.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                text=True,
            )
        running = Running(arguments, process, log)
        self._started.append(running)
        return running

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str = "/") -> str:
        """The body of a GET through the proxy; raises unless it is 200."""
        return request("GET", self.url + path)[1]

    def json(self, path: str) -> Any:
        """The same, as JSON."""
        return json.loads(self.get(path))

    def status(self) -> Any:
        """`deploy status --output json`, checked against its schema."""
        return self.run("status", "--output", "json").expect().document("status")

    def pids(self) -> dict[str, int]:
        """Process ids by service."""
        return {s["name"]: i["pid"] for s in self.status()["services"] for i in s["instances"][:1]}

    def processes(self) -> list[psutil.Process]:
        """Everything that was started for this stage and still runs, but for this test."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                words = [*process.cmdline(), process.cwd(), *process.environ().values()]
                zombie = process.status() == psutil.STATUS_ZOMBIE
                if not zombie and any(str(self.base) in word for word in words):
                    found.append(process)
        return found

    def files(self) -> dict[str, bytes]:
        """Every file of the project, to see that nothing in it was written."""
        return {
            str(p.relative_to(self.project)): p.read_bytes()
            for p in sorted(self.project.rglob("*"))
            if p.is_file() and ".git" not in p.parts
        }

    def close(self) -> None:
        """`cleanup --volumes` on every environment; then nothing may be left running."""
        for running in self._started:
            if running.process.poll() is None:
                running.process.kill()
                running.process.wait()
        try:
            said = [
                self.run("cleanup", "--volumes", "--yes", "-e", name).text
                for name in self.environments
                if (self.home / "apps").exists()
            ]
            left = [f"{p.pid} {' '.join(p.cmdline())[:200]}" for p in self.processes()]
            left += [str(p) for p in self.temporary.glob("slipway-*")]
        finally:
            for process in self.processes():
                with contextlib.suppress(psutil.Error):
                    process.kill()
            shutil.rmtree(self.base)
        assert left == [], f"cleanup left: {left}\n{said}"


def request(method: str, url: str, data: Any = None, seconds: float = 10.0) -> tuple[int, str]:
    """Status and body; raises HTTPError unless the status is of success."""
    body = None if data is None else json.dumps(data).encode()
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(url, data=body, method=method, headers=headers)
    with urllib.request.urlopen(asked, timeout=seconds) as answer:
        return answer.status, answer.read().decode()


def until(check: Callable[[], object], seconds: float = 30.0, what: str = "it") -> None:
    """Wait until `check` is true, at most so long."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(0.02)


def free_port() -> int:
    """A port nobody listens on, below those that the system gives to clients."""
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def kill_all(processes: Sequence[psutil.Process]) -> None:
    """kill -9, as a power cut does: all are stopped first, so that none sees another die."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)
    psutil.wait_procs(processes, timeout=10)
