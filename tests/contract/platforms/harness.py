"""What the contract suite needs of a platform: how to make one that runs the suite's app.

A new platform adds itself by being found in the registry; where it cannot be used on this
machine, its tests are left out with the reason that it gives.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio

from slipway.app.assemble import Loaded, LoadOptions, load_app
from slipway.engine.cleanup import cleanup
from slipway.engine.deploy import Result, RunOptions, deploy
from slipway.engine.prepare import Wanted
from slipway.engine.workspace import Target, Workspace
from slipway.journal.journal import Journal
from slipway.journal.releases import Releases
from slipway.platforms import registry
from slipway.platforms.protocol import Context, Platform
from slipway.support.clock import SystemClock
from slipway.support.secrets.age_store import SecretStore
from slipway.support.telemetry.events import Event
from slipway.testing.apps import agree
from slipway.testing.fake_platform import FakePlatform, FakeWorld
from slipway.testing.memory_store import MemoryStore

APP = Path(__file__).parents[2] / "cases" / "contract" / "app"
FAKE = "fake"


def names() -> list[str]:
    """Every platform that promises are run against: the fake, and all that are found."""
    return [FAKE, *(module.NAME for module in registry.available())]


def why_not(name: str) -> str | None:
    """The platform's own reason why it cannot be used here, or None."""
    if name == FAKE:
        return None
    found = registry.get(name).detect(os.environ)
    return None if found.usable else found.reason


class Stage:
    """The suite's app in a folder of its own, on one platform, with a free port."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.project = folder / "app"
        shutil.copytree(APP, self.project)
        self.port = _free_port()
        self.events: list[Event] = []
        self.world = FakeWorld()
        self._memory = MemoryStore()
        self.workspace = self.open()

    def open(self) -> Workspace:
        """The environment as a fresh process would open it."""
        key = self.folder / "key"
        secrets: list[SecretStore] = []
        context = Context(
            app="contract",
            environment="test",
            project=self.project,
            home=self.folder / "home",
            cache=self.folder.parent / "cache",
            settings={},
            secrets=lambda name, version: secrets[0].get(name, version),
            key_file=key,
        )
        platform: Platform
        if self.name == FAKE:
            platform = FakePlatform(self.world, self._memory)
        else:
            platform = registry.get(self.name).create(context)
        store = platform.store()
        secrets.append(SecretStore(store, key))
        target = Target(directory=str(self.project), environment="test", platform=self.name)
        return Workspace(
            target=target,
            platform=platform,
            store=store,
            journal=Journal(store),
            releases=Releases(store),
            secrets=secrets[0],
            clock=SystemClock(),
            emit=self.events.append,
            home=self.folder / "home",
        )

    @property
    def platform(self) -> Platform:
        return self.workspace.platform

    def code(self, text: str) -> None:
        """Another version of the app's code."""
        path = self.project / "server.py"
        lines = path.read_text().splitlines()
        at = next(i for i, line in enumerate(lines) if line.startswith("CODE = "))
        lines[at] = f'CODE = "{text}"'
        path.write_text("\n".join(lines) + "\n")
        self._code = text

    def load(self) -> Loaded:
        """The app as its files say now."""
        environ = {"PORT": str(self.port), "PATH": os.environ["PATH"]}
        return load_app(LoadOptions(directory=str(self.project), environment="test"), environ)

    async def deploy(self, label: str | None = None) -> Result:
        """Install or upgrade."""
        wanted = Wanted(verb="upgrade", label=label)
        return await deploy(self.workspace, self.load(), wanted, agree, RunOptions())

    def answer(self, path: str) -> str:
        """What the app says to someone from outside."""
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    async def cleanup(self) -> None:
        """Take everything down, with its data."""
        await cleanup(self.workspace, volumes=True, approve=agree, options=RunOptions())


@contextmanager
def stage(name: str, base: Path) -> Iterator[Stage]:
    """A stage that is cleaned up. `base` must be open to other users (databases drop root)."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=base))
    folder.chmod(0o755)
    made = Stage(name, folder)
    try:
        yield made
    finally:
        anyio.run(made.cleanup)
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
