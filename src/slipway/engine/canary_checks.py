"""Further checks of a canary: a command, or a Prometheus query (its HTTP API, `/api/v1/query`).

Called by `judging` when a share would otherwise pass.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable

import anyio.to_thread

from slipway.app.model import CanaryCheck
from slipway.support.process import run

_SECONDS = 30.0


async def run_checks(checks: Iterable[CanaryCheck]) -> dict[str, bool]:
    """Name -> passed. A check that cannot be asked has not passed."""
    return {check.name: await _run(check) for check in checks}


async def _run(check: CanaryCheck) -> bool:
    if check.command is not None:
        done = await run(("sh", "-c", check.command), timeout=_SECONDS)
        return done.ok
    value = await anyio.to_thread.run_sync(_query, check)
    if value is None:
        return False
    above = check.least is None or value >= check.least
    return above and (check.most is None or value <= check.most)


def _query(check: CanaryCheck) -> float | None:
    """The first value of the query's answer, or None."""
    words = urllib.parse.urlencode({"query": check.query or ""})
    url = f"{(check.url or '').rstrip('/')}/api/v1/query?{words}"
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:
            result = json.load(answer)["data"]["result"]
        found = result[1] if isinstance(result[0], int | float) else result[0]["value"][1]
        return float(found)
    except (OSError, urllib.error.URLError, ValueError, KeyError, IndexError, TypeError):
        return None
