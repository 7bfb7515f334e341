"""What a run came to: a few lines with the URL and the next command, or a document."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from slipway.cli.options import Options
from slipway.cli.render.documents import ChangeLine, ReleaseName, ResultDocument, StepLine
from slipway.cli.render.style import paint, width
from slipway.cli.render.verification import check_line

if TYPE_CHECKING:
    from slipway.engine.deploy import Result


def summary_lines(result: Result, options: Options, *, took: str) -> list[str]:
    """For people, after the run."""
    plan = result.plan
    lines: list[str] = []
    if plan.verb == "cleanup":
        return [f"{paint('Clean', 'green', 'bold')}: nothing of it runs any more, in {took}."]
    release = plan.release
    if release is None:
        return lines
    name = f"{release.app} {release.label} (release {release.number})"
    verified = any(s.kind == "verify" for s in plan.steps) or bool(result.checks)
    state = "live and verified" if verified else "live"
    if result.changed:
        lines.append(
            f"{paint(name, 'bold')} is {paint(state, 'green')} on {plan.environment}, in {took}."
        )
    else:
        lines.append(
            f"{paint(name, 'bold')} runs already, {paint('unchanged', 'green')}"
            f"{' and healthy' if result.checks else ''}, in {took}."
        )
    lines += _proof(result)
    for service, url in (result.urls or {}).items():
        lines.append(f"  {service:10} {paint(url, 'cyan')}")
    first, second = _next(result, options)
    return [*lines, f"  next: {paint(first, 'dim')}", f"        {paint(second, 'dim')}"]


def _proof(result: Result) -> list[str]:
    """What was proven, in the words of deploy.yaml's smoke tests."""
    probed = {c.service for c in result.checks if c.kind != "smoke"}
    if not probed:
        return []
    smoke = [c.name for c in result.checks if c.kind == "smoke"]
    services = "1 service" if len(probed) == 1 else f"all {len(probed)} services"
    said = ", ".join([f"{services} healthy", *smoke])
    wrapped = textwrap.wrap(said, width() - 12)
    lines = [f"  {'proof':10} {wrapped[0]}"]
    return lines + [f"  {'':10} {line}" for line in wrapped[1:]]


def _next(result: Result, options: Options) -> tuple[str, str]:
    """The two commands that people want next."""
    where = _where(options)
    if result.plan.verb == "upgrade" and result.changed:
        return f"deploy status{where}", f"deploy rollback{where}"
    if result.plan.verb == "rollback":
        return f"deploy status{where}", f"deploy history{where}"
    return f"deploy status{where}", f"deploy logs -f{where}"


def _where(options: Options) -> str:
    import os
    from pathlib import Path

    words = ""
    if options.project != Path.cwd():
        words += f" -C {os.path.relpath(options.project)}"
    if options.env:
        words += f" -e {options.env}"
    return words


def result_document(result: Result, took: float) -> ResultDocument:
    """For programs."""
    plan = result.plan
    release = plan.release
    return ResultDocument(
        verb=plan.verb,
        outcome="planned" if result.dry_run else ("changed" if result.changed else "unchanged"),
        app=plan.app,
        environment=plan.environment,
        platform=plan.platform,
        release=ReleaseName(number=release.number, label=release.label, new=plan.new_release)
        if release
        else None,
        base=plan.base,
        changes=tuple(
            ChangeLine(action=c.action, subject=c.subject, summary=c.summary, details=c.details)
            for c in plan.changes
        ),
        steps=tuple(
            StepLine(id=s.id, kind=s.kind, title=s.title, interrupts=s.interrupts)
            for s in plan.steps
        ),
        notes=plan.notes,
        checks=tuple(check_line(c) for c in result.checks),
        urls=dict(result.urls or {}),
        seconds=round(took, 3),
    )
