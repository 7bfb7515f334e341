"""A Dockerfile's stages as operations on this machine, with what is left out as notes."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence

from slipway.errors import ConfigError, Location
from slipway.platforms.local.build.dockerfile import Action, Stage, find_stage
from slipway.platforms.local.build.model import (
    Bring,
    Folder,
    Operation,
    Put,
    Run,
    StagePlan,
    VenvAt,
    Write,
)
from slipway.platforms.local.build.paths import is_system
from slipway.platforms.local.build.runlines import FILE_PROGRAMS, absolute_paths, read_run

_WILD = re.compile(r"[*?\[]")
_ARCHIVE = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


class Emulation:
    """Reads the stages of one Dockerfile against the files of its context."""

    def __init__(self, chain: Sequence[Stage], files: Iterable[str], dockerfile: str) -> None:
        self._chain = list(chain)
        self._files = list(files)
        self._dockerfile = dockerfile
        self._places = {stage.index: place for place, stage in enumerate(chain)}
        self._folders: dict[int, set[str]] = {}
        self._incomplete: set[int] = set()
        self.notes: list[str] = []
        self.paths: list[str] = []

    def read(self) -> tuple[StagePlan, ...]:
        """Every stage in order. Raises ConfigError for a COPY of what is not there."""
        return tuple(self._stage(stage) for stage in self._chain)

    def _stage(self, stage: Stage) -> StagePlan:
        base = None if stage.base is None else self._places[stage.base]
        self._folders[stage.index] = {
            "/",
            *(self._folders[stage.base] if stage.base is not None else ()),
        }
        operations: list[Operation] = []
        for action in stage.actions:
            operations.extend(self._action(stage, action))
        return StagePlan(name=stage.name, base=base, operations=tuple(operations))

    def _note(self, line: int, text: str) -> None:
        self.notes.append(f"{self._dockerfile}:{line}: {text}")

    def _action(self, stage: Stage, action: Action) -> list[Operation]:
        if action.name in ("COPY", "ADD"):
            return self._copy(stage, action)
        if action.name == "RUN":
            return self._run(stage, action)
        if action.name == "USER":
            if action.arguments[0].split(":")[0] not in ("root", "0"):
                self._note(action.line, f"USER {action.arguments[0]}: runs as you instead")
            return []
        return [self._folder(stage, path) for path in action.arguments if not is_system(path)]

    def _folder(self, stage: Stage, path: str) -> Folder:
        self.paths.append(path)
        self._folders[stage.index].add(posixpath.normpath(path))
        return Folder(path=path)

    def _run(self, stage: Stage, action: Action) -> list[Operation]:
        meaning = read_run(action)
        if any(name == "mount" and "type=secret" in value for name, value in action.flags):
            self._note(action.line, "build secrets are not given to this RUN")
        found: list[Operation] = []
        for operation in meaning.operations:
            if isinstance(operation, Folder):
                found.append(self._folder(stage, operation.path))
            elif isinstance(operation, VenvAt):
                if not is_system(operation.path):
                    self.paths.append(operation.path)
                    found.append(operation)
            else:
                if isinstance(operation, Run) and operation.program in FILE_PROGRAMS:
                    self.paths.extend(absolute_paths(operation.text))
                found.append(operation)
        if meaning.skipped:
            self._incomplete.add(stage.index)
            first = " ".join(meaning.skipped[0].split())
            more = f" (and {len(meaning.skipped) - 1} more)" if len(meaning.skipped) > 1 else ""
            self._note(action.line, f"not run on this machine: {_short(first)}{more}")
        return found

    def _copy(self, stage: Stage, action: Action) -> list[Operation]:
        if len(action.arguments) < 2:
            raise ConfigError(
                f"{action.name} needs a source and a target",
                location=Location(self._dockerfile, action.line),
            )
        *sources, target = action.arguments
        folder = self._is_folder(stage, action, target, sources)
        target = posixpath.normpath(posixpath.join(action.workdir, target))
        origin = action.flag("from")
        if origin is not None:
            return self._bring(action, origin, sources, target, folder)
        if action.heredocs and sources[0].startswith("<<"):
            return self._write(action, target, folder)
        return self._put(stage, action, sources, target, folder)

    def _is_folder(self, stage: Stage, action: Action, target: str, sources: list[str]) -> bool:
        if target.endswith("/") or target in (".", "..") or len(sources) > 1:
            return True
        path = posixpath.normpath(posixpath.join(action.workdir, target))
        return path in self._folders[stage.index] or is_system(path)

    def _bring(
        self, action: Action, origin: str, sources: list[str], target: str, folder: bool
    ) -> list[Operation]:
        found = find_stage(self._chain, origin)
        if found is None:
            if "uv" not in origin and "poetry" not in origin:
                what = " ".join(action.arguments)
                self._note(action.line, f"not copied from image {origin}: {what}")
            return []
        absolute = tuple(posixpath.normpath(posixpath.join("/", source)) for source in sources)
        if is_system(target):
            self.paths.extend(posixpath.join(target, posixpath.basename(s)) for s in absolute)
        else:
            self.paths.append(target)
        return [
            Bring(
                stage=self._places[found.index],
                sources=absolute,
                lenient=found.index in self._incomplete,
                target=f"{target}/" if folder and target != "/" else target,
                line=action.line,
            )
        ]

    def _write(self, action: Action, target: str, folder: bool) -> list[Operation]:
        found: list[Operation] = []
        for heredoc in action.heredocs:
            path = posixpath.join(target, heredoc.name) if folder else target
            text = heredoc.text if heredoc.literal else _filled(heredoc.text, action.variables)
            self.paths.append(path)
            found.append(Write(target=path, text=text, mode=_mode(action)))
        return found

    def _put(
        self, stage: Stage, action: Action, sources: list[str], target: str, folder: bool
    ) -> list[Operation]:
        files: list[tuple[str, str]] = []
        excluded = [value for name, value in action.flags if name == "exclude"]
        for source in sources:
            if "://" in source or source.startswith("git@"):
                self._note(action.line, f"not fetched: {source}")
                continue
            if action.name == "ADD" and source.endswith(_ARCHIVE):
                self._note(action.line, f"not unpacked: {source}")
            files.extend(self._matched(source, target, folder, action))
        files = [pair for pair in files if not any(fnmatch.fnmatch(pair[0], e) for e in excluded)]
        self.paths.extend(self._own_targets(files, target, folder))
        known = self._folders[stage.index]
        for _, path in files:
            while (path := posixpath.dirname(path)) not in known:
                known.add(path)
        if folder:
            known.add(target)
        return [
            Put(
                files=tuple(files),
                mode=_mode(action),
                folder=target if folder else None,
                line=action.line,
            )
        ]

    @staticmethod
    def _own_targets(files: list[tuple[str, str]], target: str, folder: bool) -> list[str]:
        if folder and not is_system(target):
            return [target]
        return [path for _, path in files]

    def _matched(
        self, source: str, target: str, folder: bool, action: Action
    ) -> list[tuple[str, str]]:
        """(source, container path) of every file that `source` means."""
        wanted = posixpath.normpath(f"/{source}").lstrip("/") or "."
        if wanted == ".":
            return [(file, posixpath.join(target, file)) for file in self._files]
        names = self._expand(wanted)
        found: list[tuple[str, str]] = []
        for name in names:
            if name in self._file_set:
                at = posixpath.join(target, posixpath.basename(name))
                found.append((name, at if folder or len(names) > 1 else target))
            else:
                inside = len(name) + 1
                found.extend(
                    (file, posixpath.join(target, file[inside:]))
                    for file in self._files
                    if file.startswith(f"{name}/")
                )
        if not found and not _WILD.search(source):
            raise ConfigError(
                f"{action.name} {source}: the build context has no such file",
                location=Location(self._dockerfile, action.line),
                hint="is it left out by .dockerignore?",
            )
        return found

    @property
    def _file_set(self) -> frozenset[str]:
        if not hasattr(self, "_set"):
            self._set = frozenset(self._files)
        return self._set

    def _expand(self, pattern: str) -> list[str]:
        """The files and folders a pattern matches, `*` within one name."""
        if not _WILD.search(pattern):
            return [pattern]
        depth = pattern.count("/") + 1
        candidates = dict.fromkeys("/".join(file.split("/")[:depth]) for file in self._files)
        parts = pattern.split("/")
        return [
            candidate
            for candidate in candidates
            if len(names := candidate.split("/")) == depth
            and all(fnmatch.fnmatchcase(n, p) for n, p in zip(names, parts, strict=True))
        ]


def _filled(text: str, values: Mapping[str, str]) -> str:
    from slipway.platforms.local.build.dockerfile.variables import expand

    return (
        expand(text.replace("'", "\0").replace('"', "\1"), values)
        .replace("\0", "'")
        .replace("\1", '"')
    )


def _mode(action: Action) -> int | None:
    text = action.flag("chmod") or ""
    if text in ("+x", "a+x", "u+x", "ugo+x"):
        return 0o755
    return int(text, 8) if text and all(digit in "01234567" for digit in text) else None


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
