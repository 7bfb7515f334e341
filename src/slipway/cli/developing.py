"""`deploy dev` on the terminal: the logs, the changes, the errors, one after another."""

from __future__ import annotations

import sys

from slipway.cli.options import Options
from slipway.cli.render.progress import Lines
from slipway.cli.render.style import paint
from slipway.errors import InterruptedRunError, SlipwayError


def develop(options: Options, *, show_logs: bool) -> int:
    """Run until Ctrl-C; the app goes on running."""
    from slipway.cli.session import run

    try:
        run(lambda: _develop(options, show_logs=show_logs))
    except KeyboardInterrupt:
        pass
    except InterruptedRunError as error:
        _say(error.message)
        return 0
    _say("no longer watching; the app goes on: deploy status, deploy cleanup")
    return 0


async def _develop(options: Options, *, show_logs: bool) -> None:
    import anyio

    from slipway.cli.session import load_options, open_session
    from slipway.engine import dev
    from slipway.engine.deploy import RunOptions
    from slipway.engine.upgrade import Asked, upgrade
    from slipway.plan.model import Plan

    workspace = open_session(options, Lines(sys.stderr, verbose=options.verbose))

    def approve(plan: Plan) -> None:
        changed = [c.subject for c in plan.changes if c.action in ("add", "change", "interrupt")]
        if plan.steps:
            _say(f"release {plan.release.number if plan.release else ''}: {', '.join(changed)}")

    async def once() -> None:
        result = await upgrade(
            workspace, load_options(options), Asked(verb="dev"), approve,
            RunOptions(timeout=options.timeout),
        )  # fmt: skip
        for name, url in (result.urls or {}).items():
            _say(f"{name}: {url}")

    interrupted: InterruptedRunError | None = None
    async with anyio.create_task_group() as group:
        if show_logs:
            group.start_soon(_logs_forever, workspace)
        changes = dev.file_changes(options.project)
        _say("watching the files; Ctrl-C ends it")
        try:
            await dev.develop(once, changes, on_change=_changed, on_error=_failed)
        except InterruptedRunError as error:
            interrupted = error
        group.cancel_scope.cancel()
    if interrupted is not None:
        raise interrupted


async def _logs_forever(workspace: object) -> None:
    """Start following again after each release: its services may be others."""
    import anyio

    from slipway.engine.dev import follow_logs
    from slipway.engine.workspace import Workspace

    assert isinstance(workspace, Workspace)
    while True:
        current = workspace.journal.head().current
        async with anyio.create_task_group() as group:
            group.start_soon(follow_logs, workspace, _log)
            while workspace.journal.head().current == current:
                await anyio.sleep(0.5)
            group.cancel_scope.cancel()


def _log(service: str, text: str) -> None:
    print(f"{paint(service, 'cyan', stream=sys.stdout)} | {text}", flush=True)


def _changed(paths: tuple[str, ...]) -> None:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    _say(f"changed: {', '.join(paths[:3])}{more}")


def _failed(error: SlipwayError) -> None:
    from slipway.cli.render.errors import show_error

    show_error(error, as_json=False)
    _say("the old version goes on; waiting for the next change")


def _say(text: str) -> None:
    print(paint(f"dev: {text}", "bold"), file=sys.stderr, flush=True)
