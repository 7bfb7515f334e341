"""What the journal costs: two records a step on a disk, and reading after 10,000 runs.

    bench/journal.py [RUNS] [RELEASES]     10,000 runs and 300 releases by default

An app that really runs gets a past: runs with their own files, and releases. Then `./deploy
status`, `history` and an `install` of what is there are started as people start them.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from _bench import ROOT, deploy, free_port, load, publish, report, scratch, timed

from slipway.journal.journal import RUNS, Journal
from slipway.journal.records import Owner, PlanRecord, RunClosed, RunOpened, StepRecord
from slipway.journal.releases import Releases
from slipway.plan.model import Plan, Step
from slipway.support.filestore import FileStore

OWNER = Owner(user="kim", host="laptop", pid=1, identity="1")
TIMES = 20


def plan_of(release: int) -> Plan:
    """A plan of the usual length."""
    steps = tuple(
        Step(id=f"{kind}:web", kind="start", title=f"{kind} web", service="web", release=release)
        for kind in ("build", "start", "ready", "route", "verify", "drain", "remove", "record")
    )
    return Plan(
        verb="upgrade", app="hello", environment="development", platform="local", steps=steps
    )


def run_records(run: int, release: int) -> tuple[RunOpened, RunClosed]:
    """The two lines of one past run."""
    at = time.time() - 60.0 * (20_000 - run)
    opened = RunOpened(
        run=run, at=at, verb="upgrade", owner=OWNER, base=1, release=release, label=f"v{release}"
    )
    closed = RunClosed(
        run=run, at=at + 5, outcome="succeeded", seconds=5.0, current=1, verified=True
    )
    return opened, closed


def journal_cost(times: int = 300) -> None:
    """Intent and outcome of one step, each synced to the disk that holds the state."""
    folder = Path(tempfile.mkdtemp(prefix="slipway-bench-"))
    try:
        journal = Journal(FileStore(folder / "store"))
        journal.open_run(run_records(1, 1)[0], plan_of(1))
        intent = StepRecord(at=time.time(), step="start:web", phase="intent")
        done = StepRecord(
            at=time.time(), step="start:web", phase="done", outcome={"started": ["web-0"]}
        )

        def one_step() -> None:
            journal.step(1, intent)
            journal.step(1, done)

        report("journal: a step's two records", timed(one_step, times), 0.003, load=load())
        line = msgspec.json.encode(done) + b"\n"
        with (folder / "bare").open("ab", buffering=0) as file:

            def bare() -> None:
                for _ in range(2):
                    file.write(line)
                    os.fsync(file.fileno())

            report("journal: the same bytes, only written and synced", timed(bare, times), 0.003)
    finally:
        shutil.rmtree(folder)


def give_past(store: FileStore, runs: int, releases: int) -> None:
    """Runs 2 to `runs` with their files, releases 2 to `releases`; release 1 stays current."""
    first = Releases(store).get(1)
    for number in range(2, releases + 1):
        past = msgspec.structs.replace(first, number=number, label=f"v{number}")
        store.root.joinpath("releases", f"{number:05d}.json").write_bytes(msgspec.json.encode(past))
    details = [PlanRecord(at=0.0, plan=plan_of(1)), *_steps(plan_of(1))]
    text = b"".join(msgspec.json.encode(record) + b"\n" for record in details)
    lines = [store.read(RUNS) or b""]
    for run in range(2, runs + 1):
        store.root.joinpath("runs", f"{run:06d}.jsonl").write_bytes(text)
        records = run_records(run, 2 + run % (releases - 1))
        lines += [msgspec.json.encode(record) + b"\n" for record in records]
    store.write(RUNS, b"".join(lines))


def _steps(plan: Plan) -> Iterator[StepRecord]:
    for step in plan.steps:
        for phase in ("intent", "done"):
            yield StepRecord(at=0.0, step=step.id, phase=phase)  # type: ignore[arg-type]


def with_a_past(runs: int, releases: int) -> None:
    """The commands that read, before and after there is a past."""
    with scratch() as folder:
        project = folder / "hello"
        shutil.copytree(ROOT / "examples" / "hello", project)
        publish(project, free_port())
        where = ("-C", str(project))
        deploy("install", *where)
        try:
            for past in (1, runs):
                if past > 1:
                    (found,) = folder.glob("state/apps/*/*/**/journal.jsonl")
                    give_past(FileStore(found.parent), runs, releases)
                more = {"runs": past, "releases": releases if past > 1 else 1}
                for words in (("status",), ("history",), ("history", "--output=json")):
                    seconds = timed(lambda words=words: deploy(*words, *where), TIMES)
                    report(" ".join(words), seconds, 0.300, load=load(), **more)
            seconds = timed(lambda: deploy("install", *where), 5)
            report("install, nothing changed", seconds, 1.5, load=load(), **more)
        finally:
            deploy("cleanup", "--volumes", "--yes", *where)


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    journal_cost()
    with_a_past(*(given + [10_000, 300][len(given) :]))
