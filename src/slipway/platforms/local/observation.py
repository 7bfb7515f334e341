"""What is there now: read from disk, the supervisor and the proxy; changes nothing.

Works with nothing there, with a supervisor that was killed, and with a broken proxy; each
question has a short deadline, so that `status` is quick whatever happened.
"""

from __future__ import annotations

from pathlib import Path

from slipway.plan.observed import Instance, InstanceState, Observed
from slipway.platforms.local import deviations, launchfile
from slipway.platforms.local.build import load_built
from slipway.platforms.local.launchfile import LaunchFile
from slipway.platforms.local.layout import Layout
from slipway.platforms.local.proxy import api, manage, targets
from slipway.platforms.local.proxy.config import Json
from slipway.platforms.local.runtime import Runtime
from slipway.platforms.local.supervision import daemon
from slipway.platforms.local.supervision.control import PID, STARTS, WANTED
from slipway.platforms.local.supervision.rpc import ProgramState

_API_TIMEOUT = 0.5
_UP = ("STARTING", "RUNNING")


def observe(runtime: Runtime) -> Observed:
    """Blocking, at most about a second."""
    layout = runtime.layout
    if not layout.root.is_dir():
        return Observed()
    states = runtime.control.look()
    found = launchfile.read_all(layout.instances) + launchfile.read_all(layout.backing)
    known = manage.read(runtime)
    proxy = manage.NAME in states and states[manage.NAME].state in _UP
    seen = _overview(known.api) if proxy else None
    weights = api.weights(seen) if seen is not None else None
    serving = [
        t for n, w in known.weights.items() if w > 0 for t in known.releases.get(n, ())
    ] if weights else []  # fmt: skip
    return Observed(
        instances=tuple(instance_of(launch, states.get(launch.name)) for launch in found),
        weights=weights or {},
        urls=targets.urls_of(tuple(serving)),
        volumes=_folders(layout.volumes),
        artifacts=_artifacts(layout),
        proxy=proxy and weights is not None,
        listens=tuple(sorted(i.port for i in known.listens)) if proxy else (),
        deviations=deviations.deviations(runtime, found, known, seen),
    )


def instance_of(launch: LaunchFile, state: ProgramState | None) -> Instance:
    """One instance, with the words of the plan."""
    folder = Path(launch.folder)
    word, why = _state(launch, state, folder)
    return Instance(
        service=launch.service,
        key=launch.key,
        index=launch.index,
        state=word,
        address=f"{launch.address}:{launch.port}" if launch.port else launch.address,
        pid=state.pid if state is not None else None,
        started=state.started if state is not None else None,
        restarts=max(0, _size(folder / STARTS) - 1),
        exit_code=state.exit_code if state is not None else None,
        detail="; ".join(text for text in (why, launch.detail) if text),
        fingerprint=launch.fingerprint,
    )


def _state(
    launch: LaunchFile, state: ProgramState | None, folder: Path
) -> tuple[InstanceState, str]:
    """supervisord's word -> ours, and why."""
    if state is None:
        return _unsupervised(folder)
    if state.state in _UP:
        return ("running" if state.state == "RUNNING" else "starting"), ""
    if state.state == "STOPPING":
        return "stopping", ""
    if state.state == "STOPPED":
        return "stopped", ""
    if state.state == "EXITED" and state.exit_code == 0 and launch.restart in ("no", "on-failure"):
        return "exited", ""
    if state.state == "BACKOFF":
        return "crashed", "it keeps ending"
    return "crashed", f"it ended with exit code {state.exit_code}"


def _unsupervised(folder: Path) -> tuple[InstanceState, str]:
    if not (folder / WANTED).exists():
        return "stopped", ""
    pid = daemon.read_pid(folder / PID)
    if pid is not None and daemon.is_alive(pid, folder / PID):
        return "crashed", f"its supervisor is gone; pid {pid} runs on without one"
    return "crashed", "it is not running: the machine or its supervisor was stopped"


def _overview(address: tuple[str, int]) -> dict[str, dict[str, Json]] | None:
    """What the proxy does; None if it does not answer."""
    try:
        return api.overview(address, _API_TIMEOUT)
    except api.NoAnswerError:
        return None


def _artifacts(layout: Layout) -> tuple[str, ...]:
    names = _folders(layout.artifacts)
    return tuple(name for name in names if load_built(layout.artifacts, name) is not None)


def _folders(parent: Path) -> tuple[str, ...]:
    if not parent.is_dir():
        return ()
    found = (path.name for path in parent.iterdir() if path.is_dir())
    return tuple(sorted(name for name in found if not name.startswith(".")))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
