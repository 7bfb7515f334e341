"""`rollout:` in long form, for deploy.yaml and for the command line alike.

Shares and thresholds are percentages: `10%`, `10`, `"10%,25%,50%"`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway.app.units import percent, seconds


def normalise_rollout(raw: str | Mapping[str, Any]) -> dict[str, Any]:
    """Raises RolloutError, whose `path` says which key is wrong."""
    if isinstance(raw, str):
        return {"strategy": raw}
    result = {key: value for key, value in raw.items() if value is not None}
    if "canary" in result:
        result["canary"] = canary(result["canary"])
    return result


class RolloutError(ValueError):
    """One value is wrong; `path` is its place below `rollout`."""

    def __init__(self, message: str, *path: str | int) -> None:
        super().__init__(message)
        self.path = path


def canary(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The `canary:` section. Raises RolloutError."""
    result = {key: value for key, value in raw.items() if value is not None}
    if "steps" in result:
        result["steps"] = shares(result["steps"])
    if "threshold" in result:
        result["threshold"] = _threshold(result["threshold"])
    for key in ("bake", "patience"):
        if key in result:
            result[key] = _checked(seconds, result[key], key)
    for index, check in enumerate(result.get("checks", ())):
        if "query" in check and "least" not in check and "most" not in check:
            raise RolloutError("a query needs `least` or `most`", "canary", "checks", index)
    return result


def shares(raw: str | float | list[Any]) -> tuple[int, ...]:
    """Growing whole percentages between 1 and 99. Raises RolloutError."""
    given = raw.split(",") if isinstance(raw, str) else raw if isinstance(raw, list) else [raw]
    found = []
    for value in given:
        share = _checked(percent, value, "steps")
        if share != int(share) or not 1 <= share <= 99:
            raise RolloutError(
                f"{_said(value)} is not a whole share between 1% and 99%", "canary", "steps"
            )
        found.append(int(share))
    if not found or sorted(set(found)) != found:
        raise RolloutError("shares must grow from step to step", "canary", "steps")
    return tuple(found)


def _threshold(raw: str | float) -> float:
    value = float(_checked(percent, raw, "threshold"))
    if not 0 < value <= 100:
        raise RolloutError(
            f"{_said(raw)} is not a success rate between 0% and 100%", "canary", "threshold"
        )
    return value


def _checked(read: Any, value: Any, key: str) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise RolloutError(str(error), "canary", key) from None


def _said(value: Any) -> str:
    return f'"{str(value).strip()}"'
