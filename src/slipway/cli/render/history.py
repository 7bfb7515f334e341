"""Releases and runs, newest first, for people and as a document."""

from __future__ import annotations

from collections.abc import Sequence

from slipway.cli.render.documents import HistoryDocument, ReleaseLine, RunLine
from slipway.cli.render.style import ago, paint, seconds, table
from slipway.journal.journal import Head, Run
from slipway.plan.release import Release


def history_lines(
    head: Head, releases: Sequence[Release], runs: Sequence[Run], *, now: float
) -> list[str]:
    """Two tables."""
    if not runs:
        return ["Nothing was deployed here yet.", "  next: deploy install"]
    rows = [("RELEASE", "LABEL", "MADE", "COMMIT", "")]
    for release in reversed(releases):
        words = ["current"] if release.number == head.current else []
        words.append("verified" if release.number in head.verified else "not verified")
        commit = release.git.commit[:7] if release.git else ""
        made = f"{ago(release.created, now)} ago"
        rows.append((str(release.number), release.label, made, commit, ", ".join(words)))
    lines = table(rows)
    lines[0] = paint(lines[0], "dim")
    head_row = ("RUN", "WHEN", "WHAT", "OUTCOME", "TOOK", "BY")
    runs_table = table([head_row, *(_row(run, now) for run in reversed(runs))])
    runs_table[0] = paint(runs_table[0], "dim")
    return [*lines, "", *runs_table, *_reasons(runs)]


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


def history_document(
    environment: str, head: Head, releases: Sequence[Release], runs: Sequence[Run]
) -> HistoryDocument:
    """For programs."""
    return HistoryDocument(
        environment=environment,
        current=head.current,
        releases=tuple(_release(r, head) for r in reversed(releases)),
        runs=tuple(_run(run) for run in reversed(runs)),
    )


def _release(release: Release, head: Head) -> ReleaseLine:
    return ReleaseLine(
        number=release.number,
        label=release.label,
        created=release.created,
        verified=release.number in head.verified,
        current=release.number == head.current,
        commit=release.git.commit if release.git else None,
        services={name: entry.key for name, entry in release.services.items()},
    )


def _run(run: Run) -> RunLine:
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
    )
