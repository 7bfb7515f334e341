"""From an App and what is observed to a Plan: everything a verb decides before it acts.

Called by `deploy` (install, upgrade) with an App, by `rollback` and `start` with a Release.
Reads; never writes, so that a dry run is exactly this.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from slipway.app.assemble import Loaded
from slipway.engine.secret_needs import new_values
from slipway.engine.workspace import Workspace
from slipway.errors import RefusedError, UsageError
from slipway.journal.journal import Head
from slipway.plan.desired import Inputs, desired_release, same_content, without_skipped
from slipway.plan.make import Request, rollout_plan, situation_order
from slipway.plan.model import Plan
from slipway.plan.observed import Observed
from slipway.plan.release import Artifact, GitState, Release


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan, and the secret values that its `secrets` step has to keep (never printed).

    `resumes` is the interrupted run that it goes on with.
    """

    plan: Plan
    observed: Observed
    values: Mapping[str, str]
    resumes: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for. `label` None: made from git or the number."""

    verb: str
    label: str | None = None
    git: GitState | None = None
    verify: bool = True
    auto_secrets: bool = True


async def prepare_app(workspace: Workspace, loaded: Loaded, wanted: Wanted) -> Prepared:
    """The plan that takes the environment to this App.

    Raises InputError: missing secrets (all at once), what the platform cannot run, a taken
    port, a label that already names another release.
    """
    observed = await workspace.platform.observe()
    app = without_skipped(loaded.app, workspace.platform.name)
    artifacts = await anyio.to_thread.run_sync(workspace.platform.resolve, app)
    values = new_values(workspace.secrets, loaded.needs, loaded.sealed, auto=wanted.auto_secrets)
    head = workspace.journal.head()
    base = current_release(workspace, head)
    release, new = _release(workspace, loaded, wanted, base, artifacts, values)
    if new:
        _refuse_used_label(workspace, release, wanted, head)
    workspace.platform.precheck(app, observed)
    plan = plan_for(
        workspace,
        release,
        observed,
        head,
        verb=wanted.verb,
        verify=wanted.verify,
        new_release=new,
        new_secrets=tuple(sorted(values)),
        found_secrets=tuple(sorted(values.keys() & loaded.sealed.keys())),
        keep=loaded.app.keep_releases,
    )
    return Prepared(plan=plan, observed=observed, values=values)


async def wanted_release(
    workspace: Workspace, loaded: Loaded, wanted: Wanted, *, base: Release | None
) -> tuple[Release, bool]:
    """The release that this App would be, and whether it would be a new one; for who compares.

    Raises InputError as `prepare_app` does, but for what only matters where it is run.
    """
    app = without_skipped(loaded.app, workspace.platform.name)
    artifacts = await anyio.to_thread.run_sync(workspace.platform.resolve, app)
    values = new_values(workspace.secrets, loaded.needs, loaded.sealed, auto=True)
    return _release(workspace, loaded, wanted, base, artifacts, values)


async def prepare_release(
    workspace: Workspace,
    choose: Callable[[Head, Observed], Release],
    *,
    verb: str,
    verify: bool,
) -> Prepared:
    """The plan that takes the environment to a release that was made before: nothing is built,
    and its jobs have run. `choose` may raise InputError.
    """
    head = workspace.journal.head()
    observed = await workspace.platform.observe()
    release = choose(head, observed)
    plan = plan_for(
        workspace,
        release,
        observed,
        head,
        verb=verb,
        verify=verify,
        new_release=False,
        finished_jobs=job_keys(release),
    )
    return Prepared(plan=plan, observed=observed, values={})


def installed_release(workspace: Workspace, head: Head) -> Release:
    """The release that is current. Raises RefusedError if nothing is installed."""
    release = current_release(workspace, head)
    if release is None:
        raise RefusedError(
            f"nothing is installed on {workspace.target.environment}",
            hint="`deploy install` installs it",
        )
    return release


def current_release(workspace: Workspace, head: Head) -> Release | None:
    """The release that is current, or None."""
    return workspace.releases.get(head.current) if head.current is not None else None


def _release(
    workspace: Workspace,
    loaded: Loaded,
    wanted: Wanted,
    base: Release | None,
    artifacts: Mapping[str, Artifact],
    values: Mapping[str, str],
) -> tuple[Release, bool]:
    """The wanted release, and whether it is a new one or the current one again."""
    number = workspace.releases.next_number()
    label = wanted.label or _default_label(number, wanted.git)

    def make(label: str) -> Release:
        return desired_release(
            Inputs(
                app=loaded.app,
                platform=workspace.platform.name,
                artifacts=artifacts,
                secrets=_versions(workspace, values),
                label=label,
                number=number,
                created=round(workspace.clock.now(), 3),
                contents=_contents(loaded),
                git=wanted.git,
            )
        )

    if base is not None and wanted.label in (None, base.label):
        again = make(base.label)
        if same_content(base, again):
            return base, False
    return make(label), True


def _versions(workspace: Workspace, values: Mapping[str, str]) -> dict[str, int]:
    versions = {info.name: info.version for info in workspace.secrets.names()}
    for name in values:
        versions[name] = workspace.secrets.next_version(name)
    return versions


def _default_label(number: int, git: GitState | None) -> str:
    if git is None:
        return f"r{number}"
    if git.tag and not git.dirty:
        return git.tag
    return f"{git.commit[:7]}+r{number}" if git.dirty else git.commit[:7]


def _contents(loaded: Loaded) -> dict[str, str]:
    """Digests of the files that Compose mounts as secrets and configs."""
    found: dict[str, str] = {}
    for service in loaded.app.services.values():
        for mounted in service.files:
            if mounted.file and Path(mounted.file).is_file():
                found[mounted.file] = hashlib.sha256(Path(mounted.file).read_bytes()).hexdigest()
    return found


def is_kept(release: Release, observed: Observed) -> bool:
    """True if all that the release is made of is still there."""
    artifacts = {e.artifact.id for e in release.services.values() if e.artifact}
    return artifacts <= set(observed.artifacts)


def _refuse_used_label(workspace: Workspace, release: Release, wanted: Wanted, head: Head) -> None:
    """A label that a person gave names one release for ever; one that never served may be
    tried again.
    """
    if wanted.label is None:
        return
    other = workspace.releases.find(wanted.label, among=head.served)
    if other is not None and other.label == wanted.label and not same_content(other, release):
        raise UsageError(
            f"{wanted.label} already names release {other.number}, and the files have changed"
            " since: a label names one release for ever",
            hint=f"choose another label; `deploy rollback --to-version={wanted.label}` goes back"
            " to that one",
        )


def plan_for(
    workspace: Workspace,
    release: Release,
    observed: Observed,
    head: Head,
    *,
    verb: str,
    verify: bool,
    new_release: bool,
    new_secrets: tuple[str, ...] = (),
    found_secrets: tuple[str, ...] = (),
    finished_jobs: tuple[str, ...] | None = None,
    keep: int | None = None,
) -> Plan:
    """The rollout plan to `release`, with what history adds to it. `keep` so many releases
    before the current one; None: all, where nothing new is made.
    """
    base = current_release(workspace, head)
    if finished_jobs is None:
        finished_jobs = job_keys(base) if base else ()
    obsolete, artifacts = (
        _obsolete(workspace, release, base, observed, head, keep) if keep is not None else ((), ())
    )
    return rollout_plan(
        Request(
            verb=verb,
            direct=verb in ("rollback", "start"),
            release=release,
            observed=observed,
            weights_supported=_splits_traffic(workspace),
            base=base,
            order=situation_order(release),
            new_release=new_release,
            activates=base is None or base.number != release.number,
            verify=verify,
            new_secrets=new_secrets,
            found_secrets=found_secrets,
            finished_jobs=finished_jobs,
            obsolete=obsolete,
            obsolete_artifacts=artifacts,
        )
    )


def _splits_traffic(workspace: Workspace) -> bool:
    can = workspace.platform.capabilities()
    return can.weights and can.metrics


def job_keys(release: Release) -> tuple[str, ...]:
    """Keys of the jobs of a release: they ran before it became current."""
    return tuple(e.key for e in release.services.values() if e.service.role == "job")


def _obsolete(
    workspace: Workspace,
    release: Release,
    base: Release | None,
    observed: Observed,
    head: Head,
    keep: int,
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Releases beyond what is kept that still have artifacts of their own, and all artifacts
    that no kept release needs: a build whose release was never written is nobody's.

    One that never served is not kept: some failed upgrades must not push out what one can go
    back to.
    """
    stay = {release.number, *([base.number] if base else [])}
    older = [n for n in reversed(workspace.releases.numbers()) if n not in stay]
    room = max(0, keep - (1 if base and base.number != release.number else 0))
    last = [n for n in older if n in head.served][:room]
    kept = [release, *([base] if base else []), *map(workspace.releases.get, last)]
    needed = {e.artifact.id for r in kept for e in r.services.values() if e.artifact}
    there = set(observed.artifacts) - needed
    numbers: list[int] = []
    for number in [n for n in older if n not in last][:50]:
        found = workspace.releases.get(number)
        if there & {e.artifact.id for e in found.services.values() if e.artifact}:
            numbers.append(number)
    return tuple(sorted(numbers)), tuple(sorted(there))
