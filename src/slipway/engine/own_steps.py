"""The steps that the engine carries out itself, on every platform alike: secrets, the record of
the release, smoke tests, verification, activation.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from slipway.engine.judging import watch
from slipway.engine.verification import Check, smoke_checks, verify_release
from slipway.engine.workspace import Workspace
from slipway.errors import NotReadyError
from slipway.plan.model import Step
from slipway.platforms.protocol import Outcome, StepContext
from slipway.support.telemetry.events import StepProgress

_KINDS = frozenset({"secrets", "record", "smoke", "judge", "verify", "activate"})


class OwnSteps:
    """Applies and undoes them. `values` are the secrets that a `secrets` step has to keep."""

    def __init__(self, workspace: Workspace, values: Mapping[str, str]) -> None:
        self._ws = workspace
        self._values = values

    def handles(self, step: Step) -> bool:
        """True for the kinds that are the engine's."""
        return step.kind in _KINDS

    async def apply(self, context: StepContext) -> Outcome:
        """Raises RunError like a platform does."""
        match context.step.kind:
            case "secrets":
                return self._keep_secrets(context)
            case "record":
                return self._record(context)
            case "smoke":
                return await self._smoke(context)
            case "judge":
                return await watch(self._ws, context, self._ws.journal.last_run())
            case "verify":
                return await self._verify(context)
            case _:
                return {}

    async def undo(self, context: StepContext, outcome: Outcome) -> None:
        """Kept secrets and written releases stay: they are records, and harm nobody."""
        del context, outcome

    def _keep_secrets(self, context: StepContext) -> Outcome:
        names = context.step.args["names"]
        found = set(context.step.args.get("found", ()))
        versions: dict[str, int] = {}
        for source, chosen in (("files", found), ("generated", set(names) - found)):
            values = {name: self._values[name] for name in names if name in chosen}
            if values:
                versions |= self._ws.secrets.set_many(values, source=source)
        return {"versions": versions}

    def _record(self, context: StepContext) -> Outcome:
        assert context.release is not None
        self._ws.releases.write(context.release)
        return {}

    async def _smoke(self, context: StepContext) -> Outcome:
        assert context.release is not None
        checks = await smoke_checks(self._ws, context.release, straight=True)
        return _settle(checks, context)

    async def _verify(self, context: StepContext) -> Outcome:
        assert context.release is not None
        checks = await verify_release(self._ws, context.release, unsafe=False)
        return _settle(checks, context)


def _settle(checks: tuple[Check, ...], context: StepContext) -> Outcome:
    """All passed: what they saw, for the journal. Else NotReadyError with every failure."""
    failed = [c for c in checks if not c.ok]
    if failed:
        raise NotReadyError(
            f"{failed[0].name}: {failed[0].saw}",
            details=[f"{c.name}: {c.saw}" for c in failed[1:]],
            hint="`deploy logs` shows what the services said",
        )
    for check in checks:
        message = f"{check.name}: {check.saw}"
        context.emit(
            StepProgress(at=check.at, step=context.step.id, message=message, fraction=None)
        )
    return {"checks": msgspec.to_builtins(checks)}
