"""The classifier's service, as far as the web needs it: is it ready, how far is it?"""

from typing import NamedTuple

import httpx


class ModelState(NamedTuple):
    progress: float
    stage: str

    @property
    def ready(self) -> bool:
        return self.progress >= 1


class ModelNotReadyError(Exception):
    """It answers, but cannot classify yet."""


class Model:
    def __init__(self, url: str):
        self._client = httpx.Client(base_url=url, timeout=2.0, trust_env=False)

    def state(self) -> ModelState:
        """Raises httpx.HTTPError if there is no answer."""
        document = self._client.get("/progress").raise_for_status().json()
        return ModelState(float(document["progress"]), str(document["stage"]))

    def check(self) -> None:
        """Raises if it cannot classify."""
        state = self.state()
        if not state.ready:
            raise ModelNotReadyError(f"{state.stage}, {state.progress:.0%}")

    def close(self) -> None:
        self._client.close()
