"""What every verb works with: one app's environment, its platform, and its records.

The CLI opens one per command; tests make one from fakes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.journal.journal import Journal
from slipway.journal.releases import Releases
from slipway.platforms.protocol import Context, Platform
from slipway.support import paths
from slipway.support.clock import Clock
from slipway.support.data import Frozen
from slipway.support.files import atomic_write, make_folder
from slipway.support.secrets.age_store import SecretStore, key_path
from slipway.support.store import Store
from slipway.support.telemetry.events import Emit

PLATFORM_NOTE = "platform"


class Target(Frozen, frozen=True, kw_only=True):
    """Which app, where: enough to find its records, without reading its Compose file.

    `directory` is absolute. `settings` are the platform's own, from deploy.yaml.
    """

    directory: str
    environment: str
    platform: str
    settings: Mapping[str, Any] = {}
    protected: bool = False

    @property
    def app_id(self) -> str:
        """Name of the app's records on this machine."""
        folder = Path(self.directory)
        return paths.app_id(folder.name, folder)


@dataclass(frozen=True, slots=True)
class Workspace:
    """One environment, opened."""

    target: Target
    platform: Platform
    store: Store
    journal: Journal
    releases: Releases
    secrets: SecretStore
    clock: Clock
    emit: Emit
    home: Path

    def remember_platform(self) -> None:
        """Note on this machine which platform the environment is on, for later commands."""
        note = self.home / PLATFORM_NOTE
        text = self.platform.name + "\n"
        if not note.is_file() or note.read_text() != text:
            make_folder(self.home)
            atomic_write(note, text.encode())


def open_workspace(
    target: Target, environ: Mapping[str, str], *, emit: Emit, clock: Clock
) -> Workspace:
    """Connect the parts; creates nothing on disk."""
    from slipway.platforms.registry import get

    home = paths.environment_home(environ, target.app_id, target.environment)
    key_file = key_path(environ, target.app_id, target.environment)
    opened: list[SecretStore] = []

    def reveal(name: str, version: int | None) -> str:
        return opened[0].get(name, version)

    context = Context(
        app=target.app_id,
        environment=target.environment,
        project=Path(target.directory),
        home=home,
        cache=paths.cache_home(environ),
        settings=target.settings,
        secrets=reveal,
        key_file=key_file,
    )
    platform = get(target.platform).create(context)
    store = platform.store()
    opened.append(SecretStore(store, key_file))
    return Workspace(
        target=target,
        platform=platform,
        store=store,
        journal=Journal(store),
        releases=Releases(store),
        secrets=opened[0],
        clock=clock,
        emit=emit,
        home=home,
    )
