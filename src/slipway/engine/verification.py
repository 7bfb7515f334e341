"""Proof that it works: every probe of every service, then smoke tests from outside.

Called by the `smoke` and `verify` steps of a run and by the `verify` command.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

import anyio
import msgspec

from slipway.engine.unseen import Unseen
from slipway.engine.workspace import Workspace
from slipway.plan.release import Release, ReleaseService
from slipway.support.data import Frozen
from slipway.support.health.model import Answer, Probe, SmokeTest
from slipway.support.secrets.placeholder import reveal_data
from slipway.support.secrets.redact import redact

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Check(Frozen, frozen=True, kw_only=True):
    """One thing that was looked at. `at` is seconds since the epoch."""

    name: str
    kind: Literal["probe", "smoke", "running"]
    ok: bool
    saw: str
    at: float
    service: str | None = None
    seconds: float = 0.0


async def verify_release(
    workspace: Workspace, release: Release, *, unsafe: bool = True
) -> tuple[Check, ...]:
    """Probes of all services, then smoke tests through the public route.

    `unsafe` False leaves out smoke tests that may change data (POST and the like): inside a
    run they were made before traffic moved. Never raises for what is unhealthy.
    """
    probes = await _together(
        [_probing(workspace, release, entry) for entry in release.services.values()]
    )
    smoke = await smoke_checks(workspace, release, straight=False, unsafe=unsafe)
    unseen = Unseen(workspace, release)
    return tuple(msgspec.structs.replace(c, saw=unseen.text(c.saw)) for c in (*probes, *smoke))


async def _together(jobs: list[Callable[[], Awaitable[list[Check]]]]) -> tuple[Check, ...]:
    results: list[list[Check]] = [[] for _ in jobs]

    async def run(index: int) -> None:
        results[index] = await jobs[index]()

    async with anyio.create_task_group() as group:
        for index in range(len(jobs)):
            group.start_soon(run, index)
    return tuple(check for checks in results for check in checks)


def _probing(
    workspace: Workspace, release: Release, entry: ReleaseService
) -> Callable[[], Awaitable[list[Check]]]:
    async def run() -> list[Check]:
        service = entry.service
        if service.role == "job":
            return []
        probes = {"ready": service.probes.readiness, "alive": service.probes.liveness}
        checks: list[Check] = []
        for word, probe in probes.items():
            if probe is not None:
                checks += await _probe(workspace, release, service.name, word, probe)
        return checks or [await _running(workspace, entry)]

    return run


async def _probe(
    workspace: Workspace, release: Release, service: str, word: str, probe: Probe
) -> list[Check]:
    answers = await _patient(workspace, release, service, probe)
    several = len(answers) > 1
    return [
        Check(
            name=f"{service} {word}" + (f" #{index}" if several else ""),
            kind="probe",
            service=service,
            ok=answer.ok,
            saw=answer.saw,
            seconds=answer.seconds,
            at=workspace.clock.now(),
        )
        for index, answer in enumerate(answers, 1)
    ]


async def _patient(
    workspace: Workspace, release: Release, service: str, probe: Probe
) -> list[Answer]:
    """One failed answer is a hiccup: as many as the probe's own `retries` are a fact."""
    answers: list[Answer] = []
    for attempt in range(max(1, min(probe.retries, 3))):
        if attempt:
            await workspace.clock.sleep(min(probe.interval, 1.0))
        answers = await workspace.platform.probe(release, service, probe)
        if answers and all(a.ok for a in answers):
            return answers
    return answers or [Answer(ok=False, saw="no instance is running")]


async def _running(workspace: Workspace, entry: ReleaseService) -> Check:
    """For a service without probes: are as many instances up as there should be?"""
    observed = await workspace.platform.observe()
    name = entry.service.name
    found = [i for i in observed.of(name, entry.key) if i.state in ("running", "ready")]
    wanted = 1 if entry.service.role == "backing" else entry.service.replicas
    return Check(
        name=f"{name} running",
        kind="running",
        service=name,
        ok=len(found) >= wanted,
        saw=f"{len(found)} of {wanted} instances",
        at=workspace.clock.now(),
    )


async def smoke_checks(
    workspace: Workspace, release: Release, *, straight: bool, unsafe: bool = True
) -> tuple[Check, ...]:
    """Smoke tests one after another, in the order of deploy.yaml: one may stand on another.

    `straight`: at the revision itself, before it has traffic; else through the public URL.
    """
    from slipway.support.health.smoke import smoke_until

    urls = {} if straight else dict((await workspace.platform.observe()).urls)
    checks: list[Check] = []
    for test in release.smoke_tests:
        if not unsafe and test.method.upper() not in _SAFE_METHODS:
            continue
        base = _base_url(workspace, release, test, urls if not straight else None)
        if base is None:
            answer = Answer(ok=False, saw="no address to send it to")
        else:
            revealed, used = _revealed(workspace, release, test)
            answer = await smoke_until(revealed, base, clock=workspace.clock)
            answer = msgspec.structs.replace(answer, saw=redact(answer.saw, used))
        checks.append(
            Check(
                name=test.name,
                kind="smoke",
                service=test.service,
                ok=answer.ok,
                saw=answer.saw,
                seconds=answer.seconds,
                at=workspace.clock.now(),
            )
        )
    return tuple(checks)


def _revealed(
    workspace: Workspace, release: Release, test: SmokeTest
) -> tuple[SmokeTest, list[str]]:
    """The test with its secrets' values, of the versions that the release pins; and the values."""
    used: list[str] = []

    def value_of(name: str) -> str:
        used.append(workspace.secrets.get(name, release.secrets.get(name)))
        return used[-1]

    data = reveal_data(msgspec.to_builtins(test), value_of)
    return (msgspec.convert(data, SmokeTest), used) if used else (test, used)


def _base_url(
    workspace: Workspace, release: Release, test: SmokeTest, urls: dict[str, str] | None
) -> str | None:
    routed = [r.service for r in release.routes if r.protocol == "http"]
    service = test.service or (routed[0] if routed else None)
    if service is None:
        return None
    if urls is not None:
        return urls.get(service)
    address = workspace.platform.address(release, service)
    return f"http://{address[0]}:{address[1]}" if address else None
