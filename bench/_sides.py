"""What is compared under the same load: Slipway, and scripts around nginx and Compose.

A side is started with version v1 of `bench/app` and then told to `switch`, go `back`, or to
`kill` one instance of the page. Each ends what it started, by its process id.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from _bench import deploy, free_port, publish

APP = Path(__file__).with_name("app")
REPLICAS = 2


class Side(Protocol):
    """One column."""

    name: str
    port: int

    def start(self) -> None: ...
    def switch(self, version: str) -> None: ...
    def back(self) -> None: ...
    def kill(self) -> None: ...
    def close(self) -> None: ...


def until(check: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until `check` is true; ends the benchmark if it never is."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            sys.exit(f"waited {seconds:g} s for {what}")
        time.sleep(0.05)


def version_at(port: int) -> str:
    """The version that answers there; empty if none does."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/both", timeout=2) as answer:
            return str(json.load(answer)["version"])
    except (OSError, ValueError):
        return ""


class Slipway:
    """`./deploy` on the local platform, as people run it. Needs `_bench.scratch`."""

    name = "slipway"

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.project = folder / "shop"
        self._where = ("-C", str(self.project))

    def start(self) -> None:
        shutil.copytree(APP, self.project, ignore=shutil.ignore_patterns("__pycache__"))
        publish(self.project, self.port)
        self._write("v1")
        deploy("install", "--version=v1", *self._where)

    def switch(self, version: str, *options: str) -> None:
        self._write(version)
        deploy("upgrade", f"--version={version}", *options, *self._where)

    def back(self) -> None:
        deploy("rollback", *self._where)

    def kill(self) -> None:
        web = self._instances()[0]
        os.kill(web["pid"], signal.SIGKILL)
        until(lambda: self._is_whole(web["pid"]), 30, "the killed instance to be started again")

    def status(self) -> dict[str, object]:
        """`deploy status`, as data."""
        found: dict[str, object] = json.loads(deploy("status", "--output=json", *self._where))
        return found

    def close(self) -> None:
        deploy("cleanup", "--volumes", "--yes", *self._where)

    def _write(self, version: str) -> None:
        (self.project / "version.txt").write_text(version + "\n")

    def _instances(self) -> list[dict[str, int]]:
        services = self.status()["services"]
        found: list[dict[str, int]] = next(s for s in services if s["name"] == "web")["instances"]  # type: ignore[attr-defined]
        return found

    def _is_whole(self, gone: int) -> bool:
        pids = {i["pid"] for i in self._instances()}
        return self.status()["healthy"] is True and gone not in pids and len(pids) == REPLICAS


class Nginx:
    """A usual script: start the new version, wait for it, point nginx at it, `reload`, and a
    second after the first new answer SIGTERM the old page, which finishes what it began, and
    then its API.
    """

    name = "nginx reload"

    def __init__(self, folder: Path, program: str) -> None:
        self.port = free_port()
        self._folder = folder / "nginx"
        self._program = program
        self._nginx: subprocess.Popen[bytes] | None = None
        self._running: list[subprocess.Popen[bytes]] = []
        self._all: list[subprocess.Popen[bytes]] = []
        self._ports: list[int] = []
        self._versions: list[str] = []

    def start(self) -> None:
        (self._folder / "logs").mkdir(parents=True)
        self._processes("v1")
        self._write()
        command = [self._program, "-p", str(self._folder), "-c", "nginx.conf", "-g", "daemon off;"]
        self._nginx = self._popen(command, {})
        until(lambda: version_at(self.port) == "v1", 15, "nginx to answer")
        self._versions = ["v1"]

    def switch(self, version: str) -> None:
        old = self._running
        self._processes(version)
        self._write()
        assert self._nginx is not None
        self._nginx.send_signal(signal.SIGHUP)  # what `nginx -s reload` does
        until(lambda: version_at(self.port) == version, 15, "nginx to take its new upstream")
        time.sleep(1)
        end(old[1:])
        end(old[:1])
        self._versions.append(version)

    def back(self) -> None:
        self.switch(self._versions[-2])
        del self._versions[-2:]

    def kill(self) -> None:
        """Started again after a second, on the same port, as a supervisor does."""
        self._running[-1].kill()
        self._running[-1].wait()
        time.sleep(1)
        folder = self._folder / self._versions[-1]
        self._running[-1] = self._server(folder, "web", self._ports[-1], self._ports[0])
        until(lambda: version_at(self._ports[-1]), 15, "the killed instance")

    def close(self) -> None:
        end([p for p in self._all if p.poll() is None])

    def _processes(self, version: str) -> None:
        folder = self._folder / version
        shutil.copytree(APP, folder, dirs_exist_ok=True)
        (folder / "version.txt").write_text(version + "\n")
        self._ports = [free_port() for _ in range(1 + REPLICAS)]
        api, *web = self._ports
        self._running = [self._server(folder, "api", api, api)]
        self._running += [self._server(folder, "web", port, api) for port in web]
        for port in web:
            until(lambda port=port: version_at(port) == version, 15, f"{version} to be ready")

    def _server(self, folder: Path, role: str, port: int, api: int) -> subprocess.Popen[bytes]:
        environment = {"PORT": str(port), "API": f"127.0.0.1:{api}"}
        return self._popen([sys.executable, str(folder / "server.py"), role], environment)

    def _popen(self, command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self._folder / "logs" / "output").open("ab") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **environment}
            )
        self._all.append(process)
        return process

    def _write(self) -> None:
        servers = " ".join(f"server 127.0.0.1:{port};" for port in self._ports[1:])
        user = "user root;" if os.getuid() == 0 else ""
        (self._folder / "nginx.conf").write_text(f"""{user}
worker_processes 2;
pid logs/nginx.pid;
error_log logs/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  map $http_upgrade $connection_header {{ default upgrade; '' ''; }}
  upstream app {{ {servers} keepalive 32; }}
  server {{
    listen 127.0.0.1:{self.port};
    location / {{
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_header;
    }}
  }}
}}
""")


class Compose:
    """`docker compose up -d --build` with another version in the folder, as people do it.

    One instance of the page: Compose cannot publish one port for two.
    """

    name = "docker compose up"

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.project = folder / "compose"
        self._versions = ["v1"]

    def start(self) -> None:
        shutil.copytree(APP, self.project)
        publish(self.project, self.port)
        compose = self.project / "compose.yaml"
        compose.write_text(compose.read_text().replace(f"replicas: {REPLICAS}", "replicas: 1"))
        self._up("v1")

    def switch(self, version: str) -> None:
        self._up(version)
        self._versions.append(version)

    def back(self) -> None:
        self.switch(self._versions[-2])
        del self._versions[-2:]

    def kill(self) -> None:
        self._docker("kill", "web")
        self._docker("up", "-d")

    def close(self) -> None:
        self._docker("down", "--volumes", "--rmi=local")

    def _up(self, version: str) -> None:
        (self.project / "version.txt").write_text(version + "\n")
        self._docker("up", "-d", "--build", "--wait")
        until(lambda: version_at(self.port) == version, 60, f"{version} to answer")

    def _docker(self, *words: str) -> None:
        command = ["docker", "compose", "-p", f"slipway-bench-{os.getpid()}", *words]
        subprocess.run(command, cwd=self.project, check=True, capture_output=True, timeout=300)


def docker_answers() -> str:
    """Why docker cannot be compared with; empty if it can."""
    for words, why in (
        ("version", "no engine answers"),
        ("compose version", "it has no `compose`"),
    ):
        command = ["docker", *words.split()]
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            if subprocess.run(command, capture_output=True, timeout=20, check=False).returncode:
                return f"docker: {why}"
            continue
        return "docker: not there, or it does not answer"
    return ""


def end(processes: list[subprocess.Popen[bytes]], grace: float = 10.0) -> None:
    """SIGTERM; SIGKILL for what is still there when the grace period is over."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + grace
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.1, deadline - time.monotonic()))
        if process.poll() is None:
            process.kill()
            process.wait()
