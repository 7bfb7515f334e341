"""Commands that install Python packages: pip, uv, poetry, pipenv."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from slipway.platforms.local.build.model import InstallPython, Operation, PythonSource, VenvAt

_TOOLING = frozenset({"pip", "setuptools", "wheel", "uv", "poetry", "pipenv", "virtualenv"})
_WITH_VALUE = frozenset(
    {
        *("-r", "--requirement", "--requirements", "-c", "--constraint", "-i", "--index-url"),
        *("--extra-index-url", "-f", "--find-links", "--target", "-t", "--prefix", "--root"),
        *("--timeout", "--retries", "--trusted-host", "--cache-dir", "-e", "--editable"),
        *("--only-binary", "--no-binary", "--python", "-p", "--progress-bar", "-w", "--wheel-dir"),
        *("--platform", "--index", "--default-index", "--extra", "--group", "--with", "--only"),
        *("--without", "--extras", "-E", "--package", "--link-mode", "--no-install-package"),
        *("--upgrade-strategy", "--src", "--default-timeout", "--python-version", "--directory"),
        *("--only-group", "--no-group", "--without-hashes", "--project", "--index-strategy"),
    }
)
_INDEX_FLAGS = {
    "-i": "--index-url",
    "--index-url": "--index-url",
    "--default-index": "--index-url",
    "--extra-index-url": "--extra-index-url",
    "--index": "--extra-index-url",
    "-f": "--find-links",
    "--find-links": "--find-links",
}


class Arguments(NamedTuple):
    """A command's flags with their values in order, and its plain words."""

    flags: list[tuple[str, str]]
    plain: list[str]

    def all(self, *names: str) -> list[str]:
        return [value for name, value in self.flags if name in names]

    def has(self, *names: str) -> bool:
        return any(name in names for name, _ in self.flags)


def read_arguments(words: Sequence[str]) -> Arguments:
    """Flags and plain words of an install command."""
    found = Arguments([], [])
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            found.plain.append(word)
        elif word.startswith("--") and "=" in word:
            name, _, value = word.partition("=")
            found.flags.append((name, value))
        elif word in _WITH_VALUE and rest:
            found.flags.append((word, rest.pop(0)))
        elif len(word) > 2 and word[:2] in ("-r", "-c", "-e") and word[1] != "-":
            found.flags.append((word[:2], word[2:]))
        else:
            found.flags.append((word, ""))
    return found


def python_install(
    words: Sequence[str], workdir: str, binds: Mapping[str, str], line: int
) -> list[Operation] | None:
    """What an installing command means; None if it is none of these."""
    if words[0] in ("pip", "pip3") and len(words) > 1:
        return _pip(list(words[1:]), workdir, binds, line)
    if words[0] == "uv" and words[1:2] == ("pip",) and len(words) > 2:
        return _pip(list(words[2:]), workdir, binds, line)
    if words[0] == "poetry" and len(words) > 1:
        return _poetry(list(words[1:]), workdir, binds, line)
    if words[0] == "pipenv" and words[1:2] in (("install",), ("sync",)):
        dev = "--dev" in words or "-d" in words
        return [_lock("pipenv", workdir, binds, line, dev=dev)]
    return None


def _pip(
    words: list[str], workdir: str, binds: Mapping[str, str], line: int
) -> list[Operation] | None:
    if words[0] not in ("install", "sync", "wheel", "download"):
        return (
            [] if words[0] in ("config", "cache", "check", "list", "freeze", "uninstall") else None
        )
    arguments = read_arguments(words[1:])
    files = arguments.all("-r", "--requirement", "--requirements")
    plain = arguments.plain
    if words[0] == "sync":
        files, plain = [*files, *plain], []
    options = _index_options(arguments)
    found: list[Operation] = []
    if files:
        found.append(
            InstallPython(
                source="requirements",
                workdir=workdir,
                files=tuple(_at(workdir, file) for file in files),
                constraints=tuple(_at(workdir, c) for c in arguments.all("-c", "--constraint")),
                options=options,
                binds=binds,
                line=line,
            )
        )
    editable = arguments.all("-e", "--editable")
    projects = [*editable, *(word for word in plain if _is_folder(word))]
    found.extend(_project(project, workdir, binds, line) for project in projects)
    packages = [word for word in plain if _is_package(word)]
    if packages:
        found.append(
            InstallPython(
                source="packages",
                workdir=workdir,
                packages=tuple(packages),
                constraints=tuple(_at(workdir, c) for c in arguments.all("-c", "--constraint")),
                options=options,
                line=line,
            )
        )
    return found


def _index_options(arguments: Arguments) -> tuple[str, ...]:
    """Index flags as requirement lines; folders of the container hold what was made before."""
    return tuple(
        f"{_INDEX_FLAGS[name]} {value}"
        for name, value in arguments.flags
        if name in _INDEX_FLAGS and not value.startswith("/") and "://" in value
    )


def _at(workdir: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(workdir, path))


def _is_folder(word: str) -> bool:
    name = word.partition("[")[0]
    return name in (".", "..") or (
        name.startswith(("./", "../", "/")) and not name.endswith((".whl", "*", ".tar.gz"))
    )


def _is_package(word: str) -> bool:
    if _is_folder(word) or word.startswith(("/", "./", "*")) or word.endswith("*"):
        return False
    name = word.partition("[")[0]
    for separator in "=<>~!;@ ":
        name = name.partition(separator)[0]
    return name.lower() not in _TOOLING


def _project(word: str, workdir: str, binds: Mapping[str, str], line: int) -> InstallPython:
    folder, _, extras = word.partition("[")
    return InstallPython(
        source="project",
        workdir=workdir,
        files=(_at(workdir, folder),),
        extras=tuple(part.strip() for part in extras.rstrip("]").split(",") if part.strip()),
        project=True,
        binds=binds,
        line=line,
    )


def _lock(
    source: PythonSource,
    workdir: str,
    binds: Mapping[str, str],
    line: int,
    *,
    dev: bool = False,
    project: bool = False,
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
) -> InstallPython:
    return InstallPython(
        source=source,
        workdir=workdir,
        dev=dev,
        project=project,
        extras=tuple(extras),
        groups=tuple(groups),
        binds=binds,
        line=line,
    )


def _poetry(
    words: list[str], workdir: str, binds: Mapping[str, str], line: int
) -> list[Operation] | None:
    if words[0] in ("config", "self", "lock", "check", "env", "export"):
        return []
    if words[0] not in ("install", "sync"):
        return None
    arguments = read_arguments(words[1:])
    without_dev = arguments.has("--no-dev") or "dev" in ",".join(arguments.all("--without"))
    only = _many(arguments.all("--only"))
    groups = [group for group in (*only, *_many(arguments.all("--with"))) if group != "main"]
    return [
        _lock(
            "poetry",
            workdir,
            binds,
            line,
            dev=not (without_dev or only),
            project=not arguments.has("--no-root"),
            extras=_many(arguments.all("--extras", "-E")),
            groups=groups,
        )
    ]


def _many(values: Sequence[str]) -> list[str]:
    return [part for value in values for part in value.replace(",", " ").split()]


def uv_command(
    words: Sequence[str],
    workdir: str,
    variables: Mapping[str, str],
    binds: Mapping[str, str],
    line: int,
) -> list[Operation] | None:
    """`uv sync` and its neighbours; None if it is not uv's, or `uv run`."""
    if words[0] != "uv" or len(words) < 2 or words[1] == "run":
        return None
    if words[1] in ("export", "lock", "python", "cache", "self", "version", "tool"):
        return []
    if words[1] != "sync":
        return None
    arguments = read_arguments(words[2:])
    without = ("--no-dev", "--no-default-groups", "--only-group")
    project = not arguments.has("--no-install-project", "--no-install-workspace")
    extras = ["*"] if arguments.has("--all-extras") else arguments.all("--extra")
    venv = variables.get("UV_PROJECT_ENVIRONMENT") or ".venv"
    return [
        VenvAt(path=_at(workdir, venv)),
        _lock(
            "uv",
            workdir,
            binds,
            line,
            dev=not arguments.has(*without) and variables.get("UV_NO_DEV", "") in ("", "0"),
            project=project,
            extras=extras,
            groups=arguments.all("--group", "--only-group"),
        ),
    ]
