"""Repair: what is there back to the release that is current, without a new revision.

What is missing is started, what is too much is drained, and an instance that was changed by
hand is started anew; one with a route only while another instance has its requests.
"""

from __future__ import annotations

from typing import Any

from slipway.plan.model import Step
from slipway.plan.rollout.builder import RUNNING, Builder
from slipway.plan.rollout.situation import Situation


def steps(situation: Situation) -> list[Step]:
    """Every step from what is observed to the current release, as it was made."""
    build = Builder(situation)
    build.preparation()
    build.backing()
    for name in situation.order:
        _restart_backing(build, situation, name)
    build.services()
    for name in situation.order:
        _restart(build, situation, name)
    build.entry()
    build.all_traffic()
    build.ending()
    return build.steps


def _running(situation: Situation, name: str) -> list[int]:
    found = situation.observed.of(name, situation.release.services[name].key)
    return [i.index for i in found if i.state in RUNNING]


def _restart_backing(build: Builder, situation: Situation, name: str) -> None:
    """A database is not doubled: this is an interruption."""
    entry = situation.release.services[name]
    replaced = any(s.kind == "backing" and s.service == name for s in build.steps)
    if entry.service.role != "backing" or replaced or not situation.edited(name):
        return
    build.add(
        "backing",
        f"restart {name} as it was made",
        service=name,
        needs=build.all_ids(),
        interrupts=True,
        replace=True,
        restart=True,
        before=entry.fingerprint,
        fingerprint=entry.fingerprint,
    )
    _ready(build, name)


def _restart(build: Builder, situation: Situation, name: str) -> None:
    """Start what was edited anew, one service after the other."""
    entry = situation.release.services[name]
    running = _running(situation, name)
    edited = [index for index in situation.edited(name) if index in running]
    if entry.service.role == "backing" or not edited:
        return
    count = max(entry.service.replicas, len(running))
    number = str(situation.release.number)
    routed = any(route.service == name for route in situation.release.routes)
    relieved = routed and not situation.proxy_differs() and number in situation.observed.weights
    if relieved:
        title = f"start another instance of {name}, for its requests"
        _start(build, name, title, replicas=count + 1, before=count)
        _route(build, situation, f"send requests to it as well as to {name}")
    many = ", ".join(str(index) for index in edited)
    title = f"restart instance {many} of {name} as it was made"
    there = count + 1 if relieved else count
    _start(build, name, title, replicas=there, before=there, restart=edited)
    if relieved:
        _route(build, situation, f"send requests to the restarted {name}")
        build.add(
            "drain",
            f"drain the other instance of {name}",
            service=name,
            needs=build.all_ids(),
            key=entry.key,
            grace=situation.grace_of(name),
            replicas=there,
            leave=count,
        )


def _start(build: Builder, name: str, title: str, **args: Any) -> None:
    key = build.release.services[name].key
    build.add("start", title, service=name, needs=build.all_ids(), key=key, **args)
    _ready(build, name)


def _ready(build: Builder, name: str) -> None:
    entry = build.release.services[name]
    build.ready[name] = build.add(
        "ready",
        f"wait for {name}",
        service=name,
        needs=build.all_ids(),
        key=entry.key,
        deadline=entry.service.probes.deadline,
    )


def _route(build: Builder, situation: Situation, title: str) -> None:
    weights = situation.observed.weights
    build.route(title, weights, weights)
