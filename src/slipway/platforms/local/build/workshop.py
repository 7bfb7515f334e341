"""Where one stage is being built: its files, its scratch space, how its programs are run."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from slipway.errors import Location
from slipway.platforms.local.build.model import BuildPlan
from slipway.platforms.local.tools.command import Finished, OnLine, run_command
from slipway.support.files import storage_errors

_NOT_COPIED = shutil.ignore_patterns("node_modules", ".venv", "__pycache__", "*.egg-info")


class Workshop:
    """One stage at work. `work` is removed when the build ends, `tree` holds its files."""

    def __init__(
        self,
        plan: BuildPlan,
        work: Path,
        tree: Path,
        cache: Path,
        on_line: OnLine,
        reveal: Callable[[str], str] = str,
    ) -> None:
        self.service = plan.service
        self.work = work
        self.tree = tree
        self.cache = cache
        self.say = on_line
        self.reveal = reveal
        self.context = Path(plan.context)
        self._dockerfile = plan.dockerfile
        self._copies: dict[Path, Path] = {}

    def location(self, line: int) -> Location | None:
        """`Dockerfile:line`, or None where there is no line."""
        return Location(self._dockerfile, line) if line and self._dockerfile else None

    def real(self, path: str) -> Path:
        """Where a container path is."""
        return self.tree / path.lstrip("/")

    def find(self, path: str, binds: Mapping[str, str]) -> Path:
        """A file a RUN sees: one that is bound for it, else the stage's."""
        for target, source in binds.items():
            if path == target:
                return self.context / source
            if path.startswith(f"{target}/"):
                return self.context / source / path[len(target) + 1 :]
        return self.real(path)

    def view(self, path: str, binds: Mapping[str, str]) -> Path:
        """A folder as a RUN sees it: the stage's own, or one with the bound files put in."""
        inside = {target: source for target, source in binds.items() if target.startswith(path)}
        if not inside:
            return self.real(path)
        folder = self.scratch("view")
        with storage_errors(folder):
            if self.real(path).is_dir():
                shutil.copytree(
                    self.real(path), folder, symlinks=True, dirs_exist_ok=True, ignore=_NOT_COPIED
                )
            for target, source in inside.items():
                _copy_into(self.context / source, folder / target[len(path) :].lstrip("/"))
        return folder

    def scratch(self, name: str) -> Path:
        """A new empty folder for the time of the build."""
        with storage_errors(self.work):
            return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.work))

    def copy_of(self, folder: Path) -> Path:
        """A copy to build in, the same one each time; `folder` stays as it is."""
        if folder not in self._copies:
            copy = self.scratch("copy") / (folder.name or "project")
            with storage_errors(copy):
                shutil.copytree(folder, copy, symlinks=True, ignore=_NOT_COPIED)
            self._copies[folder] = copy
        return self._copies[folder]

    def write_whole(self, path: Path, text: str) -> None:
        """Replace a file in the cache atomically."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w") as file:
            file.write(text)
        Path(name).replace(path)

    async def run(
        self,
        argv: Sequence[str],
        cwd: Path,
        environment: Mapping[str, str],
        keep_open: tuple[int, ...] = (),
    ) -> Finished:
        """Run a helper program; its lines are said as they come."""
        return await run_command(
            argv, cwd=cwd, environment=environment, on_line=self.say, keep_open=keep_open
        )


def _copy_into(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, ignore=_NOT_COPIED)
    else:
        shutil.copyfile(source, target)
