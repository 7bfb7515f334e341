"""What each command of a RUN means here: an install that we do, a command that we run, or a line
about the container's system that this machine does not need.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import NamedTuple

import msgspec

from slipway.platforms.local.build.dockerfile.stages import Action
from slipway.platforms.local.build.dockerfile.variables import expand
from slipway.platforms.local.build.model import (
    Folder,
    InstallNode,
    InstallPython,
    Operation,
    Run,
    VenvAt,
)
from slipway.platforms.local.build.nodelines import node_command
from slipway.platforms.local.build.paths import is_system
from slipway.platforms.local.build.pythonlines import python_install, uv_command
from slipway.platforms.local.build.shell import split_commands

_QUIET = frozenset({"set", "true", ":", "echo", "exit", "unset", "hash", "wait", "sync", "ulimit"})
FILE_PROGRAMS = frozenset(
    {"cp", "mv", "ln", "rm", "touch", "sed", "chmod", "printf", "cat", "tee", "echo"}
)
_RUNTIMES = frozenset({"node", "npm", "npx", "yarn", "yarnpkg", "pnpm"})
_FOR_PYTHON = (
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX"),
    *("UV_KEYRING", "SETUPTOOLS_SCM_PRETEND", "PBR_VERSION", "POETRY_DYNAMIC_VERSIONING"),
)
_BELOW_SYSTEM = ("/etc/", "/usr/", "/var/", "/bin/", "/lib/", "/root/", "/dev/", "/tmp/", "/proc/")
_ASSIGNED = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*=")
_PYTHON = re.compile(r"^(?:/usr/(?:local/)?bin/)?python(?:3(?:\.\d+)?)?$")


class Line(NamedTuple):
    """One command of a RUN, taken apart. `words` have their variables filled in."""

    text: str
    words: tuple[str, ...]
    workdir: str
    variables: Mapping[str, str]
    binds: Mapping[str, str]
    line: int


class Meaning(NamedTuple):
    """What to do for one RUN; `skipped` are commands that are left out, to be said."""

    operations: list[Operation]
    skipped: list[str]


def read_run(action: Action) -> Meaning:
    """Everything that one RUN asks for."""
    meaning = Meaning([], [])
    workdir, variables = action.workdir, dict(action.variables)
    binds = _binds(action)
    commands = split_commands(action.arguments[0])
    if commands is None:
        meaning.skipped.append(action.arguments[0].strip())
    for text in commands or ():
        words = _words(text, variables)
        while words and _ASSIGNED.match(words[0]):
            name, _, value = words[0].partition("=")
            variables = {**variables, name: value}
            words = words[1:]
        if not words:
            continue
        if words[0] == "cd" and len(words) == 2:
            workdir = posixpath.normpath(posixpath.join(workdir, words[1]))
        elif words[0] == "export":
            variables.update(pair.partition("=")[::2] for pair in words[1:] if "=" in pair)
        else:
            line = Line(text, tuple(words), workdir, variables, binds, action.line)
            _understand(line, meaning)
    return meaning


def _words(text: str, variables: Mapping[str, str]) -> list[str]:
    try:
        return shlex.split(expand(text, variables), comments=True)
    except ValueError:
        return text.split()


def _binds(action: Action) -> dict[str, str]:
    """`--mount=type=bind` of the context: container path -> path in the context."""
    found: dict[str, str] = {}
    for name, value in action.flags:
        if name != "mount":
            continue
        options = dict(part.partition("=")[::2] for part in value.split(","))
        if options.get("type", "bind") != "bind" or "from" in options:
            continue
        target = options.get("target") or options.get("dst") or options.get("destination")
        source = options.get("source") or options.get("src") or "."
        if target:
            path = posixpath.normpath(posixpath.join(action.workdir, target))
            found[path] = posixpath.normpath(source).lstrip("/")
    return found


def _understand(line: Line, meaning: Meaning) -> None:
    for reader in _READERS:
        found = reader(line)
        if found is not None:
            meaning.operations.extend(_with_variables(operation, line) for operation in found)
            return
    meaning.skipped.append(line.text)


def _with_variables(operation: Operation, line: Line) -> Operation:
    if isinstance(operation, InstallNode):
        kept = {name: value for name, value in line.variables.items() if name != "PATH"}
    elif isinstance(operation, InstallPython):
        kept = {n: value for n, value in line.variables.items() if n.startswith(_FOR_PYTHON)}
    else:
        return operation
    return msgspec.structs.replace(operation, variables=kept) if kept else operation


def _nothing(line: Line) -> list[Operation] | None:
    if ">" in line.text and line.words[0] == "echo":
        return None
    return [] if line.words[0] in _QUIET else None


def _venv(line: Line) -> list[Operation] | None:
    words = _without_prefix(line.words)
    made = words[:1] == ("virtualenv",) or words[:2] == ("uv", "venv")
    if _PYTHON.match(words[0]) and words[1:3] in (("-m", "venv"), ("-m", "virtualenv")):
        made = True
    if not made:
        return None
    folders = [word for word in words[1:] if not word.startswith("-") and "venv" in word]
    path = folders[-1] if folders and folders[-1] not in ("venv", "virtualenv") else ".venv"
    return [VenvAt(path=posixpath.normpath(posixpath.join(line.workdir, path)))]


def _without_prefix(words: tuple[str, ...]) -> tuple[str, ...]:
    while words and words[0] in ("sudo", "exec", "time", "nice") and len(words) > 1:
        words = words[1:]
    return words


def _python(line: Line) -> list[Operation] | None:
    words = _without_prefix(line.words)
    if _PYTHON.match(words[0]) and words[1:3] == ("-m", "pip"):
        words = ("pip", *words[3:])
    found = python_install(words, line.workdir, line.binds, line.line)
    if found is None:
        found = uv_command(words, line.workdir, line.variables, line.binds, line.line)
    return found


def _node(line: Line) -> list[Operation] | None:
    words = _without_prefix(line.words)
    return node_command(words, line.workdir, line.binds, line.line)


def _mkdir(line: Line) -> list[Operation] | None:
    if line.words[0] not in ("mkdir", "install"):
        return None
    if line.words[0] == "install" and "-d" not in line.words:
        return None
    options = ("-m", "--mode", "-o", "-g")
    paths = [
        word
        for before, word in pairwise(line.words)
        if not word.startswith("-") and before not in options
    ]
    absolute = [posixpath.normpath(posixpath.join(line.workdir, path)) for path in paths]
    return [Folder(path=path) for path in absolute if not is_system(path)]


def _ownership(line: Line) -> list[Operation] | None:
    """Users and owners are the container's; here everything belongs to who deploys."""
    return [] if line.words[0] in ("chown", "chgrp") else None


def _files(line: Line) -> list[Operation] | None:
    if line.words[0] not in FILE_PROGRAMS:
        return None
    if not _stays_inside(line):
        return [] if line.words[0] == "rm" else None
    return [_run(line, line.text, line.words[0], required=True)]


def _stays_inside(line: Line) -> bool:
    """May it touch only the artifact's own paths?"""
    if "~" in line.text or "$HOME" in line.text or "`" in line.text or "$(" in line.text:
        return False
    if is_system(line.workdir) or any(".." in word.split("/") for word in line.words):
        return False
    return not any(
        is_system(path.rstrip("*").rstrip("/") or "/") or path.startswith(_BELOW_SYSTEM)
        for path in absolute_paths(" ".join(line.words))
    )


def absolute_paths(text: str) -> list[str]:
    """Everything in a command that may be an absolute path."""
    return re.findall(r"(?<![\w.*?\]}/-])/[^\s\"';|&<>()]*", text)


def _program(line: Line) -> list[Operation] | None:
    words = _without_prefix(line.words)
    if words[0] in ("poetry", "pipenv", "uv") and words[1:2] == ("run",) and len(words) > 2:
        rest = [word for word in words[2:] if not word.startswith("--") or word not in _RUN_FLAGS]
        text = line.text[line.text.index(rest[0], line.text.index("run") + 3) :]
        return [_run(line, text, rest[0], required=True)]
    name = words[0]
    if name in _RUNTIMES and {"-g", "--global"} & set(words):
        return None
    if _PYTHON.match(name) or name in _RUNTIMES or name.endswith((".py", ".js", ".mjs")):
        return [_run(line, line.text, posixpath.basename(name), required=True)]
    if name in SYSTEM or name in FILE_PROGRAMS or "/" in name or name.startswith((".", "-")):
        return None
    return [_run(line, line.text, name, required=False)]


def _run(line: Line, text: str, program: str, *, required: bool) -> Run:
    return Run(
        text=text,
        program=program,
        workdir=line.workdir,
        variables=line.variables,
        required=required,
        line=line.line,
    )


_RUN_FLAGS = ("--frozen", "--no-sync", "--no-dev", "--locked")
SYSTEM = frozenset(
    {
        *("apt", "apt-get", "aptitude", "apk", "dnf", "yum", "microdnf", "dpkg", "rpm", "pacman"),
        *("useradd", "adduser", "groupadd", "addgroup", "usermod", "userdel", "passwd", "chpasswd"),
        *("curl", "wget", "git", "tar", "unzip", "gpg", "gunzip", "xz", "make", "gcc", "cmake"),
        *("ldconfig", "locale-gen", "update-locale", "update-ca-certificates", "dpkg-reconfigure"),
        *("systemctl", "service", "su", "gosu", "setcap", "sysctl", "mount", "ln", "find", "xargs"),
        *(
            "bash",
            "sh",
            "dash",
            "ash",
            "zsh",
            "source",
            ".",
            "eval",
            "test",
            "[",
            "nginx",
            "a2enmod",
        ),
        *("brew", "snap", "cargo", "rustup", "go", "mvn", "gradle", "gem", "bundle", "composer"),
        *("playwright", "conda", "mamba", "micromamba", "pyenv", "nvm", "asdf", "install", "rm"),
    }
)
"""Words that are about the container's own system, or that reach outside the artifact."""

_READERS: tuple[Callable[[Line], list[Operation] | None], ...] = (
    _nothing,
    _venv,
    _python,
    _node,
    _mkdir,
    _ownership,
    _files,
    _program,
)
