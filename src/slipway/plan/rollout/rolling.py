"""Rolling: the traffic moves in as many steps as the routed services have instances.

Each step starts one more instance of the new revision, waits for it, gives it its share, and
takes one of the old revision away, so that never more than one set and one instance run. With
one instance each it is blue-green.
"""

from __future__ import annotations

from slipway.plan.model import Step
from slipway.plan.rollout import blue_green, canary
from slipway.plan.rollout.builder import Builder
from slipway.plan.rollout.situation import Situation


def steps(situation: Situation) -> list[Step]:
    """Every step from what is observed to `situation.release` serving all traffic."""
    routed = _routed(situation)
    most = max((situation.release.services[n].service.replicas for n in routed), default=1)
    if most == 1 or not canary.compared(situation):
        return blue_green.steps(situation)
    build = Builder(situation)
    build.preparation()
    build.backing()
    build.services(only_one_of=routed)
    build.entry()
    before = _waves(build, situation, routed, most)
    build.all_traffic(before)
    build.ending()
    return build.steps


def _routed(situation: Situation) -> frozenset[str]:
    """Services that have a route and are not shared with the old revision."""
    base = situation.base
    return frozenset(
        route.service
        for route in situation.release.routes
        if base is not None
        and route.service in base.services
        and base.services[route.service].key != situation.release.services[route.service].key
    )


def _waves(
    build: Builder, situation: Situation, routed: frozenset[str], most: int
) -> dict[str, int]:
    """One instance more, its share of the traffic, one old instance less; the last weights."""
    assert situation.base is not None
    new, old = str(situation.release.number), str(situation.base.number)
    before = dict(situation.observed.weights)
    for wave in range(1, most):
        if wave > 1:
            for name in sorted(routed):
                build.grow(name, wave)
        share = round(100 * wave / most)
        weights = {new: share, old: 100 - share}
        build.route(f"send {share}% of the traffic to release {new}", weights, before)
        before = weights
        for name in sorted(routed):
            build.shrink_old(name, most - wave)
    for name in sorted(routed):
        build.grow(name, most)
    return before
