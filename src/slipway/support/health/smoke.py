"""Smoke tests: one request to the whole app from outside, and is the answer what was promised?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from urllib.parse import urlsplit

import anyio.to_thread
import msgspec

from slipway.support.clock import Clock, SystemClock
from slipway.support.health.exchange import HttpAnswer, Request, exchange, gist, matches
from slipway.support.health.model import Answer, Expectation, SmokeTest
from slipway.support.health.subset import mismatch
from slipway.support.health.wire import Deadline, NoAnswer

_FIRST_PAUSE, _BACK_OFF, _LONGEST_PAUSE = 0.1, 1.5, 1.0
_SHORTEST_TRY = 1.0


def run_smoke(
    test: SmokeTest,
    base_url: str,
    headers: Mapping[str, str] | None = None,
    *,
    timeout: float | None = None,
    verify: bool = True,
) -> Answer:
    """Send the test's request once and compare. Blocking; never raises for what it sees.

    `base_url` is "http://host:port", with a path if the app lives under one. `headers` are
    sent unless the test has its own. `timeout` is seconds, else the test's `within`; `verify`
    False takes any TLS certificate.
    """
    deadline = Deadline(max(_SHORTEST_TRY, test.within if timeout is None else timeout))
    url = base_url.rstrip("/") + "/" + test.path.lstrip("/")
    try:
        request = _request(test, url, headers or {}, verify=verify)
        answer = exchange(request, deadline)
        wrong = _wrong(test.expect, answer)
        ok, saw = wrong is None, wrong or answer.line()
    except NoAnswer as failure:
        ok, saw = False, str(failure)
    return Answer(ok=ok, saw=saw, seconds=deadline.elapsed(), target=f"{test.method} {url}")


async def smoke_until(
    test: SmokeTest,
    base_url: str,
    headers: Mapping[str, str] | None = None,
    *,
    verify: bool = True,
    clock: Clock | None = None,
) -> Answer:
    """Repeat the test until it passes or its `within` seconds are over: the last answer.

    It is sent at least once. Cancellable; never raises for what it sees.
    """
    clock = clock or SystemClock()
    end = clock.monotonic() + test.within
    pause = _FIRST_PAUSE
    while True:
        once = partial(
            run_smoke, test, base_url, headers, timeout=end - clock.monotonic(), verify=verify
        )
        answer = await anyio.to_thread.run_sync(once, abandon_on_cancel=True)
        left = end - clock.monotonic()
        if answer.ok or left <= 0:
            return answer
        await clock.sleep(min(pause, left))
        pause = min(pause * _BACK_OFF, _LONGEST_PAUSE)


def _request(test: SmokeTest, url: str, headers: Mapping[str, str], *, verify: bool) -> Request:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise NoAnswer(f"not an address to send a request to: {url}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port:
        raise NoAnswer(f"not an address to send a request to: {url}")
    body = None if test.body is None else test.body.encode()
    own: dict[str, str] = {}
    if test.json is not None:
        body = msgspec.json.encode(test.json)
        own["Content-Type"] = "application/json"
    return Request(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port,
        path=parts.path + (f"?{parts.query}" if parts.query else ""),
        method=test.method.upper(),
        headers=_merged(own, headers, test.headers),
        body=body,
        verify=verify,
    )


def _merged(*layers: Mapping[str, str]) -> dict[str, str]:
    """Later ones win, whatever the case of their names."""
    merged: dict[str, tuple[str, str]] = {}
    for layer in layers:
        merged |= {name.lower(): (name, value) for name, value in layer.items()}
    return dict(merged.values())


def _wrong(expect: Expectation, answer: HttpAnswer) -> str | None:
    """What is not as expected, in one line; None if all is."""
    if not matches(answer.status, expect.status):
        wanted = " or ".join(str(each) for each in expect.status)
        return f"expected {wanted}, got {answer.line()}"
    if expect.contains is not None and expect.contains.encode() not in answer.body:
        return f"expected {expect.contains!r} in the answer, got {answer.line()}"
    if expect.json is not None:
        wrong = _wrong_json(expect, answer)
        if wrong:
            return wrong
    if expect.latency is not None and answer.seconds > expect.latency:
        return (
            f"expected an answer within {expect.latency:g} s, got it after {answer.seconds:.2f} s"
        )
    return None


def _wrong_json(expect: Expectation, answer: HttpAnswer) -> str | None:
    try:
        actual = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return f"expected JSON, got {gist(answer.body) or 'an empty body'}"
    return mismatch(expect.json, actual)
