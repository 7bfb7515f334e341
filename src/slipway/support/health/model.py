"""What can be asked of a service or an app, and what was answered: data only.

Part of an App (`app.model`) and of a Release; asked by the platforms and the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from slipway.support.data import Frozen


class Probe(Frozen, frozen=True, kw_only=True):
    """A question to one service, and how often to ask.

    `http`: `path` on `port` answers one of `status` (a number, or "2xx").
    `tcp`: `port` accepts. `command`: `command` exits 0 inside the service.
    `postgres`, `redis`: the server says that it accepts commands.
    """

    kind: Literal["http", "tcp", "command", "postgres", "redis"]
    port: int | None = None
    path: str = "/"
    scheme: Literal["http", "https"] = "http"
    headers: Mapping[str, str] = {}
    status: tuple[int | str, ...] = ("2xx", "3xx")
    contains: str | None = None
    command: tuple[str, ...] = ()
    timeout: float = 5.0
    interval: float = 10.0
    retries: int = 3
    start_period: float = 0.0


class Progress(Frozen, frozen=True, kw_only=True):
    """Where a service that starts slowly says how far it is.

    Either `path` + `field` (dotted, a fraction 0-1 or a percentage in a JSON answer), or
    `pattern` (a regular expression on log lines, first group: a percentage or `n/m`).
    """

    path: str | None = None
    port: int | None = None
    field: str = "progress"
    message_field: str | None = None
    pattern: str | None = None


class Probes(Frozen, frozen=True, kw_only=True):
    """Readiness (may traffic come?) apart from liveness (is it stuck?).

    `assumed`: nobody said how to ask, so readiness is only that the port accepts; an image
    that has a health check of its own knows better (`plan.desired`).
    """

    readiness: Probe | None = None
    liveness: Probe | None = None
    progress: Progress | None = None
    deadline: float = 120.0
    assumed: bool = False


class Expectation(Frozen, frozen=True, kw_only=True):
    """What a smoke test's answer must be; what is None is not looked at.

    `json` is a subset: each key given must be there with that value. `latency` in seconds.
    """

    status: tuple[int | str, ...] = ("2xx",)
    json: Any = None
    contains: str | None = None
    latency: float | None = None


class SmokeTest(Frozen, frozen=True, kw_only=True):
    """One request to the whole app from outside, repeated until it passes or `within` is over."""

    name: str
    path: str = "/"
    method: str = "GET"
    service: str | None = None
    headers: Mapping[str, str] = {}
    body: str | None = None
    json: Any = None
    expect: Expectation = Expectation()
    within: float = 10.0


class Answer(Frozen, frozen=True, kw_only=True):
    """What a probe saw. `saw` is one line for a person: "503 Service Unavailable: loading"."""

    ok: bool
    saw: str
    seconds: float = 0.0
    target: str = ""
