"""What `verify` found, for people and as a document."""

from __future__ import annotations

from typing import Any

from slipway.cli.render.document import VERSION
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


def verification_document(found: Verification, environment: str) -> dict[str, Any]:
    """For programs; its schema is in docs/reference/."""
    return {
        "version": VERSION,
        "environment": environment,
        "healthy": found.healthy,
        "release": {"number": found.release.number, "label": found.release.label},
        "checks": [_check(c) for c in found.checks],
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "kind": check.kind,
        "service": check.service,
        "ok": check.ok,
        "saw": check.saw,
        "seconds": round(check.seconds, 4),
    }
