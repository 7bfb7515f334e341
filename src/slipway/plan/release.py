"""A Release: the immutable record of what runs. Written once, before it is started.

A service's `key` is a hash of all that decides how it behaves: its artifact, its
configuration, its secrets' versions, and the same of every non-backing service it reaches
(`plan.merkle`). Two releases whose service has the same key share one running set of
instances; that is how unchanged services are reused, and how a rollback finds them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway.app.model import Rollout, Route, Service, Volume
from slipway.support.data import Frozen
from slipway.support.health.model import SmokeTest


class Artifact(Frozen, frozen=True, kw_only=True):
    """What a build makes, by content.

    `kind` is the platform's word for it (`image`, `snapshot`, `binary`); `id` is a digest
    that is known before anything is built; `notes` are things a person should know, such as
    a Dockerfile line that this platform does not run. `reads` are the `DEPLOY_...` variables
    that occur in the source: a service that reads DEPLOY_VERSION is not reused by a release
    with another label. `healthcheck` is the image's own, in Compose's words.
    """

    kind: str
    id: str
    notes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    healthcheck: Mapping[str, Any] | None = None


class GitState(Frozen, frozen=True, kw_only=True):
    """The commit a release was made from; `dirty` if the working tree had changes."""

    commit: str
    branch: str | None = None
    tag: str | None = None
    dirty: bool = False


class ReleaseService(Frozen, frozen=True, kw_only=True):
    """One service of a release.

    `key` is empty for backing services, which all revisions share; they have a `fingerprint`
    of their configuration instead, which the platform stores when it starts one and reports
    in `Observed`, so that a plan sees when one would have to be replaced.
    """

    service: Service
    key: str
    fingerprint: str = ""
    artifact: Artifact | None = None


class Release(Frozen, frozen=True, kw_only=True):
    """Numbered per environment from 1; `label` is what people call it (`v2.1.0`, a git SHA).

    `secrets` pins the version of each secret. `created` is seconds since the epoch.
    """

    number: int
    label: str
    app: str
    environment: str
    platform: str
    created: float
    services: Mapping[str, ReleaseService]
    routes: tuple[Route, ...] = ()
    volumes: Mapping[str, Volume] = {}
    secrets: Mapping[str, int] = {}
    smoke_tests: tuple[SmokeTest, ...] = ()
    rollout: Rollout = Rollout()
    git: GitState | None = None
    migration_head: str | None = None
    backup: str | None = None
