"""`.dockerignore`: which paths of a build context are left out.

Rules apply in order and the last that matches wins; a rule that matches a folder matches all
below it, and `!` takes paths back in.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import NamedTuple

_ALWAYS_FOLDERS = frozenset(
    {
        *(".git", "__pycache__", "node_modules", ".venv"),
        *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"),
    }
)


def is_never_copied(name: str) -> bool:
    """Folders that belong to this machine's working tree, whatever `.dockerignore` says."""
    return name in _ALWAYS_FOLDERS


class Verdict(NamedTuple):
    """`matched`: one bit a rule, handed down to what is below. `excluded`: the outcome."""

    matched: int
    excluded: bool


class Ignore:
    """The rules of one `.dockerignore`, for a walk from the top."""

    def __init__(self, text: str) -> None:
        rules = [_rule(line) for line in text.removeprefix("\ufeff").splitlines()]
        self._rules = [rule for rule in rules if rule is not None]
        self.takes_back = any(negated for negated, _ in self._rules)
        joined = "|".join(f"(?:{pattern})" for negated, pattern in self._rules if not negated)
        self._any = re.compile(joined) if joined and not self.takes_back else None
        self._each = [(negated, re.compile(pattern)) for negated, pattern in self._rules]

    def judge(self, path: str, parent: Verdict) -> Verdict:
        """`path` is relative, with `/`; `parent` is the verdict on its folder."""
        if not self.takes_back:
            excluded = parent.excluded or bool(self._any and self._any.fullmatch(path))
            return Verdict(0, excluded)
        matched, excluded = 0, False
        for index, (negated, pattern) in enumerate(self._each):
            if parent.matched >> index & 1 or pattern.fullmatch(path):
                matched |= 1 << index
                excluded = not negated
        return Verdict(matched, excluded)


TOP = Verdict(0, False)


def read_ignore(context: Path, dockerfile: Path | None) -> Ignore:
    """`NAME.dockerignore` beside the Dockerfile, else the context's `.dockerignore`."""
    candidates = [context / ".dockerignore"]
    if dockerfile is not None:
        candidates.insert(0, dockerfile.with_name(f"{dockerfile.name}.dockerignore"))
    for candidate in candidates:
        if candidate.is_file():
            return Ignore(candidate.read_text(errors="replace"))
    return Ignore("")


def _rule(line: str) -> tuple[bool, str] | None:
    if line.startswith("#"):
        return None
    text = line.strip()
    negated = text.startswith("!")
    if negated:
        text = text[1:].strip()
    if not text:
        return None
    text = posixpath.normpath(text).lstrip("/")
    if text in (".", ""):
        return None
    return negated, translate(text)


def translate(pattern: str) -> str:
    """A pattern as a regular expression: `**` any folders, `*` and `?` within one name."""
    result: list[str] = []
    at = 0
    while at < len(pattern):
        if pattern.startswith("**", at):
            at += 2
            if pattern.startswith("/", at):
                at += 1
            result.append(".*" if at == len(pattern) else "(?:.*/)?")
            continue
        char = pattern[at]
        at += 1
        if char == "*":
            result.append("[^/]*")
        elif char == "?":
            result.append("[^/]")
        elif char == "[" and "]" in pattern[at + 1 :]:
            end = pattern.index("]", at + 1)
            body = pattern[at:end].replace("[", r"\[")
            result.append(f"[{body}]")
            at = end + 1
        elif char == "\\" and at < len(pattern):
            result.append(re.escape(pattern[at]))
            at += 1
        else:
            result.append(re.escape(char))
    return "".join(result)
