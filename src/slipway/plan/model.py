"""A Plan: ordered steps as plain data. What `--dry-run` prints is what the engine runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from slipway.plan.release import Release
from slipway.support.data import Frozen

StepKind = Literal[
    "secrets",  # engine: make or record the secrets' versions that the release pins
    "build",  # make `service`'s artifact
    "record",  # engine: write the release
    "volume",  # make a volume
    "backing",  # start or replace a backing service
    "proxy",  # start the proxy, or give it other listen ports
    "start",  # start `service` of a revision: `replicas` instances
    "ready",  # wait until `service` of a revision is ready
    "job",  # run a one-shot job of a revision to its end
    "smoke",  # engine: smoke tests straight at a revision, before traffic
    "judge",  # engine: watch a canary, and promote, wait or fail the run
    "route",  # give weights to revisions, confirmed
    "verify",  # engine: probes of everything, then smoke tests through the route
    "activate",  # engine: the release is the current one from here on
    "drain",  # let a revision's own services finish, then stop them
    "stop",  # stop a service for good (left the app, or cleanup)
    "remove",  # remove what a release left: instances, artifacts, records
    "teardown",  # stop the proxy and the supervisor, remove runtime files; volumes if asked
]


class Step(Frozen, frozen=True, kw_only=True):
    """One action, safe to apply twice.

    What `args` holds, by kind, where `before` is what was there when the plan was made, so
    that `undo` needs no outcome: `backing` {"replace": bool, "fingerprint": str, "before":
    fingerprint or "", "restart": also if the configuration is the same};
    `proxy` {"listens": [{"port", "address", "protocol"}], "before": [ports]};
    `start` {"replicas": n, "key": str, "before": n, "restart": indexes of instances that run
    and were changed by hand}; `ready` and `job` {"key": str,
    "deadline": seconds}; `route` {"weights": {"2": 100}, "before": {"1": 100}, and for a canary
    "sticky": true, "select": {"header" or "cookie": "NAME=VALUE"}}; `judge` {"new": release,
    "old": release, "share": percent}; `drain`
    {"key": str, "grace": seconds, "replicas": how many ran, "leave": how many stay (0)};
    `remove` {"releases": [n],
    "artifacts": [id]}; `teardown` {"volumes": bool}.

    `needs` are ids of steps that must be done before. `args` is what the platform needs,
    JSON only. `interrupts` marks an interruption that users of the app will notice.
    """

    id: str
    kind: StepKind
    title: str
    service: str | None = None
    release: int | None = None
    args: Mapping[str, Any] = {}
    needs: tuple[str, ...] = ()
    interrupts: bool = False


class Change(Frozen, frozen=True, kw_only=True):
    """One line of the plan as a diff: what would happen to `subject`, and why."""

    action: Literal["add", "change", "remove", "keep", "interrupt"]
    subject: str
    summary: str
    details: tuple[str, ...] = ()


class Plan(Frozen, frozen=True, kw_only=True):
    """What a verb would do. `steps` empty: nothing to do.

    `release` is the release that is current afterwards (None for cleanup), `base` the
    number of the one that is current before. `fingerprint` is of everything the plan was
    made from: the engine compares it again under the lease, and stops if it differs.
    """

    verb: str
    app: str
    environment: str
    platform: str
    release: Release | None = None
    base: int | None = None
    new_release: bool = False
    changes: tuple[Change, ...] = ()
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    fingerprint: str = ""


def after_activate(plan: Plan) -> frozenset[str]:
    """Ids of the steps after `activate`: what they take away serves nobody any more."""
    kinds = [step.kind for step in plan.steps]
    if "activate" not in kinds:
        return frozenset()
    return frozenset(step.id for step in plan.steps[kinds.index("activate") + 1 :])
