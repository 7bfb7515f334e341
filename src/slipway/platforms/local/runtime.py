"""What every step here works with: one environment's paths, programs and addresses."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio.to_thread

from slipway.platforms.local.launchfile import LaunchFile, SecretsData
from slipway.platforms.local.layout import Layout
from slipway.platforms.local.network.addresses import AddressBook, choose_mode
from slipway.platforms.local.supervision.conf import Program
from slipway.platforms.local.supervision.control import Control, launch_command
from slipway.platforms.protocol import Context
from slipway.support.secrets.keys import key_path
from slipway.support.secrets.placeholder import reveal

T = TypeVar("T")
HOOKS = Path(__file__).parent / "network" / "hooks"


@dataclass(frozen=True, slots=True)
class Runtime:
    """Made once per platform object; holds no state of its own: all of that is on disk."""

    context: Context
    layout: Layout
    control: Control
    book: AddressBook

    @property
    def store_folder(self) -> Path:
        """Where this environment's records and secrets are (`Platform.store`)."""
        return self.context.home / "store"

    @property
    def own_folders(self) -> tuple[Path, ...]:
        """Folders that are ours, so that their mode may be changed for a database's user."""
        home = self.context.home
        apps = [folder for folder in home.parents if folder.name == "apps"]
        return (apps[0].parent if apps else home, self.context.cache)

    def secrets_data(self, versions: Mapping[str, int]) -> SecretsData:
        """Where a launcher finds the values: for launch files."""
        place = self.context
        key = place.key_file or key_path(os.environ, place.app, place.environment)
        return SecretsData(store=str(self.store_folder), key=str(key), versions=versions)

    def revealed(self, text: str, versions: Mapping[str, int]) -> str:
        """`text` with its secrets' values: only for a program's environment or standard input."""
        return reveal(text, lambda name: self.context.secrets(name, versions.get(name)))


def make_runtime(context: Context) -> Runtime:
    """Reads and makes nothing. Raises ConfigError for a wrong setting."""
    layout = Layout(context.home)
    book = AddressBook(layout.addresses, choose_mode(context.settings), str(context.home))
    return Runtime(context, layout, Control(layout, os.environ), book)


def program_of(
    launch: LaunchFile,
    *,
    priority: int = 500,
    stop_signal: str = "SIGTERM",
    stop_grace: float = 10.0,
    start_seconds: int = 1,
) -> Program:
    """How the supervisor runs a launch file."""
    folder = Path(launch.folder)
    return Program(
        name=launch.name,
        command=launch_command(folder / "instance.json"),
        folder=folder,
        log=Path(launch.log),
        restart=launch.restart,
        stop_signal=stop_signal,
        stop_grace=stop_grace,
        start_seconds=start_seconds,
        priority=priority,
    )


async def in_thread(action: Callable[..., T], *args: object, **kwargs: object) -> T:
    """Run something that blocks without stopping the other steps."""
    return await anyio.to_thread.run_sync(partial(action, *args, **kwargs))
