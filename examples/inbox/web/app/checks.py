"""Readiness: can this service do its work now?"""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor

logger = logging.getLogger("uvicorn.error")


def run_checks(executor: Executor, checks: Mapping[str, Callable[[], None]]) -> dict[str, dict]:
    """Runs the checks side by side: {"database": {"ok": True}, "model": {"ok": False, ...}}."""
    running = {name: executor.submit(run_check, name, check) for name, check in checks.items()}
    return {name: future.result() for name, future in running.items()}


def run_check(name: str, check: Callable[[], None]) -> dict:
    try:
        check()
    except Exception as error:
        logger.warning("not ready: %s: %s", name, error)
        # The error's text may name hosts and users: it is for the log, not for the public.
        return {"ok": False, "reason": reason(error)}
    return {"ok": True}


def reason(error: Exception) -> str:
    return str(error) if type(error).__module__.startswith("app.") else type(error).__name__
