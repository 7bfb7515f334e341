"""The everyday commands on examples/inbox, on the local platform, really run: status, install
again with nothing changed, upgrade of one service's code until verified, rollback.

    bench/inbox.py [ROUNDS]     5 rounds of upgrade and rollback by default
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from _bench import ROOT, deploy, report, scratch, timed

TITLE = "TITLE = "


def change(project: Path, text: str) -> None:
    """Another title in the page's code: a new version of `web` and of nothing else."""
    source = project / "web" / "app" / "main.py"
    lines = source.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(TITLE))
    lines[at] = f'{TITLE}"{text}"'
    source.write_text("\n".join(lines) + "\n")


def main(rounds: int) -> None:
    """Prints five JSON lines."""
    with scratch() as folder:
        project = folder / "inbox"
        shutil.copytree(ROOT / "examples" / "inbox", project)
        where = ("-C", str(project))
        try:
            first = timed_once(lambda: deploy("install", *where))
            report("first install of inbox, caches as they are", [first], 300.0)
            report("status", timed(lambda: deploy("status", *where), 20), 0.300)
            report("install again", timed(lambda: deploy("install", *where), 5), 1.5)
            upgrades, rollbacks = [], []
            for number in range(rounds):
                change(project, f"Inbox {number}")
                upgrades.append(timed_once(lambda: deploy("upgrade", *where)))
                rollbacks.append(timed_once(lambda: deploy("rollback", *where)))
            report("upgrade of one service until verified", upgrades, 6.0)
            report("rollback", rollbacks, 3.0)
        finally:
            deploy("cleanup", "--volumes", "--yes", *where)


def timed_once(action: object) -> float:
    """Seconds of one run that is counted."""
    import time

    began = time.perf_counter()
    action()  # type: ignore[operator]
    return time.perf_counter() - began


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
