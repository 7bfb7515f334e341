"""The one tree of errors that a user can meet.

Every layer raises these; `cli/main.py` is the one place that turns them into a message and
an exit code. An error says what happened, where (a `Location`), and what to do next (`hint`).

    SlipwayError                      exit 1: failed, and put back as it was
      InputError                      exit 2: usage, configuration or input; nothing was changed
        UsageError                      a flag or an answer is wrong or missing
        ConfigError                     compose.yaml, deploy.yaml or .env is wrong
        RefusedError                    the plan needs what the platform cannot do
        NotFoundError                   a release, service or secret that does not exist
        PortTakenError                  another program listens on a published port
      RunError                        exit 1: a step failed
        BuildError                      making an artifact failed
        NotReadyError                   a probe was not answered in time
        CrashedError                    a service died
        JobError                        a one-shot job failed
        CanaryError                     a canary failed its verdict, or was aborted
        StorageError                    disk full, read-only, no permission
        PlatformError                   the platform refused or cannot be reached
        DriftError                      the world is not as the plan saw it
      UnhealthyError                  exit 3: verify and its like
      LeaseHeldError                  exit 4: someone else deploys to this environment now
      RevertError                     exit 5: failed and could not be put back
      InterruptedRunError             exit 130: interrupted, and put back
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """Where a value was written: a path as the user would name it, and a line from 1."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


class SlipwayError(Exception):
    """Base of all. `details` are further lines, such as a service's last log lines."""

    code: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        location: Location | None = None,
        details: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.location = location
        self.details = tuple(details)


class InputError(SlipwayError):
    """What the user gave is wrong; nothing was changed."""

    code = "input"
    exit_code = 2


class UsageError(InputError):
    """A flag, an argument or an unanswered question."""

    code = "usage"


class ConfigError(InputError):
    """A file of the user's is wrong: compose.yaml, deploy.yaml, .env."""

    code = "config"


class RefusedError(InputError):
    """The plan cannot be carried out on this platform; said at planning, never half way."""

    code = "refused"


class NotFoundError(InputError):
    """A named release, service, secret or environment does not exist."""

    code = "not-found"


class PortTakenError(InputError):
    """Another program listens on a port that the app publishes."""

    code = "port-taken"


class RunError(SlipwayError):
    """A step of a run failed; the engine reverts what the run did."""

    code = "run"


class BuildError(RunError):
    """An artifact could not be made."""

    code = "build"


class NotReadyError(RunError):
    """A probe was not answered as expected within its deadline."""

    code = "not-ready"
    retryable = True


class CrashedError(RunError):
    """A service ended though it should run."""

    code = "crashed"


class JobError(RunError):
    """A one-shot job ended with a failure."""

    code = "job"


class CanaryError(RunError):
    """A canary failed its verdict, or somebody aborted it.

    `outcome` is what the journal keeps of it: the verdict with its numbers.
    """

    code = "canary"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        details: Sequence[str] = (),
        outcome: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, hint=hint, details=details)
        self.outcome = outcome or {}


class StorageError(RunError):
    """A file could not be written: disk full, read-only, no permission."""

    code = "storage"


class PlatformError(RunError):
    """The platform refused, or could not be reached."""

    code = "platform"
    retryable = True


class DriftError(RunError):
    """The world changed between the plan that was shown and the run."""

    code = "drift"


class UnhealthyError(SlipwayError):
    """Everything ran, but the answer is: not healthy."""

    code = "unhealthy"
    exit_code = 3


class LeaseHeldError(SlipwayError):
    """Another live run holds the environment's lease."""

    code = "lease-held"
    exit_code = 4
    retryable = True


class RevertError(SlipwayError):
    """A run failed and undoing it failed too; `details` say what is where."""

    code = "revert"
    exit_code = 5


class InterruptedRunError(SlipwayError):
    """Ctrl-C or SIGTERM; the run was put back."""

    code = "interrupted"
    exit_code = 130
