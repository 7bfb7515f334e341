"""What the benchmarks share: run, take medians and spread, print one JSON line."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"


def timed(action: Callable[[], object], times: int) -> list[float]:
    """Seconds of each of `times` runs, after one that is not counted."""
    action()
    return [_once(action) for _ in range(times)]


def _once(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def report(name: str, seconds: list[float], target: float, **more: object) -> None:
    """One JSON line: median, spread and target in milliseconds."""
    print(
        json.dumps(
            {
                "bench": name,
                "unit": "ms",
                "median": round(statistics.median(seconds) * 1000, 1),
                "min": round(min(seconds) * 1000, 1),
                "max": round(max(seconds) * 1000, 1),
                "n": len(seconds),
                "target": round(target * 1000, 1),
                "met": statistics.median(seconds) <= target,
                **more,
            }
        ),
        flush=True,
    )


def deploy(*arguments: str, cwd: Path | None = None) -> str:
    """Run ./deploy; its standard output. Ends the benchmark if it fails."""
    done = subprocess.run(
        [str(DEPLOY), *arguments], capture_output=True, text=True, check=False, cwd=cwd
    )
    if done.returncode != 0:
        sys.exit(f"deploy {' '.join(arguments)} ended with {done.returncode}\n{done.stderr}")
    return done.stdout


def load() -> float:
    """How busy the machine was over the last minute, in processes that want a core."""
    return round(os.getloadavg()[0], 1)


def free_port() -> int:
    """A port nobody listens on, below those that the system gives to clients."""
    while True:
        port = random.randint(20_000, 32_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def publish(project: Path, port: int) -> None:
    """Let the project's one published port be `port`."""
    compose = project / "compose.yaml"
    compose.write_text(re.sub(r'"\d+:(\d+)"', rf'"{port}:\1"', compose.read_text()))


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder of its own for state, used by every `deploy` of this process."""
    base = tempfile.mkdtemp(prefix="slipway-bench-")
    folder = Path(base)
    folder.chmod(0o755)
    os.environ["DEPLOY_HOME"] = str(folder / "state")
    os.environ["DEPLOY_KEY_FILE"] = str(folder / "key")
    try:
        yield folder
    finally:
        subprocess.run(["rm", "-rf", base], check=False)
