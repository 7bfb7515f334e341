"""`deploy rollback`: back to the last release that was verified, or to a named one."""

from __future__ import annotations

from slipway.engine.deploy import Approve, Result, RunOptions, run_plan
from slipway.engine.prepare import Prepared, installed_release, is_kept, prepare_release
from slipway.engine.workspace import Workspace
from slipway.errors import NotFoundError, RefusedError
from slipway.journal.journal import Head
from slipway.plan.observed import Observed
from slipway.plan.release import Release


async def rollback(
    workspace: Workspace,
    *,
    to: str | None,
    force: bool,
    verify: bool,
    approve: Approve,
    options: RunOptions,
) -> Result:
    """Go back: artifacts, configuration and secret versions of that release, as they were.

    Raises NotFoundError (a release that is not there; lists those that are), RefusedError
    (nothing to go back to; a release that was never verified, unless `force`).
    """

    def chosen(head: Head, observed: Observed) -> Release:
        return choose(workspace, head, observed, to=to, force=force)

    async def prepare() -> Prepared:
        return await prepare_release(workspace, chosen, verb="rollback", verify=verify)

    return await run_plan(workspace, "rollback", prepare, approve, options)


def choose(
    workspace: Workspace, head: Head, observed: Observed, *, to: str | None, force: bool
) -> Release:
    """The release to go back to."""
    current = installed_release(workspace, head)
    if to is not None:
        release = _named(workspace, head, observed, to)
        if release.number not in head.verified and not force:
            raise RefusedError(
                f"release {release.number} ({release.label}) was never verified",
                hint="--force goes there all the same; without --to-version the last verified"
                " one is taken",
            )
        return release
    for number in reversed(head.lineage[:-1]):
        if number not in head.verified:
            continue
        release = workspace.releases.get(number)
        if is_kept(release, observed):
            return release
    raise RefusedError(
        f"no verified release before {current.number} ({current.label}) is kept here",
        hint="`deploy history` lists the releases; --to-version takes any that is kept",
    )


def _named(workspace: Workspace, head: Head, observed: Observed, name: str) -> Release:
    releases = workspace.releases
    release = releases.find(name, among=head.served) or releases.find(name)
    if release is None or not is_kept(release, observed):
        kept = [
            r
            for r in map(workspace.releases.get, reversed(workspace.releases.numbers()))
            if is_kept(r, observed)
        ]
        why = "is no longer kept" if release else "does not exist"
        listed = [
            f"{r.number}  {r.label}" + ("" if r.number in head.verified else "  (not verified)")
            for r in kept
        ]
        raise NotFoundError(
            f"release {name} {why}",
            details=listed or ["none"],
            hint="choose one of the releases above",
        )
    return release
