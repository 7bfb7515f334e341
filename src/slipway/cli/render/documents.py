"""The JSON documents that commands print with `--output json`, as types.

`docs/reference/json/` has a JSON Schema of each, made from here. A field is only ever added;
anything else is a new `version`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from slipway.journal.verdicts import Judged
from slipway.plan.compare import Compared
from slipway.status.document import Status

VERSION = 1


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """Base: every field is always there, null where it does not apply."""


class ReleaseName(Document, frozen=True, kw_only=True):
    """`new`: this run made it."""

    number: int
    label: str
    new: bool = False


class ChangeLine(Document, frozen=True, kw_only=True):
    """One line of the plan's diff."""

    action: Literal["add", "change", "remove", "keep", "interrupt"]
    subject: str
    summary: str
    details: tuple[str, ...] = ()


class StepLine(Document, frozen=True, kw_only=True):
    """One step of the plan; `interrupts`: the app's users will notice."""

    id: str
    kind: str
    title: str
    interrupts: bool = False


class CheckLine(Document, frozen=True, kw_only=True):
    """One thing that was looked at, and what was seen; `seconds` is how long it took."""

    name: str
    kind: Literal["probe", "smoke", "running"]
    ok: bool
    saw: str
    service: str | None = None
    seconds: float = 0.0


class ResultDocument(Document, frozen=True, kw_only=True):
    """What install, upgrade, rollback, start, cleanup and plan print."""

    version: int = VERSION
    verb: str
    outcome: Literal["planned", "changed", "unchanged"]
    app: str
    environment: str
    platform: str
    release: ReleaseName | None
    base: int | None
    changes: tuple[ChangeLine, ...]
    steps: tuple[StepLine, ...]
    notes: tuple[str, ...]
    checks: tuple[CheckLine, ...]
    urls: Mapping[str, str]
    seconds: float


class VerificationDocument(Document, frozen=True, kw_only=True):
    """What verify prints."""

    version: int = VERSION
    environment: str
    healthy: bool
    release: ReleaseName
    checks: tuple[CheckLine, ...]


class ReleaseLine(Document, frozen=True, kw_only=True):
    """One release of the history; `services` maps each to its key (see ARCHITECTURE.md).

    `served`: it was the current one at some time.
    """

    number: int
    label: str
    created: float
    verified: bool
    served: bool
    current: bool
    commit: str | None
    services: Mapping[str, str]


class RunLine(Document, frozen=True, kw_only=True):
    """One run of the history; `outcome` null: it has not ended. `verdicts` of its canary."""

    run: int
    verb: str
    at: float
    by: str
    base: int | None
    release: int | None
    label: str | None
    outcome: str | None
    seconds: float | None
    reason: str
    verdicts: tuple[Judged, ...]


class HistoryDocument(Document, frozen=True, kw_only=True):
    """What history prints, newest first."""

    version: int = VERSION
    environment: str
    current: int | None
    releases: tuple[ReleaseLine, ...]
    runs: tuple[RunLine, ...]


class DiffDocument(Document, frozen=True, kw_only=True):
    """What diff prints. `after.new`: it is what the working tree would be, and was not made."""

    version: int = VERSION
    environment: str
    before: ReleaseName
    after: ReleaseName
    same: bool
    services: tuple[Compared, ...]


class ErrorBody(Document, frozen=True, kw_only=True):
    """`code` is stable; `exit_code` is what the process ends with."""

    code: str
    message: str
    file: str | None
    line: int | None
    hint: str | None
    details: tuple[str, ...]
    retryable: bool
    exit_code: int


class ErrorDocument(Document, frozen=True, kw_only=True):
    """What any command prints when it fails."""

    version: int = VERSION
    error: ErrorBody


DOCUMENTS: Mapping[str, Any] = {
    "result": ResultDocument,
    "status": Status,
    "verification": VerificationDocument,
    "history": HistoryDocument,
    "diff": DiffDocument,
    "error": ErrorDocument,
}
