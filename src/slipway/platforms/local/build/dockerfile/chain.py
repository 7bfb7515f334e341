"""Which stages of a Dockerfile a target needs: what it starts from, and what it copies from."""

from __future__ import annotations

from slipway.errors import ConfigError, Location
from slipway.platforms.local.build.dockerfile.stages import Stage


def chain_of(stages: list[Stage], target: str | None, file: str) -> list[Stage]:
    """The stages that `target` (a name, an index, None: the last) needs, in order, it last.

    Raises ConfigError for a target that there is not.
    """
    wanted = stages[-1] if target is None else find_stage(stages, target)
    if wanted is None:
        raise ConfigError(
            f"the Dockerfile has no stage {target}",
            location=Location(file),
            hint="stages: " + (", ".join(s.name for s in stages if s.name) or "none has a name"),
        )
    needed: set[int] = set()
    _need(stages, wanted, needed)
    return [stage for stage in stages if stage.index in needed]


def find_stage(stages: list[Stage], reference: str) -> Stage | None:
    """A stage by name or number."""
    for stage in stages:
        if stage.name == reference.lower() or str(stage.index) == reference:
            return stage
    return None


def _need(stages: list[Stage], stage: Stage, needed: set[int]) -> None:
    if stage.index in needed:
        return
    needed.add(stage.index)
    if stage.base is not None:
        _need(stages, stages[stage.base], needed)
    for action in stage.actions:
        source = action.flag("from")
        found = find_stage(stages, source) if source else None
        if found is not None and found.index < stage.index:
            _need(stages, found, needed)
