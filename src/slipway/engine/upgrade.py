"""Which files `install` and `upgrade` mean: the working tree, a commit, or an existing release."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from slipway.app.assemble import LoadOptions, load_app
from slipway.app.compose import read_dotenv
from slipway.engine.deploy import Approve, Result, RunOptions, deploy, run_plan
from slipway.engine.prepare import Prepared, Wanted, is_kept, prepare_release
from slipway.engine.rollout_asked import RolloutAsked, with_rollout
from slipway.engine.source import check_out, commit_of, git_state
from slipway.engine.workspace import Workspace
from slipway.errors import NotFoundError, UsageError
from slipway.journal.journal import Head
from slipway.plan.observed import Observed
from slipway.plan.release import GitState, Release
from slipway.support.telemetry.events import Notice

_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._+/-]{0,126}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line said. `auto_secrets` None: unless the environment is protected."""

    verb: str
    version: str | None = None
    verify: bool = True
    auto_secrets: bool | None = None
    rollout: RolloutAsked = field(default_factory=RolloutAsked)


async def upgrade(
    workspace: Workspace,
    options: LoadOptions,
    asked: Asked,
    approve: Approve,
    run: RunOptions,
    environ: Mapping[str, str] = os.environ,
) -> Result:
    """Install or upgrade. `--version` V: a git tag or commit is taken clean from git; the label
    of a release that exists (and is not current) brings that release back; anything else
    labels the working tree.
    """
    directory = Path(workspace.target.directory)
    version = checked_label(asked.version)
    commit = commit_of(directory, version) if version else None
    if version and commit:
        return await _from_commit(workspace, options, asked, approve, run, version, commit, environ)
    head = workspace.journal.head()
    existing = workspace.releases.find(version, among=head.served) if version else None
    if existing is not None and existing.number != head.current:
        return await _existing(workspace, existing, asked, approve, run)
    git = git_state(directory)
    return await _load_and_deploy(workspace, options, asked, approve, run, version, git, environ)


def checked_label(version: str | None) -> str | None:
    """A label is shown, typed and used in names, so it is one plain word. Raises UsageError."""
    if version is not None and not _LABEL.fullmatch(version):
        raise UsageError(
            f"{version!r} cannot name a release",
            hint="letters, digits and . _ + / - in between, such as --version=v2.1.0",
        )
    return version


async def _load_and_deploy(
    workspace: Workspace,
    options: LoadOptions,
    asked: Asked,
    approve: Approve,
    run: RunOptions,
    label: str | None,
    git: GitState | None,
    environ: Mapping[str, str],
) -> Result:
    known = tuple(info.name for info in workspace.secrets.names())
    loaded = load_app(msgspec.structs.replace(options, known_secrets=known), environ)
    loaded = msgspec.structs.replace(loaded, app=with_rollout(loaded.app, asked.rollout))
    for warning in loaded.app.warnings:
        workspace.emit(Notice(at=workspace.clock.now(), message=warning))
    auto = asked.auto_secrets
    wanted = Wanted(
        verb=asked.verb,
        label=label,
        git=git,
        verify=asked.verify,
        auto_secrets=not workspace.target.protected if auto is None else auto,
    )
    return await deploy(workspace, loaded, wanted, approve, run)


async def _from_commit(
    workspace: Workspace,
    options: LoadOptions,
    asked: Asked,
    approve: Approve,
    run: RunOptions,
    version: str,
    commit: str,
    environ: Mapping[str, str],
) -> Result:
    """The files as they were at that commit; `.env`, which git does not hold, as it is now."""
    directory = Path(workspace.target.directory)
    folder = check_out(directory, commit, workspace.home / "sources")
    names = (".env", f".env.{workspace.target.environment}")
    found: dict[str, str] = {}
    for name in names:
        if (directory / name).is_file() and not (folder / name).exists():
            found.update(read_dotenv(directory / name, environ.get))
    clean = msgspec.structs.replace(options, directory=str(folder))
    git = GitState(commit=commit, tag=version)
    return await _load_and_deploy(
        workspace, clean, asked, approve, run, version, git, {**found, **environ}
    )


async def _existing(
    workspace: Workspace, release: Release, asked: Asked, approve: Approve, run: RunOptions
) -> Result:
    """A release that was made before: the same artifacts, nothing is built."""
    text = f"{release.label} is release {release.number}: taken as it was made, not from the files"
    workspace.emit(Notice(at=workspace.clock.now(), message=text))

    def existing(head: Head, observed: Observed) -> Release:
        del head
        if not is_kept(release, observed):
            raise NotFoundError(
                f"{release.label} names release {release.number}, which is no longer kept",
                hint="choose another label for what the files are now",
            )
        return release

    async def prepare() -> Prepared:
        return await prepare_release(workspace, existing, verb=asked.verb, verify=asked.verify)

    return await run_plan(workspace, asked.verb, prepare, approve, run)
