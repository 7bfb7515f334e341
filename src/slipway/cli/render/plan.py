"""A plan as a diff, as `--dry-run` prints it and as it is shown before a run."""

from __future__ import annotations

from slipway.cli.render.style import paint
from slipway.plan.model import Change, Plan

_MARKS = {
    "add": ("+", "green"),
    "change": ("~", "yellow"),
    "remove": ("-", "red"),
    "keep": ("=", "dim"),
    "interrupt": ("!", "red"),
}


def plan_lines(plan: Plan, *, verbose: bool = False) -> list[str]:
    """The whole plan; steps only where `verbose` asks."""
    lines = [paint(_title(plan), "bold"), ""]
    size = max((len(c.subject) for c in plan.changes), default=0)
    for change in plan.changes:
        lines.extend(_change(change, size))
    if plan.notes:
        lines.append("")
        lines.extend(f"  {paint('note:', 'cyan')} {note}" for note in plan.notes)
    if verbose and plan.steps:
        lines.append("")
        lines.extend(
            f"  {number:2}. {step.title}" + (" (an interruption)" if step.interrupts else "")
            for number, step in enumerate(plan.steps, 1)
        )
    counts = {word: sum(c.action == word for c in plan.changes) for word in _MARKS}
    lines += ["", _summary(plan, counts)]
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
    return [paint(head, colour), *(f"      {line}" for line in change.details)]


def _summary(plan: Plan, counts: dict[str, int]) -> str:
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
    return f"{len(plan.steps)} steps: {', '.join(said) or 'no change'}{kept}."
