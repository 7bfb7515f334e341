"""What `verify` found, for people and as a document."""

from __future__ import annotations

from slipway.cli.render.documents import CheckLine, ReleaseName, VerificationDocument
from slipway.cli.render.style import paint, table
from slipway.engine.verification import Check
from slipway.engine.verify import Verification


def verification_lines(found: Verification) -> list[str]:
    """Every check, the failed ones last, then the verdict."""
    checks = sorted(found.checks, key=lambda c: not c.ok)
    rows = [(("✓" if c.ok else "✗"), c.name, c.saw) for c in checks]
    lines = []
    for line, check in zip(table(rows), checks, strict=True):
        lines.append("  " + (line if check.ok else paint(line, "red")))
    bad = sum(not c.ok for c in found.checks)
    name = f"release {found.release.number} ({found.release.label})"
    if found.healthy:
        lines.append(paint(f"{name} is healthy: {len(checks)} checks passed", "green", "bold"))
    else:
        verdict = f"{name} is NOT healthy: {bad} of {len(checks)} checks failed"
        lines += [paint(verdict, "red", "bold"), "  next: deploy logs, deploy rollback"]
    return lines


def verification_document(found: Verification, environment: str) -> VerificationDocument:
    """For programs."""
    return VerificationDocument(
        environment=environment,
        healthy=found.healthy,
        release=ReleaseName(number=found.release.number, label=found.release.label),
        checks=tuple(check_line(c) for c in found.checks),
    )


def check_line(check: Check) -> CheckLine:
    """One check as documents show it."""
    return CheckLine(
        name=check.name,
        kind=check.kind,
        service=check.service,
        ok=check.ok,
        saw=check.saw,
        seconds=round(check.seconds, 4),
    )
