"""Small questions of commands that only look: which services, which release, which address."""

from __future__ import annotations

from slipway.engine.prepare import installed_release
from slipway.engine.workspace import Workspace
from slipway.errors import NotFoundError
from slipway.plan.release import Release


def installed(workspace: Workspace) -> Release:
    """The current release. Raises RefusedError if nothing is installed."""
    return installed_release(workspace, workspace.journal.head())


def entered(workspace: Workspace) -> Release:
    """The release whose services `exec` enters: one that failed and was left for a look, else
    the current one. Raises RefusedError if there is neither.
    """
    runs = workspace.journal.runs()
    left = runs and runs[-1].closed is not None and runs[-1].closed.outcome == "failed"
    tried = _tried(workspace) if left else None
    return tried or installed(workspace)


def service_names(workspace: Workspace, asked: tuple[str, ...]) -> tuple[str, ...]:
    """`asked`, or all services of the current release, and of one that just failed: why it did
    is in its logs. Raises NotFoundError, RefusedError.
    """
    tried = _tried(workspace)
    known = tuple(tried.services) if tried else ()
    if tried is None or workspace.journal.head().current is not None:
        known = tuple(dict.fromkeys((*installed(workspace).services, *known)))
    for name in asked:
        if name not in known:
            raise NotFoundError(
                f"there is no service {name!r} in the current release",
                hint=f"there are: {', '.join(known)}",
            )
    return asked or known


def _tried(workspace: Workspace) -> Release | None:
    """The release of the last run, if that failed."""
    runs = workspace.journal.runs()
    wanted = runs[-1].opened.release if runs else None
    if wanted is None or wanted not in workspace.releases.numbers():
        return None
    closed = runs[-1].closed
    return workspace.releases.get(wanted) if closed and closed.outcome != "succeeded" else None


async def public_url(workspace: Workspace, service: str | None) -> str:
    """Where people reach a service; the first one that has an address by default."""
    installed(workspace)
    urls = (await workspace.platform.observe()).urls
    if service is None and urls:
        return next(iter(urls.values()))
    if service is None or service not in urls:
        raise NotFoundError(
            f"{service or 'the app'} has no public address",
            hint=f"these have one: {', '.join(urls) or 'none; `ports:` in compose.yaml gives one'}",
        )
    return urls[service]
