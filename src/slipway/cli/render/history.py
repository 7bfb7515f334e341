"""Releases and runs, newest first, for people and as a document."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from slipway.cli.render.documents import HistoryDocument, ReleaseLine, RunLine
from slipway.cli.render.style import ago, paint, seconds, table, width
from slipway.journal.journal import Head, Run
from slipway.journal.verdicts import Judged
from slipway.plan.release import Release
from slipway.plan.rollout.verdict import Side

Verdicts = Mapping[int, Sequence[Judged]]
"""Run number -> what was judged in it."""


def history_lines(
    head: Head,
    releases: Sequence[Release],
    runs: Sequence[Run],
    *,
    now: float,
    verdicts: Verdicts | None = None,
) -> list[str]:
    """Two tables, the last failures' reasons, and the canaries' verdicts if asked."""
    if not runs:
        return ["Nothing was deployed here yet.", "  next: deploy install"]
    rows = [("RELEASE", "LABEL", "MADE", "COMMIT", "")]
    for release in reversed(releases):
        words = ["current"] if release.number == head.current else []
        words.append(_standing(release.number, head))
        commit = release.git.commit[:7] if release.git else ""
        made = f"{ago(release.created, now)} ago"
        rows.append((str(release.number), release.label, made, commit, ", ".join(words)))
    lines = table(rows)
    lines[0] = paint(lines[0], "dim")
    head_row = ("RUN", "WHEN", "WHAT", "OUTCOME", "TOOK", "BY")
    runs_table = table([head_row, *(_row(run, now) for run in reversed(runs))])
    runs_table[0] = paint(runs_table[0], "dim")
    return [*lines, "", *runs_table, *_reasons(runs), *_verdict_lines(runs, verdicts or {})]


def _standing(number: int, head: Head) -> str:
    if number in head.verified:
        return "verified"
    return "not verified" if number in head.served else "never served"


def _row(run: Run, now: float) -> tuple[str, ...]:
    opened, closed = run.opened, run.closed
    what = opened.verb + (f" to {opened.label}" if opened.label else "")
    return (
        str(opened.run),
        f"{ago(opened.at, now)} ago",
        what,
        closed.outcome if closed else "not ended",
        seconds(closed.seconds) if closed else "",
        opened.owner.user,
    )


def _reasons(runs: Sequence[Run]) -> list[str]:
    failed = [r for r in reversed(runs) if r.closed and r.closed.reason][:3]
    lines = [f"run {r.opened.run}: {r.closed.reason}" for r in failed if r.closed]
    return ["", *lines] if lines else []


def _verdict_lines(runs: Sequence[Run], verdicts: Verdicts) -> list[str]:
    """The newest run first, its shares in their order; each verdict with its numbers."""
    lines: list[str] = []
    for run in reversed(runs):
        found = verdicts.get(run.opened.run, ())
        if found:
            lines += ["", f"run {run.opened.run}, canary of {run.opened.label}:"]
        for each in found:
            lines += textwrap.wrap(
                f"{each.share:>4}%  {_judgement(each)}", width(), subsequent_indent=" " * 7
            )
    return lines


def _judgement(each: Judged) -> str:
    said = each.end if each.by is None else f"{each.end} by {each.by}"
    after = f" after {seconds(each.seconds)}" if each.seconds is not None else ""
    text = f"{said}{after}: {'; '.join(each.reasons)}" if each.reasons else f"{said}{after}"
    if each.verdict is not None:
        text += f"; {_numbers('new', each.verdict.new)}; {_numbers('old', each.verdict.old)}"
    return text


def _numbers(name: str, side: Side) -> str:
    text = f"{name}: {side.requests} requests, {side.failed} failed"
    known = [("p95", side.p95), ("p99", side.p99)]
    return text + "".join(f", {n} {v * 1000:.0f} ms" for n, v in known if v is not None)


def history_document(
    environment: str,
    head: Head,
    releases: Sequence[Release],
    runs: Sequence[Run],
    verdicts: Verdicts,
) -> HistoryDocument:
    """For programs."""
    return HistoryDocument(
        environment=environment,
        current=head.current,
        releases=tuple(_release(r, head) for r in reversed(releases)),
        runs=tuple(_run(run, verdicts) for run in reversed(runs)),
    )


def _release(release: Release, head: Head) -> ReleaseLine:
    return ReleaseLine(
        number=release.number,
        label=release.label,
        created=release.created,
        verified=release.number in head.verified,
        served=release.number in head.served,
        current=release.number == head.current,
        commit=release.git.commit if release.git else None,
        services={name: entry.key for name, entry in release.services.items()},
    )


def _run(run: Run, verdicts: Verdicts) -> RunLine:
    opened, closed = run.opened, run.closed
    return RunLine(
        run=opened.run,
        verb=opened.verb,
        at=opened.at,
        by=f"{opened.owner.user}@{opened.owner.host}",
        base=opened.base,
        release=opened.release,
        label=opened.label,
        outcome=closed.outcome if closed else None,
        seconds=closed.seconds if closed else None,
        reason=closed.reason if closed else "",
        verdicts=tuple(verdicts.get(opened.run, ())),
    )
