"""A Dockerfile's text as a list of instructions: comments, continuations, heredocs, flags."""

from __future__ import annotations

import json
import re

from slipway.errors import ConfigError, Location
from slipway.support.data import Frozen

_DIRECTIVE = re.compile(r"^#\s*([A-Za-z]+)\s*=\s*(\S+)\s*$")
_HEREDOC = re.compile(r"""<<(-?)(["']?)([A-Za-z_][A-Za-z0-9_.]*)\2""")
_FLAG = re.compile(r"^--([a-z-]+)(?:=(\S*))?(?:\s+|$)")
_KNOWN = frozenset(
    {
        *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK"),
        *("LABEL", "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME"),
        "WORKDIR",
    }
)


class Heredoc(Frozen, frozen=True, kw_only=True):
    """One `<<NAME` and its text. `literal`: its name was quoted, so nothing is filled in."""

    name: str
    text: str
    literal: bool = False


class Instruction(Frozen, frozen=True, kw_only=True):
    """One instruction as written. `items` is set where it has the JSON form."""

    name: str
    text: str
    line: int
    flags: tuple[tuple[str, str], ...] = ()
    items: tuple[str, ...] | None = None
    heredocs: tuple[Heredoc, ...] = ()

    def flag(self, name: str) -> str | None:
        """The last value of `--name=`, or None."""
        return next((value for key, value in reversed(self.flags) if key == name), None)


def read_instructions(text: str, file: str) -> list[Instruction]:
    """All instructions of a Dockerfile. `file` is for messages. Raises ConfigError."""
    lines = text.removeprefix("\ufeff").splitlines()
    escape = _escape_character(lines)
    found: list[Instruction] = []
    at = 0
    while at < len(lines):
        if _is_blank(lines[at]):
            at += 1
            continue
        start = at
        logical, at = _join(lines, at, escape)
        heredocs, at = _heredocs(logical, lines, at, Location(file, start + 1))
        found.append(_instruction(logical, start + 1, heredocs, file))
    return found


def _escape_character(lines: list[str]) -> str:
    for line in lines:
        match = _DIRECTIVE.match(line)
        if match is None:
            break
        if match.group(1).lower() == "escape":
            return match.group(2)
    return "\\"


def _is_blank(line: str) -> bool:
    stripped = line.strip()
    return not stripped or stripped.startswith("#")


def _join(lines: list[str], at: int, escape: str) -> tuple[str, int]:
    """One logical line from `at` on, and where the next one starts."""
    parts: list[str] = []
    while at < len(lines):
        line = lines[at]
        at += 1
        if parts and _is_blank(line):
            continue
        body = line.rstrip()
        if not body.endswith(escape):
            parts.append(line.strip() if not parts else line)
            break
        parts.append(body[: -len(escape)])
    return "".join(parts).strip(), at


def _heredocs(
    logical: str, lines: list[str], at: int, location: Location
) -> tuple[tuple[Heredoc, ...], int]:
    name = logical.split(None, 1)[0].upper()
    if name not in ("RUN", "COPY", "ADD"):
        return (), at
    found: list[Heredoc] = []
    for match in _HEREDOC.finditer(logical):
        dash, quote, word = match.groups()
        body: list[str] = []
        while at < len(lines) and (lines[at].lstrip("\t") if dash else lines[at]) != word:
            body.append(lines[at].lstrip("\t") if dash else lines[at])
            at += 1
        if at == len(lines):
            raise ConfigError(f"the heredoc <<{word} has no end", location=location)
        at += 1
        text = "".join(f"{line}\n" for line in body)
        found.append(Heredoc(name=word, text=text, literal=bool(quote)))
    return tuple(found), at


def _instruction(logical: str, line: int, heredocs: tuple[Heredoc, ...], file: str) -> Instruction:
    word, _, rest = logical.partition(" ")
    if "\t" in word:
        word, _, rest = logical.partition("\t")
    name = word.upper()
    if name not in _KNOWN:
        raise ConfigError(
            f"unknown Dockerfile instruction {word}",
            location=Location(file, line),
            hint=_nearest(name),
        )
    rest = rest.strip()
    flags: list[tuple[str, str]] = []
    while name in ("FROM", "RUN", "COPY", "ADD", "HEALTHCHECK") and (found := _FLAG.match(rest)):
        flags.append((found.group(1), found.group(2) or ""))
        rest = rest[found.end() :]
    return Instruction(
        name=name,
        text=rest,
        line=line,
        flags=tuple(flags),
        items=json_form(rest),
        heredocs=heredocs,
    )


def json_form(text: str) -> tuple[str, ...] | None:
    """The items of a JSON list of strings; None where the text is none."""
    if not text.startswith("["):
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return None


def _nearest(name: str) -> str | None:
    from difflib import get_close_matches

    close = get_close_matches(name, sorted(_KNOWN), n=1)
    return f"did you mean {close[0]}?" if close else None
