"""Takes secrets' values out of what a run says and writes down.

Services print their environment when they fail, and servers repeat what they were sent. Used
by the engine at the places where such words come in: errors, answers, progress, outcomes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from slipway.engine.workspace import Workspace
from slipway.errors import SlipwayError
from slipway.plan.release import Release
from slipway.support.secrets.redact import Redactor
from slipway.support.telemetry.events import Event, ProbeAnswered, StepProgress


class Unseen:
    """Masks the values that a release's secrets have; they are read at the first use."""

    def __init__(self, workspace: Workspace, release: Release | None) -> None:
        self._ws = workspace
        self._names: Mapping[str, int] = release.secrets if release else {}
        self._redact: Redactor | None = None

    def text(self, text: str) -> str:
        """`text` with every value masked."""
        if not self._names:
            return text
        if self._redact is None:
            self._redact = Redactor(self._values())
        return self._redact(text)

    def _values(self) -> list[str]:
        values = []
        for name, version in self._names.items():
            try:
                values.append(self._ws.secrets.get(name, version))
            except SlipwayError:  # a value that cannot be read was not given to anyone either
                continue
        return values

    def mend(self, error: Exception) -> None:
        """Mask what a SlipwayError says, in place."""
        if isinstance(error, SlipwayError):
            error.message = self.text(error.message)
            error.details = tuple(self.text(line) for line in error.details)

    def data(self, value: Any) -> Any:
        """Plain data with every text in it masked."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.data(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.data(item) for item in value]
        return value

    def emit(self, event: Event) -> None:
        """Pass an event on, masked."""
        if isinstance(event, ProbeAnswered):
            event = msgspec.structs.replace(event, answer=self.text(event.answer))
        elif isinstance(event, StepProgress):
            event = msgspec.structs.replace(event, message=self.text(event.message))
        self._ws.emit(event)
