"""What the command line says about the rollout, over what deploy.yaml says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from slipway.app.config.rollout import RolloutError, canary
from slipway.app.model import App, Canary, Rollout
from slipway.errors import UsageError

_FLAGS = {"steps": "--traffic-split", "threshold": "--promote-threshold"}


@dataclass(frozen=True, slots=True)
class RolloutAsked:
    """None: as deploy.yaml says. `steps` and `threshold` are percentages as typed."""

    strategy: str | None = None
    steps: str | None = None
    threshold: str | None = None


def with_rollout(app: App, asked: RolloutAsked) -> App:
    """`app` with the rollout that was asked for. Raises UsageError, naming the flag."""
    given = {k: v for k, v in (("steps", asked.steps), ("threshold", asked.threshold)) if v}
    strategy = asked.strategy or app.rollout.strategy
    if given and strategy != "canary":
        flags = " and ".join(_FLAGS[key] for key in given)
        raise UsageError(
            f"{flags}: only a canary has them, and the strategy is {strategy}",
            hint="add --strategy=canary",
        )
    try:
        wanted = canary(given)
    except RolloutError as error:
        raise UsageError(
            f"{_FLAGS[str(error.path[-1])]}: {error}", hint="such as 10%,25%,50% and 99%"
        ) from None
    data: dict[str, Any] = {**msgspec.structs.asdict(app.rollout.canary), **wanted}
    rollout = Rollout(strategy=strategy, canary=Canary(**data))  # type: ignore[arg-type]
    return msgspec.structs.replace(app, rollout=rollout)
