"""What install, upgrade, rollback, start and cleanup share on the command line: the plan shown,
the question asked, the run watched, the summary printed.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from slipway.cli.options import Options
from slipway.cli.render.progress import View, view
from slipway.cli.render.style import paint, seconds
from slipway.errors import UsageError

if TYPE_CHECKING:
    from slipway.engine.deploy import Approve, Result, RunOptions
    from slipway.engine.workspace import Workspace
    from slipway.plan.model import Plan

Verb = Callable[["Workspace", "Approve", "RunOptions"], Awaitable["Result | None"]]

CHANGES_EXIT = 6


def perform(options: Options, verb: Verb, *, revert: bool = True, exit_code: bool = False) -> int:
    """Open the environment, run one verb, print what came of it; returns the exit code."""
    import time

    from slipway.cli.session import open_session, run
    from slipway.engine.deploy import RunOptions

    quiet = options.quiet or options.json
    began = time.monotonic()
    with view(quiet=quiet, verbose=options.verbose) as show:
        workspace = open_session(options, show)
        settings = RunOptions(dry_run=options.dry_run, revert=revert, timeout=options.timeout)
        approve = _approval(options, show, protected=workspace.target.protected)
        result = run(lambda: verb(workspace, approve, settings))
    if result is None:
        if not options.dry_run:
            note("nothing is interrupted here any more")
        return 0
    _print(options, result, time.monotonic() - began)
    return CHANGES_EXIT if exit_code and options.dry_run and result.plan.steps else 0


def _approval(options: Options, show: View, *, protected: bool) -> Approve:
    def approve(plan: Plan) -> None:
        if not options.json and not options.quiet:
            from slipway.cli.render.plan import plan_lines

            show.pause()
            stream = sys.stdout if options.dry_run else sys.stderr
            lines = plan_lines(
                plan, steps=options.verbose or options.dry_run, verbose=options.verbose
            )
            print("\n".join(lines), file=stream, flush=True)
        if options.dry_run or not plan.steps:
            return
        if question_needed(plan, protected=protected) and not options.yes:
            ask(plan, protected=protected)

    return approve


def question_needed(plan: Plan, *, protected: bool) -> bool:
    """Ask before an interruption, before data is deleted, and always in production."""
    deletes = any(s.kind == "teardown" and s.args.get("volumes") for s in plan.steps)
    replaces = any(s.kind == "backing" and s.interrupts for s in plan.steps)
    return protected or deletes or replaces


def ask(plan: Plan, *, protected: bool) -> None:
    """Put the question on the terminal; production's name has to be typed.

    Raises UsageError where there is no terminal, or the answer is not yes.
    """
    if not sys.stdin.isatty():
        raise UsageError(
            f"{plan.verb} on {plan.environment} needs an answer, and there is no terminal",
            hint="look at the plan above, then add --yes (or DEPLOY_YES=1)",
        )
    if protected:
        answer = click.prompt(f"Type {plan.environment} to go on", default="", err=True)
        agreed = answer == plan.environment
    else:
        agreed = click.confirm("Go on?", default=False, err=True)
    if not agreed:
        raise UsageError("not confirmed, so nothing was changed")


def _print(options: Options, result: Result, took: float) -> None:
    if options.json:
        from slipway.cli.render.json import print_json
        from slipway.cli.render.result import result_document

        print_json(result_document(result, took))
        return
    if result.dry_run:
        return
    from slipway.cli.render.result import summary_lines

    lines = summary_lines(result, options, took=seconds(took))
    if lines:
        print("\n".join(lines), flush=True)


def note(text: str) -> None:
    """A remark that is not data: to stderr."""
    print(f"  {paint('!', 'yellow')} {text}", file=sys.stderr)
