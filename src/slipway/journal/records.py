"""The records of the journal, as typed data: one JSON line each.

`journal.jsonl` has one line when a run starts and one when it ends; `runs/NUMBER.jsonl` has
the run's plan and, for every step, the intent before and the outcome after.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from slipway.plan.model import Plan

Outcome = Literal["succeeded", "reverted", "failed", "interrupted", "unhealthy"]
Phase = Literal["intent", "done", "failed", "undo-intent", "undone", "undo-failed"]


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Who runs something: a person at a machine, and the process that does it.

    `identity` tells the process from a later one with the same id (`support.machine`).
    """

    user: str
    host: str
    pid: int
    identity: str


class RunOpened(msgspec.Struct, frozen=True, kw_only=True, tag="opened", tag_field="record"):
    """A run began. `base` is the release that was current, `release` the one it wants.

    `resumes` is the interrupted run that this one goes on with: that one ends by this very
    record, and if this one is put back, so is what that one did.
    """

    run: int
    at: float
    verb: str
    owner: Owner
    base: int | None = None
    release: int | None = None
    label: str | None = None
    resumes: int | None = None


class RunClosed(msgspec.Struct, frozen=True, kw_only=True, tag="closed", tag_field="record"):
    """A run ended. `current` is the release that is current afterwards (None: none).

    `verified` says that `current` passed its probes and smoke tests in this run;
    `reason` is why it failed.
    """

    run: int
    at: float
    outcome: Outcome
    seconds: float
    current: int | None = None
    verified: bool = False
    reason: str = ""


class Verified(msgspec.Struct, frozen=True, kw_only=True, tag="verified", tag_field="record"):
    """`deploy verify` found this release healthy, apart from any run."""

    at: float
    release: int


RunRecord = RunOpened | RunClosed | Verified


class PlanRecord(msgspec.Struct, frozen=True, kw_only=True, tag="plan", tag_field="record"):
    """First line of a run's own file: the whole plan, so that another process can go on."""

    at: float
    plan: Plan


class StepRecord(msgspec.Struct, frozen=True, kw_only=True, tag="step", tag_field="record"):
    """What happened to one step. `outcome` is what the platform said, for `undo`."""

    at: float
    step: str
    phase: Phase
    outcome: Mapping[str, Any] = {}
    message: str = ""


DetailRecord = PlanRecord | StepRecord
