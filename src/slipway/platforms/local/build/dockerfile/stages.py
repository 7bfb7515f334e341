"""Stages of a Dockerfile, with ARG and ENV filled in, as actions in order.

What a stage *is* (its image, working directory, command) is settled here; what each action
means on this machine is `build.emulate`'s business.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping

from slipway.errors import ConfigError, Location
from slipway.platforms.local.build.dockerfile.lexer import Heredoc, Instruction, json_form
from slipway.platforms.local.build.dockerfile.variables import expand, fields, pairs
from slipway.support.data import Frozen

SHELL = ("/bin/sh", "-c")


class Action(Frozen, frozen=True, kw_only=True):
    """One COPY, ADD, RUN, VOLUME, WORKDIR or USER, with where and with what it happens.

    `arguments`: of COPY/ADD sources then target, of RUN one shell text, else paths.
    `variables` are ENV and ARG as a RUN sees them.
    """

    name: str
    arguments: tuple[str, ...]
    line: int
    workdir: str
    flags: tuple[tuple[str, str], ...] = ()
    variables: Mapping[str, str] = {}
    heredocs: tuple[Heredoc, ...] = ()

    def flag(self, name: str) -> str | None:
        """The last value of `--name=`, or None."""
        return next((value for key, value in reversed(self.flags) if key == name), None)


class Healthcheck(Frozen, frozen=True, kw_only=True):
    """HEALTHCHECK: `command` is empty for NONE; `options` as written (`interval`: "10s")."""

    command: tuple[str, ...]
    options: Mapping[str, str] = {}


class Stage(Frozen, frozen=True, kw_only=True):
    """One FROM and what follows. `base` is the index of the stage it starts from, or None.

    `entrypoint` and `command` are None where nothing says, and argument lists else (the
    shell form is already `/bin/sh -c ...`).
    """

    index: int
    name: str
    image: str
    line: int
    base: int | None = None
    actions: tuple[Action, ...] = ()
    workdir: str = "/"
    environment: Mapping[str, str] = {}
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    expose: tuple[int, ...] = ()
    user: str = ""
    healthcheck: Healthcheck | None = None


class _Reader:
    """What a stage has been told so far."""

    def __init__(self, stage: Stage, base: Stage | None, known: Mapping[str, str]) -> None:
        self.stage = stage
        self.workdir = base.workdir if base else "/"
        self.environment = dict(base.environment) if base else {}
        self.entrypoint = base.entrypoint if base else None
        self.command = base.command if base else None
        self.expose = list(base.expose) if base else []
        self.user = base.user if base else ""
        self.healthcheck = base.healthcheck if base else None
        self.shell: tuple[str, ...] = SHELL
        self.arguments: dict[str, str] = {}
        self.known = known
        self.actions: list[Action] = []

    @property
    def values(self) -> dict[str, str]:
        return {**self.arguments, **self.environment}

    def finish(self) -> Stage:
        return Stage(
            index=self.stage.index,
            name=self.stage.name,
            image=self.stage.image,
            line=self.stage.line,
            base=self.stage.base,
            actions=tuple(self.actions),
            workdir=self.workdir,
            environment=self.environment,
            entrypoint=self.entrypoint,
            command=self.command,
            expose=tuple(self.expose),
            user=self.user,
            healthcheck=self.healthcheck,
        )


def read_stages(
    instructions: list[Instruction], arguments: Mapping[str, str], file: str
) -> list[Stage]:
    """All stages in order. `arguments` are the build's `args`. Raises ConfigError."""
    known = dict(_platform_arguments())
    stages: list[Stage] = []
    reader: _Reader | None = None
    for instruction in instructions:
        if instruction.name == "FROM":
            if reader is not None:
                stages.append(reader.finish())
            stage = _from(instruction, stages, known, file)
            base = stages[stage.base] if stage.base is not None else None
            reader = _Reader(stage, base, {**known, **arguments})
        elif reader is None:
            if instruction.name == "ARG":
                for name, value in _declared(instruction.text, known):
                    known[name] = arguments.get(name, value or "")
                continue
            raise ConfigError(
                f"{instruction.name} stands before the first FROM",
                location=Location(file, instruction.line),
            )
        else:
            _follow(reader, instruction)
    if reader is None:
        raise ConfigError("the Dockerfile has no FROM", location=Location(file, 1))
    return [*stages, reader.finish()]


def _platform_arguments() -> dict[str, str]:
    """The ARGs that BuildKit sets by itself, for this machine."""
    import platform

    machine = platform.machine().lower()
    arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    return {
        f"{side}{name}": value
        for side in ("TARGET", "BUILD")
        for name, value in {"PLATFORM": f"linux/{arch}", "OS": "linux", "ARCH": arch}.items()
    }


def _from(
    instruction: Instruction, stages: list[Stage], known: Mapping[str, str], file: str
) -> Stage:
    parts = fields(instruction.text, known)
    if not parts or not parts[0]:
        raise ConfigError("FROM names no image", location=Location(file, instruction.line))
    name = parts[2].lower() if len(parts) == 3 and parts[1].lower() == "as" else ""
    base = next((stage.index for stage in stages if stage.name == parts[0].lower()), None)
    image = parts[0] if base is None else stages[base].image
    return Stage(index=len(stages), name=name, image=image, line=instruction.line, base=base)


def _declared(text: str, values: Mapping[str, str]) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    for word in fields(text, values):
        name, has, value = word.partition("=")
        found.append((name, value if has else None))
    return found


def _follow(reader: _Reader, instruction: Instruction) -> None:
    handler = _HANDLERS.get(instruction.name)
    if handler is not None:
        handler(reader, instruction)


def _arg(reader: _Reader, instruction: Instruction) -> None:
    for name, default in _declared(instruction.text, reader.values):
        value = reader.known.get(name, default)
        if value is not None:
            reader.arguments[name] = value


def _env(reader: _Reader, instruction: Instruction) -> None:
    reader.environment.update(pairs(instruction.text, reader.values))


def _workdir(reader: _Reader, instruction: Instruction) -> None:
    path = " ".join(fields(instruction.text, reader.values))
    reader.workdir = posixpath.normpath(posixpath.join(reader.workdir, path))
    _act(reader, instruction, (reader.workdir,))


def _expose(reader: _Reader, instruction: Instruction) -> None:
    for word in fields(instruction.text, reader.values):
        first, _, last = word.partition("/")[0].partition("-")
        if first.isdigit() and (last.isdigit() or not last):
            reader.expose.extend(range(int(first), int(last or first) + 1))


def _command(reader: _Reader, instruction: Instruction) -> None:
    reader.command = _start(reader, instruction)


def _entrypoint(reader: _Reader, instruction: Instruction) -> None:
    reader.entrypoint = _start(reader, instruction)
    reader.command = None


def _start(reader: _Reader, instruction: Instruction) -> tuple[str, ...]:
    if instruction.items is not None:
        return instruction.items
    return (*reader.shell, instruction.text)


def _healthcheck(reader: _Reader, instruction: Instruction) -> None:
    word, _, rest = instruction.text.partition(" ")
    command: tuple[str, ...] = ()
    if word.upper() == "CMD":
        items = json_form(rest.strip())
        command = items if items is not None else (*reader.shell, rest.strip())
    reader.healthcheck = Healthcheck(command=command, options=dict(instruction.flags))


def _shell(reader: _Reader, instruction: Instruction) -> None:
    reader.shell = instruction.items or reader.shell


def _user(reader: _Reader, instruction: Instruction) -> None:
    reader.user = expand(instruction.text, reader.values).strip()
    _act(reader, instruction, (reader.user,))


def _paths(reader: _Reader, instruction: Instruction) -> None:
    if instruction.items is not None:
        found = [expand(item, reader.values) for item in instruction.items]
    else:
        found = fields(instruction.text, reader.values)
    _act(reader, instruction, tuple(found))


def _run(reader: _Reader, instruction: Instruction) -> None:
    import shlex

    text = shlex.join(instruction.items) if instruction.items is not None else instruction.text
    if instruction.heredocs and instruction.text.startswith("<<"):
        text = instruction.heredocs[0].text
    _act(reader, instruction, (text,))


def _act(reader: _Reader, instruction: Instruction, arguments: tuple[str, ...]) -> None:
    flags = tuple((name, expand(value, reader.values)) for name, value in instruction.flags)
    reader.actions.append(
        Action(
            name=instruction.name,
            arguments=arguments,
            line=instruction.line,
            workdir=reader.workdir,
            flags=flags,
            variables=reader.values,
            heredocs=instruction.heredocs,
        )
    )


_HANDLERS: Mapping[str, Callable[[_Reader, Instruction], None]] = {
    "ARG": _arg,
    "ENV": _env,
    "WORKDIR": _workdir,
    "EXPOSE": _expose,
    "CMD": _command,
    "ENTRYPOINT": _entrypoint,
    "SHELL": _shell,
    "HEALTHCHECK": _healthcheck,
    "USER": _user,
    "COPY": _paths,
    "ADD": _paths,
    "VOLUME": _paths,
    "RUN": _run,
}
