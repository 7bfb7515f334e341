"""`deploy verify`: is the current release healthy? A healthy one is marked as verified."""

from __future__ import annotations

from slipway.engine.prepare import installed_release
from slipway.engine.verification import Check, verify_release
from slipway.engine.workspace import Workspace
from slipway.plan.release import Release
from slipway.support.data import Frozen


class Verification(Frozen, frozen=True, kw_only=True):
    """The answer, with everything that was looked at."""

    release: Release
    healthy: bool
    checks: tuple[Check, ...]


async def verify(workspace: Workspace) -> Verification:
    """Probe everything, run every smoke test. Raises RefusedError if nothing is installed."""
    head = workspace.journal.head()
    release = installed_release(workspace, head)
    checks = await verify_release(workspace, release)
    healthy = bool(checks) and all(check.ok for check in checks)
    if healthy and release.number not in head.verified:
        workspace.journal.mark_verified(release.number, workspace.clock.now())
    return Verification(release=release, healthy=healthy, checks=checks)
