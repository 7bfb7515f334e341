"""How exactly traffic is split, how soon it moves, and how long going back takes under load.

    bench/traffic.py [SWITCHES] [REQUESTS]     10 upgrades with a rollback each, 10,000 requests

The split: a canary stops at 10, 25 and 50%, each is asked REQUESTS times, GET and POST. The
switch: from the intent of the `route` step in the journal, which is the decision, to its
outcome, and to what a constant load from outside sees. The rollback: the whole command.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from _bench import DEPLOY, deploy, load, report, scratch
from _load import Connection, one_request
from _sides import Slipway, until, version_at

from slipway.journal.journal import RUNS, Journal
from slipway.support.filestore import FileStore

SHARES = (10, 25, 50)
RATE, CONNECTIONS = 400.0, 24
POINTS = 1.0
NEVER_BY_ITSELF = """rollout:
  canary: {bake: 10m, min_requests: 1000000, latency_factor: 100}
"""
SPLIT = ("upgrade", "--strategy=canary", f"--traffic-split={','.join(map(str, SHARES))}")


async def ask(port: int, times: int) -> Counter[str]:
    """Versions that answered; a wrong answer raises."""
    found: Counter[str] = Counter()

    async def client(count: int) -> None:
        connection = Connection("127.0.0.1", port)
        for number in range(count):
            kind = "post" if number % 4 == 3 else "get"
            found[await one_request(connection, kind, number)] += 1
        connection.close()

    async with asyncio.TaskGroup() as group:
        for index in range(CONNECTIONS):
            group.create_task(client(times // CONNECTIONS + (index < times % CONNECTIONS)))
    return found


def weights(side: Slipway) -> dict[int, int]:
    """Release -> percent, as `deploy status` sees it."""
    routes: Any = side.status()["routes"]
    return {route["release"]: route["weight"] for route in routes}


def split(side: Slipway, requests: int) -> None:
    """One line for each share."""
    (side.project / "version.txt").write_text("canary\n")
    command = [str(DEPLOY), *SPLIT, "--version=canary", "-C", str(side.project)]
    with (side.project.parent / "canary.log").open("wb") as log:
        canary = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for share in SHARES:
            until(lambda share=share: share in weights(side).values(), 60, f"{share}%")
            print_share(share, asyncio.run(ask(side.port, requests)))
            deploy("canary", "promote", "-C", str(side.project))
        if canary.wait(60):
            sys.exit((side.project.parent / "canary.log").read_text())
    finally:
        if canary.poll() is None:
            canary.terminate()
            canary.wait(60)


def print_share(share: int, found: Counter[str]) -> None:
    total = found.total()
    got = 100 * found["canary"] / total
    line = {
        "bench": "traffic split",
        "asked_for": share,
        "got": round(got, 2),
        "unit": "%",
        "requests": total,
        "target": f"within {POINTS:g} point",
        "met": abs(got - share) <= POINTS,
        "load": load(),
    }
    print(json.dumps(line), flush=True)


@contextmanager
def constant_load(side: Slipway, output: Path) -> Iterator[None]:
    """`_load.py` around a block."""
    words = ["requests", f"127.0.0.1:{side.port}", str(RATE), str(CONNECTIONS), "900", str(output)]
    command = [sys.executable, str(Path(__file__).with_name("_load.py")), *words]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    try:
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(60)


class Moves:
    """What every switch took, in seconds; `seen` are filled in from the load's own record."""

    def __init__(self, side: Slipway, journal: Journal) -> None:
        self._side = side
        self._journal = journal
        self.decided: list[tuple[float, str]] = []
        self.step: list[float] = []
        self.rollbacks: list[float] = []

    def upgrade(self, version: str) -> None:
        self._side.switch(version)
        self._note(version)

    def back(self) -> None:
        began = time.perf_counter()
        self._side.back()
        self.rollbacks.append(time.perf_counter() - began)
        self._note(version_at(self._side.port))

    def _note(self, version: str) -> None:
        records = self._journal.steps_of(self._journal.last_run())
        route = {r.phase: r.at for r in records if r.step == "route"}
        self.decided.append((route["intent"], version))
        self.step.append(route["done"] - route["intent"])


def seen(decided: Sequence[tuple[float, str]], lines: Sequence[list[Any]]) -> list[list[float]]:
    """For each decision: seconds to the start of the first request that the new version answered,
    and to the start of the last one that another answered, before the next decision.
    """
    first, last = [], []
    ends = [at - 1.0 for at, _ in decided[1:]] + [float("inf")]
    for (at, version), end in zip(decided, ends, strict=True):
        since = [(start, found) for start, _, _, found, _ in lines if at <= start < end]
        new = [start - at for start, found in since if found == version]
        old = [start - at for start, found in since if found != version]
        first.append(min(new, default=float("inf")))
        last.append(max(old, default=0.0))
    return [first, last]


def switches(side: Slipway, folder: Path, count: int) -> None:
    """Upgrade and roll back under load; four lines."""
    (runs,) = folder.glob(f"state/apps/*/*/**/{RUNS}")
    moves = Moves(side, Journal(FileStore(runs.parent)))
    output = folder / "load"
    with constant_load(side, output):
        time.sleep(2)
        for number in range(count):
            moves.upgrade(f"s{number}")
            time.sleep(1)
            moves.back()
            time.sleep(1)
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    failed = sum(line[4] is not None for line in lines)
    more = {"requests": len(lines), "failed": failed, "load": load()}
    first, last = seen(moves.decided, lines)
    report("decision to traffic moved: the route step", moves.step, 0.150, **more)
    report("decision to the first request at the new version", first, 0.150, **more)
    report("decision to the last request at the old version", last, 0.150, **more)
    report("rollback under load, the whole command", moves.rollbacks, 3.0, **more)


def main(count: int, requests: int) -> None:
    """All lines."""
    with scratch() as folder:
        side = Slipway(folder)
        try:
            side.start()
            (side.project / "deploy.yaml").write_text(NEVER_BY_ITSELF)
            split(side, requests)
            switches(side, folder, count)
        finally:
            side.close()


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*(given + [10, 10_000][len(given) :]))
