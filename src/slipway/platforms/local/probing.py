"""Asking the instances of one running set: with their own addresses, and commands beside them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from slipway.platforms.local.launchfile import NAME, LaunchFile
from slipway.platforms.local.runtime import Runtime
from slipway.platforms.local.supervision.control import launch_command
from slipway.support.health.model import Answer, Probe
from slipway.support.health.probes import ask
from slipway.support.process import run_blocking


def ask_all(runtime: Runtime, found: Sequence[LaunchFile], probe: Probe) -> list[Answer]:
    """Ask each instance once. Blocking."""
    return [ask_one(runtime, launch, probe) for launch in found]


def ask_one(runtime: Runtime, launch: LaunchFile, probe: Probe) -> Answer:
    """A server that checks names is asked by the name that a container's healthcheck uses."""
    host, port = where(runtime, launch, probe.port)
    if probe.kind == "http" and not any(name.lower() == "host" for name in probe.headers):
        headers = {**probe.headers, "Host": f"localhost:{probe.port or port}"}
        probe = msgspec.structs.replace(probe, headers=headers)
    return ask(probe, host, port, runner(launch))


def where(runtime: Runtime, launch: LaunchFile, port: int | None) -> tuple[str, int]:
    """Where an instance's container port (None: its first) is reached."""
    allocation = runtime.book.get(launch.name)
    if port is None or allocation is None:
        return launch.address or "127.0.0.1", launch.port or port or 0
    return allocation.address, allocation.port(port)


def beside(launch: LaunchFile, command: Sequence[str]) -> list[str]:
    """The command line that runs `command` where an instance runs, with its environment."""
    return [*launch_command(Path(launch.folder) / NAME), "--", *command]


def runner(launch: LaunchFile) -> Callable[[tuple[str, ...], float], tuple[int, str]]:
    """How `command` probes are run; a healthcheck's shell form comes as `sh -c`."""

    def run(command: tuple[str, ...], timeout: float) -> tuple[int, str]:
        done = run_blocking(beside(launch, command), timeout=timeout, env=dict(os.environ))
        return done.exit_code, done.lines[-1] if done.lines else ""

    return run
