"""`deploy install` and `deploy upgrade`: take the environment to what the files say.

The CLI calls `deploy`; the frame around it (lease, recovery, approval, execution) is
`run_plan`, which the other verbs share.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from slipway.app.assemble import Loaded
from slipway.engine.execute import Execution
from slipway.engine.own_steps import OwnSteps
from slipway.engine.prepare import Prepared, Wanted, prepare_app
from slipway.engine.recover import recover
from slipway.engine.verification import Check, verify_release
from slipway.engine.workspace import Workspace
from slipway.errors import DriftError, UnhealthyError
from slipway.journal.lease import Lease
from slipway.plan.model import Plan
from slipway.plan.release import Release

Approve = Callable[[Plan], None]
"""Shows the plan and asks; raises UsageError where the answer is no."""

Prepare = Callable[[], Awaitable[Prepared]]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run, whatever the verb. `timeout` in seconds, None: each step's own deadline."""

    dry_run: bool = False
    revert: bool = True
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a verb did: for the summary and for JSON."""

    plan: Plan
    dry_run: bool = False
    changed: bool = False
    checks: tuple[Check, ...] = ()
    urls: Mapping[str, str] | None = None


async def run_plan(
    workspace: Workspace,
    verb: str,
    prepare: Prepare,
    approve: Approve,
    options: RunOptions,
    *,
    closes: bool = True,
) -> Result:
    """Lease, recovery, plan, approval, and then exactly that plan.

    `closes` False: `prepare` itself deals with an interrupted run.

    Raises LeaseHeldError, DriftError where the world changed while the plan was looked at,
    and whatever `Execution.run` raises.
    """
    if options.dry_run:
        prepared = await prepare()
        approve(prepared.plan)
        return Result(plan=prepared.plan, dry_run=True)
    with Lease(workspace.store, workspace.clock, verb) as lease:
        if closes:
            await recover(workspace)
        prepared = await prepare()
        if not prepared.plan.steps:
            approve(prepared.plan)
            return Result(plan=prepared.plan)
        began = workspace.clock.monotonic()
        approve(prepared.plan)
        if workspace.clock.monotonic() - began > 1.0:
            prepared = await _unchanged(prepare, prepared)
        workspace.remember_platform()
        own = OwnSteps(workspace, prepared.values)
        execution = Execution(
            workspace,
            prepared.plan,
            own,
            lease=lease,
            revert=options.revert,
            resumes=prepared.resumes,
        )
        await execution.run(options.timeout)
    urls = (await workspace.platform.observe()).urls
    return Result(plan=prepared.plan, changed=True, checks=execution.checks(), urls=urls)


async def _unchanged(prepare: Prepare, shown: Prepared) -> Prepared:
    """The plan again, after someone took time to read it; it must be the one that was shown."""
    now = await prepare()
    if now.plan.fingerprint != shown.plan.fingerprint:
        raise DriftError(
            "the world changed while the plan was being looked at, so nothing was done",
            hint="run it again: it shows the new plan",
        )
    return now


async def deploy(
    workspace: Workspace,
    loaded: Loaded,
    wanted: Wanted,
    approve: Approve,
    options: RunOptions,
) -> Result:
    """Install or upgrade. With nothing to change it verifies what runs, if asked to.

    Raises UnhealthyError if nothing had to change but something is not healthy.
    """

    async def prepare() -> Prepared:
        return await prepare_app(workspace, loaded, wanted)

    result = await run_plan(workspace, wanted.verb, prepare, approve, options)
    if result.dry_run or result.changed or not wanted.verify:
        return result
    release = result.plan.release
    assert release is not None
    checks = await _still_healthy(workspace, release)
    urls = (await workspace.platform.observe()).urls
    return Result(plan=result.plan, checks=checks, urls=urls)


async def _still_healthy(workspace: Workspace, release: Release) -> tuple[Check, ...]:
    checks = await verify_release(workspace, release, unsafe=False)
    bad = [c for c in checks if not c.ok]
    if bad:
        raise UnhealthyError(
            f"nothing changed, but {bad[0].name}: {bad[0].saw}",
            details=[f"{c.name}: {c.saw}" for c in bad[1:]],
            hint="`deploy logs` shows what the services said",
        )
    return checks
