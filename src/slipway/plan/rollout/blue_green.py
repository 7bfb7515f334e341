"""Blue-green: the whole new revision beside the old, then all traffic at once.

`recreate` is the same steps in another order: the old revision's services stop first, for
apps that must not run twice.
"""

from __future__ import annotations

from slipway.plan.model import Step
from slipway.plan.rollout.builder import Builder
from slipway.plan.rollout.situation import Situation


def steps(situation: Situation) -> list[Step]:
    """Every step from what is observed to `situation.release` serving all traffic."""
    build = Builder(situation)
    build.preparation()
    build.backing()
    build.services()
    build.entry()
    build.all_traffic()
    build.ending()
    return build.steps


def recreate(situation: Situation) -> list[Step]:
    """The old set stops before the new one starts: there is an outage in between."""
    build = Builder(situation)
    build.preparation()
    build.backing()
    build.drains(after=())
    build.services()
    build.entry()
    build.all_traffic()
    build.ending(drain=False)
    return build.steps
