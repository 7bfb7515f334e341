"""The Status document for people, in 80 columns."""

from __future__ import annotations

import textwrap

from slipway.cli.render.style import ago, paint, table, width
from slipway.status.document import ServiceStatus, Status

_COLOURS = {"running": "green", "done": "green", "starting": "yellow"}


def status_lines(status: Status, *, now: float) -> list[str]:
    """Head, services, problems, address."""
    if status.release is None:
        where = f"{status.environment} ({status.platform})"
        lines = [f"Nothing is installed on {where}.", "  next: deploy install"]
        return lines + [paint(f"  ! {p}", "yellow") for p in status.problems]
    release = status.release
    health = paint("healthy", "green", "bold") if status.healthy else paint("NOT healthy", "red")
    proven = "verified" if release.verified else "not verified"
    lines = [
        f"{paint(status.app, 'bold')} on {status.environment} ({status.platform}): {health}",
        f"release {release.number} ({release.label}), {proven}, made {ago(release.created, now)}"
        " ago",
        "",
    ]
    lines += _services(status.services, now)
    if len(status.routes) > 1 or any(r.weight != 100 for r in status.routes):
        shares = ", ".join(f"release {r.release}: {r.weight}%" for r in status.routes)
        lines.append(f"traffic  {shares}")
    for problem in status.problems:
        lines.append(paint(f"! {problem}", "red"))
    live = status.run is not None and status.run.live
    lines += _drift(status)
    if (not status.healthy or status.drift) and not live:
        lines += _way_on(status)
    if status.run is not None and live:
        lines.append(paint(f"~ {status.run.verb} by {status.run.owner} goes on now", "yellow"))
    if status.urls:
        lines.append("")
        lines += [f"{name}  {paint(url, 'cyan')}" for name, url in status.urls.items()]
    return lines


def _drift(status: Status) -> list[str]:
    """What differs from the release, but for services that the problems name already."""
    assert status.release is not None
    known = {service.name for service in status.services if not service.healthy}
    told = [each for each in status.drift if each.subject not in known]
    if not told:
        return []
    lines = [paint(f"drift from release {status.release.number}:", "yellow")]
    size = max(len(each.subject) for each in told)
    for each in told:
        rest = " " * (size + 4)
        text = f"  {each.subject.ljust(size)}  {each.what}"
        lines += textwrap.wrap(text, width(), subsequent_indent=rest, break_long_words=False)
    return lines


def _way_on(status: Status) -> list[str]:
    bad = [service.name for service in status.services if not service.healthy]
    look = [f"  next: deploy logs {' '.join(bad)}"] if bad else []
    start = "deploy reconcile" if status.drift else "deploy start"
    return [*look, f"        {start}" if bad else f"  next: {start}"]


def _services(services: tuple[ServiceStatus, ...], now: float) -> list[str]:
    rows = [("SERVICE", "ROLE", "STATE", "UP", "SINCE", "RESTARTS")]
    for service in services:
        started = [i.started for i in service.instances if i.started]
        rows.append(
            (
                service.name,
                service.role,
                service.state,
                f"{service.up}/{service.wanted}" if service.role != "job" else "",
                ago(min(started), now) if started else "",
                str(sum(i.restarts for i in service.instances) or ""),
            )
        )
    lines = table(rows)
    painted = [paint(lines[0], "dim")]
    for line, service in zip(lines[1:], services, strict=True):
        colour = _COLOURS.get(service.state, "red")
        painted.append(line.replace(f" {service.state} ", f" {paint(service.state, colour)} ", 1))
        if service.detail:
            painted.append(paint(f"    {service.detail}", "dim"))
    return painted
