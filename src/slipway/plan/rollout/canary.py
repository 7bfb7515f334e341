"""Canary: the whole new revision beside the old, and the traffic in steps, each one judged.

The first release of an environment has nothing to be compared with, and a release whose
routed services are all shared with the old one has nothing to judge: both are blue-green.
"""

from __future__ import annotations

from slipway.errors import RefusedError
from slipway.plan.model import Step
from slipway.plan.rollout import blue_green
from slipway.plan.rollout.builder import Builder
from slipway.plan.rollout.situation import Situation


def steps(situation: Situation) -> list[Step]:
    """Every step; between two routes a `judge` step, which promotes, waits or fails the run."""
    if not compared(situation):
        return blue_green.steps(situation)
    build = Builder(situation)
    build.preparation()
    build.backing()
    build.services()
    build.entry()
    before = _stages(build, situation)
    build.all_traffic(before)
    build.ending()
    return build.steps


def compared(situation: Situation) -> bool:
    """Is there an old revision with traffic, and something new that would get some?"""
    base = situation.base
    if base is None or base.number == situation.release.number:
        return False
    routed = {route.service for route in situation.release.routes}
    changed = [
        name
        for name in routed
        if name in base.services and base.services[name].key != situation.release.services[name].key
    ]
    return bool(changed) and str(base.number) in situation.observed.weights


def _stages(build: Builder, situation: Situation) -> dict[str, int]:
    """Route and judge at each share; the weights that the last one leaves."""
    assert situation.base is not None
    new, old = str(situation.release.number), str(situation.base.number)
    before = dict(situation.observed.weights)
    for share in situation.release.rollout.canary.steps:
        weights = {new: share, old: 100 - share}
        build.route(f"send {share}% of the traffic to release {new}", weights, before)
        build.add(
            "judge",
            f"watch release {new} at {share}%",
            needs=build.all_ids(),
            new=int(new),
            old=int(old),
            share=share,
        )
        before = weights
    return before


def check(situation: Situation, *, weights_supported: bool) -> None:
    """Refuse a canary that cannot be one. Raises RefusedError."""
    release = situation.release
    if not release.routes:
        raise RefusedError(
            "a canary needs traffic to share, and this app publishes no port",
            hint="use blue-green, or publish a port in compose.yaml",
        )
    if not weights_supported:
        raise RefusedError(
            f"{release.platform} cannot split traffic, so there is no canary there",
            hint="use blue-green",
        )
