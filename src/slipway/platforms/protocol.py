"""The contract of a platform: what is there, make it so, take it back.

The engine calls these; everything takes and gives data. All verbs are idempotent: a run
that was killed inside `apply` applies the same step again. `tests/contract/` runs every
promise against each platform that the registry finds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from slipway.app.model import App
from slipway.plan.model import Step
from slipway.plan.observed import Observed
from slipway.plan.release import Artifact, Release
from slipway.plan.rollout.verdict import Counters
from slipway.support.data import Frozen
from slipway.support.health.model import Answer, Probe
from slipway.support.store import Store
from slipway.support.telemetry.events import Emit

Outcome = Mapping[str, Any]
"""What a step did, as JSON data: goes into the journal and back into `undo`."""

SecretReader = Callable[[str, int | None], str]
"""(name, version or None for the newest) -> value; raises NotFoundError."""


class Capabilities(Frozen, frozen=True, kw_only=True):
    """What a platform can do; a plan that needs more is refused before it starts."""

    weights: bool = True
    metrics: bool = True
    jobs: bool = True
    autoscale: bool = False
    spot: bool = False
    builds: bool = True
    exec: bool = True


class Detection(Frozen, frozen=True, kw_only=True):
    """Could this platform be used here and now, and why (not)?"""

    name: str
    usable: bool
    reason: str
    preference: int = 0


class Context(Frozen, frozen=True, kw_only=True):
    """What a platform is made from. `home` is this environment's state folder on this machine,
    `cache` is shared by all apps, `project` is the app's folder. `key_file` opens the secrets in
    the platform's store (`support.secrets.keys`): for launchers that run without the tool.
    """

    app: str
    environment: str
    project: Path
    home: Path
    cache: Path
    settings: Mapping[str, Any]
    secrets: SecretReader
    key_file: Path | None = None


class StepContext(Frozen, frozen=True, kw_only=True):
    """What one step may use: the release it is about (None for cleanup), and the event stream.

    `base` is the release that was current before the run, for undoing a `drain`.
    """

    step: Step
    release: Release | None
    emit: Emit
    base: Release | None = None


@runtime_checkable
class Metered(Protocol):
    """Of platforms whose proxy counts: what canaries are judged from."""

    async def counters(self) -> Mapping[int, Counters]:
        """Release number -> everything counted for its routed services so far.

        Raises PlatformError where the proxy does not answer.
        """
        ...


class LogLine(Frozen, frozen=True, kw_only=True):
    """One line a service wrote. `at` is seconds since the epoch where the platform knows it."""

    service: str
    instance: str
    text: str
    at: float | None = None


class Platform(Protocol):
    """One platform, bound to one app's environment (a `Context`)."""

    name: str

    def capabilities(self) -> Capabilities: ...

    def store(self) -> Store:
        """Where this environment's journal, releases and lease live."""
        ...

    def resolve(self, app: App) -> Mapping[str, Artifact]:
        """What each service's artifact would be, without building it: reads, never writes.

        Raises RefusedError where this platform cannot run a service, with the reason.
        """
        ...

    async def observe(self) -> Observed:
        """What is there now. Never changes anything; works with nothing installed."""
        ...

    def precheck(self, app: App, observed: Observed) -> None:
        """Refuse before anything is changed: a taken port, a missing program, no space.

        Raises InputError.
        """
        ...

    async def apply(self, context: StepContext) -> Outcome:
        """Make it so. Raises RunError; cancelled, it leaves what `undo` can take back."""
        ...

    async def undo(self, context: StepContext, outcome: Outcome) -> None:
        """Take a step back. `outcome` is empty if the step was cut off."""
        ...

    async def probe(self, release: Release, service: str, probe: Probe) -> list[Answer]:
        """Ask every instance of a service of a revision once."""
        ...

    def address(self, release: Release, service: str) -> tuple[str, int] | None:
        """Host and port of one instance's first port, for smoke tests before traffic."""
        ...

    def logs(
        self, services: tuple[str, ...], *, lines: int, follow: bool
    ) -> AsyncIterator[LogLine]:
        """The last lines of each service, then new ones if asked."""
        ...

    def execute(self, release: Release, service: str, command: tuple[str, ...]) -> int:
        """Run a command where the service runs, on this terminal; its exit code."""
        ...


class PlatformModule(Protocol):
    """What `platforms/NAME/__init__.py` offers to the registry; importing it is cheap."""

    NAME: str
    SUMMARY: str

    def detect(self, environ: Mapping[str, str]) -> Detection: ...

    def create(self, context: Context) -> Platform: ...
