"""A plan as a diff, as `--dry-run` prints it and as it is shown before a run."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from slipway.cli.render.style import paint, width
from slipway.plan.model import Change, Plan

_PLACE = re.compile(r"^\S+:\d+: ")
_MARKS = {
    "add": ("+", "green"),
    "change": ("~", "yellow"),
    "remove": ("-", "red"),
    "keep": ("=", "dim"),
    "interrupt": ("!", "red"),
}


def plan_lines(plan: Plan, *, steps: bool = False, verbose: bool = False) -> list[str]:
    """The plan as a diff, with its `steps` one by one if asked; `verbose`: every note."""
    lines = [paint(_title(plan), "bold"), ""]
    size = max((len(c.subject) for c in plan.changes), default=0)
    for change in plan.changes:
        lines.extend(_change(change, size))
    if plan.notes:
        lines += ["", *_note_lines(plan.notes if verbose else grouped(plan.notes))]
    if steps and plan.steps:
        lines.append("")
        lines.extend(
            f"  {number:2}. {step.title}" + (" (an interruption)" if step.interrupts else "")
            for number, step in enumerate(plan.steps, 1)
        )
    counts = {word: sum(c.action == word for c in plan.changes) for word in _MARKS}
    lines += ["", _summary(plan, counts)]
    return lines


def grouped(notes: Sequence[str]) -> list[str]:
    """Notes that say the same of several services as one; without file and line, which differ.

    `web: web/Dockerfile:11: text` and `api: api/Dockerfile:9: text` become `web, api: text`.
    """
    services: dict[str, list[str]] = {}
    for note in notes:
        service, _, rest = note.partition(": ")
        services.setdefault(_PLACE.sub("", rest), []).append(service)
    return [f"{', '.join(dict.fromkeys(names))}: {text}" for text, names in services.items()]


def _note_lines(notes: Sequence[str]) -> list[str]:
    lines = []
    for note in notes:
        wrapped = textwrap.wrap(note, width() - 10, break_long_words=False)
        lines.append(f"  {paint('note:', 'cyan')} {wrapped[0]}")
        lines += [f"        {line}" for line in wrapped[1:]]
    return lines


def _title(plan: Plan) -> str:
    where = f"{plan.environment} ({plan.platform})"
    if plan.release is None:
        return f"{plan.verb} {plan.app} on {where}"
    return (
        f"{plan.verb} {plan.app} on {where}: release {plan.release.number} ({plan.release.label})"
    )


def _change(change: Change, size: int) -> list[str]:
    mark, colour = _MARKS[change.action]
    head = f"  {mark} {change.subject.ljust(size)}  {change.summary}".rstrip()
    room = " " * min(size + 6, width() // 2)
    lines = textwrap.wrap(head, width(), subsequent_indent=room, break_long_words=False)
    return [*(paint(line, colour) for line in lines), *(f"      {line}" for line in change.details)]


def _summary(plan: Plan, counts: dict[str, int]) -> str:
    if not plan.steps and plan.verb == "cleanup":
        return "Nothing to do: nothing of it is here."
    if not plan.steps and plan.verb == "reconcile":
        return "Nothing to do: what is there is what the release says."
    if not plan.steps:
        return "Nothing to do: it runs as the files say."
    said = [
        f"{counts[word]} to {verb}"
        for word, verb in (
            ("add", "add"),
            ("change", "change"),
            ("interrupt", "replace with an interruption"),
            ("remove", "remove"),
        )
        if counts[word]
    ]
    kept = f", {counts['keep']} unchanged" if counts["keep"] else ""
    steps = "1 step" if len(plan.steps) == 1 else f"{len(plan.steps)} steps"
    return f"{steps}: {', '.join(said) or 'no change'}{kept}."
