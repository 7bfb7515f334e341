"""Two releases beside each other, for people and as a document."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from slipway.cli.render.documents import DiffDocument, ReleaseName
from slipway.cli.render.style import paint, width
from slipway.engine.compare import Comparison
from slipway.plan.compare import Compared, Difference
from slipway.plan.release import Release

_MARKS = {"add": ("+", "green"), "change": ("~", "yellow"), "remove": ("-", "red")}
_WORDS = {"add": "added", "change": "", "remove": "removed"}
_NONE = "(none)"


def diff_lines(found: Comparison) -> list[str]:
    """What differs, by service, in the terminal's width; then what is the same."""
    lines = [paint(f"{_name(found.before)} -> {_after(found)}", "bold"), ""]
    for each in found.compared:
        if each.action != "keep":
            lines += _subject(each)
    same = [each.subject for each in found.compared if each.action == "keep"]
    if found.same:
        return [*lines, "Nothing differs."]
    if same:
        wrapped = textwrap.wrap(", ".join(same), width() - 13)
        lines += [paint(f"  = {line}", "dim") for line in (wrapped[:-1])]
        lines.append(paint(f"  = {wrapped[-1]}: the same", "dim"))
    return lines


def _name(release: Release) -> str:
    return f"release {release.number} ({release.label})"


def _after(found: Comparison) -> str:
    return _name(found.after) if found.after_made else "the working tree"


def _subject(each: Compared) -> list[str]:
    mark, colour = _MARKS[each.action]
    said = " ".join(word for word in (each.subject, _WORDS[each.action]) if word)
    lines = [paint(f"  {mark} {said}", colour)]
    if each.reason:
        lines += _wrapped(each.reason, 6)
    for difference in each.differences:
        lines += _difference(difference)
    return lines


def _difference(difference: Difference) -> list[str]:
    """On one line where it fits, else the two values below each other."""
    before = _NONE if difference.before is None else difference.before
    after = _NONE if difference.after is None else difference.after
    line = f"      {difference.what}: {before} -> {after}"
    if len(line) <= width() and "\n" not in line:
        return [line]
    return [
        *_wrapped(f"{difference.what}:", 6),
        *_value("-", before),
        *_value("+", after),
    ]


def _value(mark: str, text: str) -> list[str]:
    room = width() - 10
    rows = [part for line in text.splitlines() or [""] for part in _cut(line, room)]
    return [f"        {mark} {rows[0]}", *(f"          {row}" for row in rows[1:])]


def _cut(line: str, room: int) -> Sequence[str]:
    return textwrap.wrap(line, room, drop_whitespace=False, break_on_hyphens=False) or [""]


def _wrapped(text: str, indent: int) -> list[str]:
    space = " " * indent
    return textwrap.wrap(text, width(), initial_indent=space, subsequent_indent=space)


def diff_document(found: Comparison, environment: str) -> DiffDocument:
    """For programs."""
    return DiffDocument(
        environment=environment,
        before=ReleaseName(number=found.before.number, label=found.before.label),
        after=ReleaseName(
            number=found.after.number, label=found.after.label, new=not found.after_made
        ),
        same=found.same,
        services=found.compared,
    )
