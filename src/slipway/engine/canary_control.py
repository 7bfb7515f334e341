"""What people say to a canary from another terminal: promote, abort, hold. One value in the store.

The `judge` step looks at it several times a second; a word is for one run and is taken once.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from slipway.engine.workspace import Workspace
from slipway.errors import RefusedError
from slipway.journal.lease import holder, is_live, this_process
from slipway.support.store import Store

KEY = "canary.json"
Word = Literal["promote", "abort", "hold"]


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One word, for run number `run`, and who said it ("kim@laptop")."""

    run: int
    word: Word
    by: str


def say(workspace: Workspace, word: Word) -> int:
    """Tell the canary that goes on now; the number of its run.

    Raises RefusedError where none does.
    """
    run = workspace.journal.head().interrupted
    lease = holder(workspace.store)
    me = this_process()
    live = lease is not None and is_live(lease, now=workspace.clock.now(), host=me.host)
    plan = workspace.journal.plan_of(run.opened.run) if run is not None else None
    judged = plan is not None and any(step.kind == "judge" for step in plan.steps)
    if run is None or not live or not judged:
        raise RefusedError(
            f"no canary goes on on {workspace.target.environment}",
            hint="`deploy upgrade --strategy=canary` starts one",
        )
    said = Said(run=run.opened.run, word=word, by=f"{me.user}@{me.host}")
    workspace.store.write(KEY, msgspec.json.encode(said))
    return said.run


def take(store: Store, run: int) -> Said | None:
    """The word that was said to this run since the last look, once."""
    found = store.read(KEY)
    if found is None:
        return None
    try:
        said = msgspec.json.decode(found, type=Said)
    except msgspec.DecodeError:
        said = None
    store.swap(KEY, found, None)
    return said if said is not None and said.run == run else None
