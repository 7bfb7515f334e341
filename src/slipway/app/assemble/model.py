"""What assembling an App takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway.app.model import App, SecretNeed
from slipway.support.data import Frozen


class LoadOptions(Frozen, frozen=True, kw_only=True):
    """Which app, as the command line says it.

    `files` and `profiles` are Compose's; `config` is the deploy.yaml. `environment` None: the
    default one. `known_secrets` are the names that the environment's secret store has.
    """

    directory: str
    files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    config: str | None = None
    environment: str | None = None
    platform: str | None = None
    known_secrets: tuple[str, ...] = ()


class Loaded(Frozen, frozen=True, kw_only=True):
    """An App, and beside it what must not be in it.

    `sealed` are the secrets' values that were found in `.env` files, the environment, env
    files or literally in a Compose file; never log, store or print this other than encrypted.
    `needs` are all secrets that the app uses: those neither sealed nor known must be generated
    or asked for.
    """

    app: App
    sealed: Mapping[str, str]
    needs: tuple[SecretNeed, ...]

    def __repr__(self) -> str:
        return f"Loaded(app={self.app.name!r}, sealed=<{len(self.sealed)} values>)"

    __str__ = __repr__

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("app", self.app.name), ("sealed", f"<{len(self.sealed)} values>")]
