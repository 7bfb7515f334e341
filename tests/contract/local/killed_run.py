"""Brings a release up in a process that is to be killed: `python killed_run.py BASE`."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parent))

from world import World, twins

if __name__ == "__main__":
    opened = World(Path(sys.argv[1]), {}, secrets_made=True)

    async def main() -> None:
        release = opened.release(1, twins("v1"))
        print("begun", flush=True)
        await opened.up(release)
        await opened.apply(release, "proxy")
        await opened.apply(release, "route", None, {"weights": {"1": 100}})

    anyio.run(main)
