"""Constant load, every answer checked, while versions change: how many requests fail?

    bench/zero_downtime.py [UPGRADES] [ROLLBACKS] [--only slipway|nginx|compose] [--rate N]

20 upgrades, 10 rollbacks and a killed instance of the page by default, once with Slipway on
the local platform, then the same with nginx and `docker compose`, where they are there. A
column is one JSON line. A request failed if its answer did not come, or was not 200, or was
not of one version. Nothing is tried again by the client.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from _bench import load, scratch
from _sides import Compose, Nginx, Side, Slipway, docker_answers, version_at

LONGEST = 1800.0
CONNECTIONS = 24
STEADY = 10.0
PAUSE = 1.5
LOADS = (("requests", "{rate}", str(CONNECTIONS)), ("slow", "2", "1"), ("websocket", "20", "3"))


@dataclass(slots=True)
class Asked:
    """One request, as `_load.py` wrote it down."""

    start: float
    seconds: float
    kind: str
    version: str | None
    error: str | None


@dataclass(slots=True)
class Window:
    """What was done to the app, and when (seconds since the epoch); `version` it led to."""

    what: str
    begin: float
    end: float = 0.0
    version: str = ""


@dataclass(slots=True)
class Script:
    """Does all to one side and remembers the windows."""

    side: Side
    windows: list[Window] = field(default_factory=list)

    def run(self, upgrades: int, rollbacks: int) -> None:
        """Upgrades with rollbacks evenly among them, then a killed instance."""
        time.sleep(STEADY)
        for index in range(upgrades):
            version = f"v{index + 2}"
            with self._window("upgrade") as window:
                self.side.switch(version)
                window.version = version
            due = (index + 1) * rollbacks // upgrades - index * rollbacks // upgrades
            for _ in range(due):
                with self._window("rollback") as window:
                    self.side.back()
                    window.version = version_at(self.side.port)
        with self._window("killed instance"):
            self.side.kill()
        time.sleep(STEADY)

    @contextmanager
    def _window(self, what: str) -> Iterator[Window]:
        window = Window(what, time.time())
        yield window
        window.end = time.time()
        self.windows.append(window)
        time.sleep(PAUSE)


@contextmanager
def loaded(side: Side, folder: Path, rate: float) -> Iterator[None]:
    """The load's processes around a block; each finishes what it began."""
    program = [sys.executable, str(Path(__file__).with_name("_load.py"))]
    started = []
    for kind, pace, connections in LOADS:
        words = [kind, f"127.0.0.1:{side.port}", pace.format(rate=rate), connections]
        command = [*program, *words, str(LONGEST), str(folder / f"{side.name}-{kind}")]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE))
    try:
        yield
    finally:
        for process in started:
            assert process.stdin is not None
            process.stdin.close()
        for process in started:
            process.wait(60)


def read(side: Side, folder: Path) -> list[Asked]:
    """Everything the load's processes wrote down."""
    found = []
    for kind, _, _ in LOADS:
        lines = (folder / f"{side.name}-{kind}").read_text().splitlines()
        found += [Asked(*json.loads(line)) for line in lines]
    return found


def moved_at(window: Window, asked: Sequence[Asked]) -> float | None:
    """When the first answer of the new version was asked for."""
    starts = [
        a.start
        for a in asked
        if a.version == window.version and window.begin <= a.start <= window.end
    ]
    return min(starts, default=None)


def percentile(seconds: Sequence[float], share: float) -> float:
    """In milliseconds."""
    ordered = sorted(seconds)
    return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)


def latency(asked: Sequence[Asked]) -> dict[str, float]:
    """Median and p99, in milliseconds."""
    seconds = [a.seconds for a in asked if a.error is None]
    return {"p50": percentile(seconds, 0.5), "p99": percentile(seconds, 0.99)} if seconds else {}


def figures(side: Side, windows: Sequence[Window], everything: Sequence[Asked]) -> dict[str, Any]:
    """One column."""
    asked = [a for a in everything if a.kind in ("get", "post", "both")]
    switches = [w for w in windows if w.version]
    moments = [m for w in switches if (m := moved_at(w, asked)) is not None]
    failed = [a for a in everything if a.error is not None]
    short = [a for a in failed if a.kind in ("get", "post", "both")]
    near = [a for a in asked if any(abs(a.start - m) < 1 for m in moments)]
    during = [a for a in asked if any(w.begin <= a.start <= w.end for w in switches)]
    steady = [a for a in asked if not any(w.begin - 0.5 <= a.start <= w.end + 0.5 for w in windows)]
    return {
        "bench": "zero downtime",
        "side": side.name,
        "requests": len(asked),
        "failed": len(short),
        "failed_by_kind": Counter(a.kind for a in failed),
        "failed_during": Counter(doing(a, windows) for a in failed),
        "why": Counter((a.error or "")[:120] for a in failed).most_common(5),
        "by_kind": Counter(a.kind for a in everything),
        "switches": len(switches),
        "switches_seen": len(moments),
        "unit": "ms",
        "steady": latency(steady),
        "whole_deploys": latency(during),
        "second_around_switch": latency(near),
        "slow": long_ones("slow", everything, moments),
        "websocket": long_ones("websocket", everything, moments),
        "seconds": {
            what: round(statistics.median(w.end - w.begin for w in windows if w.what == what), 1)
            for what in dict.fromkeys(w.what for w in windows)
        },
        "load": load(),
        "target": {"failed": 0, "requests": 50_000},
        "met": not [a for a in failed if not unavoidable(a, windows)]
        and len(moments) == len(switches)
        and len(asked) >= 50_000,
    }


def doing(asked: Asked, windows: Sequence[Window]) -> str:
    """What went on when a request ended."""
    end = asked.start + asked.seconds
    return next((w.what for w in windows if w.begin <= end <= w.end), "steady")


def unavoidable(asked: Asked, windows: Sequence[Window]) -> bool:
    """A websocket that was on the killed instance."""
    return asked.kind == "websocket" and doing(asked, windows) == "killed instance"


def long_ones(kind: str, everything: Sequence[Asked], moments: Sequence[float]) -> dict[str, int]:
    """How many were open while traffic moved, over how many of the switches; and the failed."""
    found = [a for a in everything if a.kind == kind]
    over = [m for m in moments if any(a.start < m < a.start + a.seconds for a in found)]
    crossing = [a for a in found if any(a.start < m < a.start + a.seconds for m in moments)]
    failed = sum(a.error is not None for a in found)
    return {
        "all": len(found),
        "failed": failed,
        "open_at_a_switch": len(crossing),
        "switches_covered": len(over),
    }


def column(side: Side, folder: Path, options: argparse.Namespace) -> None:
    """Start, load, change, end; prints the line."""
    try:
        side.start()
        script = Script(side)
        with loaded(side, folder, options.rate):
            script.run(options.upgrades, options.rollbacks)
        everything = read(side, folder)
        print(json.dumps(figures(side, script.windows, everything)), flush=True)
        for asked in [a for a in everything if a.error is not None][:40]:
            where = doing(asked, script.windows)
            print(f"{asked.start:.3f} {asked.kind} {where}: {asked.error}", file=sys.stderr)
    finally:
        side.close()


def left_out(name: str, why: str) -> None:
    print(json.dumps({"bench": "zero downtime", "side": name, "left_out": why}), flush=True)


def main() -> None:
    """All columns, one after the other, in this run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("upgrades", type=int, nargs="?", default=20)
    parser.add_argument("rollbacks", type=int, nargs="?", default=10)
    parser.add_argument("--only", choices=["slipway", "nginx", "compose"])
    parser.add_argument("--rate", type=float, default=400.0, help="requests a second")
    options = parser.parse_args()
    with scratch() as folder:
        if options.only in (None, "slipway"):
            column(Slipway(folder), folder, options)
        if options.only in (None, "nginx"):
            program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
            if program is None:
                left_out("nginx reload", "there is no nginx")
            else:
                column(Nginx(folder, program), folder, options)
        if options.only in (None, "compose"):
            why = docker_answers()
            if why:
                left_out("docker compose up", why)
            else:
                column(Compose(folder), folder, options)


if __name__ == "__main__":
    main()
