"""What the proxy has counted per release, read from its Prometheus endpoint. Blocking, small."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterable

from slipway.plan.rollout.verdict import Counters
from slipway.platforms.local.proxy.api import NoAnswerError
from slipway.platforms.local.proxy.config import release_of

_SAMPLE = re.compile(
    r"^traefik_service_(requests_total|request_duration_seconds_bucket)\{(.*)\} (\S+)"
)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_CLIENT_GONE = "499"


def counters(api: tuple[str, int], timeout: float = 2.0) -> dict[int, Counters]:
    """Release number -> its counters over all routed services. Raises NoAnswerError."""
    connection = http.client.HTTPConnection(*api, timeout=timeout)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswerError(f"the proxy does not answer at {api[0]}:{api[1]}: {error}") from error
    finally:
        connection.close()
    return parse(text.splitlines())


def parse(lines: Iterable[str]) -> dict[int, Counters]:
    """Sum Traefik's per-service samples by release, without answers to clients that left."""
    requests: dict[int, int] = {}
    failed: dict[int, int] = {}
    buckets: dict[int, dict[str, int]] = {}
    for line in lines:
        match = _SAMPLE.match(line)
        if match is None:
            continue
        labels = dict(_LABEL.findall(match[2]))
        number = release_of(labels.get("service", ""))
        if number is None or labels.get("code") == _CLIENT_GONE:
            continue
        release, count = int(number), int(float(match[3]))
        if match[1] == "requests_total":
            requests[release] = requests.get(release, 0) + count
            if labels.get("code", "").startswith("5"):
                failed[release] = failed.get(release, 0) + count
        elif labels.get("le", "+Inf") != "+Inf":
            bounds = buckets.setdefault(release, {})
            bounds[labels["le"]] = bounds.get(labels["le"], 0) + count
    return {
        release: Counters(
            requests=count, failed=failed.get(release, 0), buckets=buckets.get(release, {})
        )
        for release, count in requests.items()
    }
