"""Where a release's files come from: the working tree, or a tag or commit, clean.

Called by install and upgrade. Git is asked through its program; without one, or outside a
repository, there is only the working tree.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

from slipway.errors import ConfigError, UsageError
from slipway.plan.release import GitState
from slipway.support.files import storage_errors

_SECONDS = 30.0


def git_state(directory: Path) -> GitState | None:
    """The commit of the working tree, or None where there is no git or no commit."""
    commit = _git(directory, "rev-parse", "HEAD")
    if commit is None:
        return None
    changed = _git(directory, "status", "--porcelain", "--", ".")
    branch = _git(directory, "symbolic-ref", "--quiet", "--short", "HEAD")
    tag = _git(directory, "describe", "--tags", "--exact-match", "HEAD")
    return GitState(commit=commit, branch=branch, tag=tag, dirty=bool(changed))


def commit_of(directory: Path, name: str) -> str | None:
    """The commit that a tag, or at least 7 digits of a commit, names; None if none does."""
    if name.startswith("-"):
        raise UsageError(f"{name!r} is not a version", hint="such as --version=v2.1.0")
    found = _git(directory, "rev-parse", "--verify", "--quiet", f"refs/tags/{name}^{{commit}}")
    looks_like_commit = len(name) >= 7 and set(name) <= set("0123456789abcdef")
    if found is None and looks_like_commit:
        found = _git(directory, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return found


def check_out(directory: Path, commit: str, into: Path) -> Path:
    """The project as it was at `commit`, below `into`; returns its folder there.

    The folder is named like the project's, since Compose names an app after it. Done again,
    it is reused. Raises ConfigError if the project is not in that commit.
    """
    prefix = _git(directory, "rev-parse", "--show-prefix") or ""
    target = into / commit / directory.resolve().name
    if target.is_dir():
        return target
    listed = _run(directory, "archive", "--format=tar", f"{commit}:{prefix.rstrip('/')}")
    if listed.returncode != 0:
        raise ConfigError(
            f"{directory} is not in commit {commit[:7]}",
            details=[listed.stderr.decode(errors="replace").strip()],
            hint="choose a version in which this project is there",
        )
    temporary = target.parent / f".{target.name}.new"
    with storage_errors(target):
        temporary.mkdir(parents=True, exist_ok=True)
        with tarfile.open(fileobj=io.BytesIO(listed.stdout)) as archive:
            archive.extractall(temporary, filter="data")
        temporary.rename(target)
    return target


def _git(directory: Path, *arguments: str) -> str | None:
    done = _run(directory, *arguments)
    text = done.stdout.decode(errors="replace").strip()
    return text if done.returncode == 0 and text else None


def _run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", str(directory), *arguments]
    try:
        return subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
    except (FileNotFoundError, NotADirectoryError, subprocess.TimeoutExpired):
        return subprocess.CompletedProcess(command, 127, b"", b"git is not there")
