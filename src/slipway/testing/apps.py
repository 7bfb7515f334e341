"""Small Apps and Workspaces for tests: a web service, a worker, a migration, a database."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from slipway.app.assemble import Loaded
from slipway.app.model import App, Dependency, Environment, Mount, Rollout, Route, Service, Volume
from slipway.engine.deploy import Result, RunOptions, deploy
from slipway.engine.prepare import Wanted
from slipway.engine.workspace import Target, Workspace
from slipway.journal.journal import Journal
from slipway.journal.lease import KEY as LEASE_KEY
from slipway.journal.releases import Releases
from slipway.plan.model import Plan
from slipway.support.clock import Clock, SystemClock
from slipway.support.health.model import Probe, Probes
from slipway.support.secrets.age_store import SecretStore
from slipway.support.telemetry.events import Event
from slipway.testing.fake_platform import FakePlatform, FakeWorld, Hook
from slipway.testing.memory_store import MemoryStore


def inbox(**code: str) -> App:
    """An app like examples/inbox. `code` changes a service's source: `inbox(web="2")`."""

    def service(name: str, role: Any, *after: str, **more: Any) -> Service:
        return Service(
            name=name,
            role=role,
            environment={"CODE": code.get(name, "1")},
            depends_on=tuple(Dependency(service=other) for other in after),
            **more,
        )

    services = [
        service("db", "backing", image="postgres:16",
                mounts=(Mount(kind="volume", source="data", target="/var/lib/postgresql/data"),)),
        service("migrate", "job", "db"),
        service("model", "worker"),
        service("worker", "worker", "migrate", "model"),
        service("web", "web", "migrate",
                probes=Probes(readiness=Probe(kind="http", port=8000, path="/ready"))),
    ]  # fmt: skip
    return App(
        name="inbox",
        directory="/nowhere/inbox",
        environment=Environment(name="development"),
        services={s.name: s for s in services},
        volumes={"data": Volume(name="data")},
        routes=(Route(service="web", port=8000, listen=8000),),
        rollout=Rollout(),
        keep_releases=3,
    )


class Site:
    """One environment on the fake platform; `reopen` is the next process after a kill."""

    def __init__(
        self,
        folder: Path,
        *,
        world: FakeWorld | None = None,
        store: MemoryStore | None = None,
        hook: Hook | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.folder = folder
        self.world = world or FakeWorld()
        self.store = store or MemoryStore()
        self.events: list[Event] = []
        self.platform = FakePlatform(self.world, self.store, hook)
        target = Target(directory=str(folder), environment="development", platform="fake")
        self.workspace = Workspace(
            target=target,
            platform=self.platform,
            store=self.store,
            journal=Journal(self.store),
            releases=Releases(self.store),
            secrets=SecretStore(self.store, folder / "key"),
            clock=clock or SystemClock(),
            emit=self.events.append,
            home=folder,
        )

    async def deploy(
        self, app: App, *, label: str | None = None, verb: str = "upgrade", **options: Any
    ) -> Result:
        """Install or upgrade to `app`, agreeing to everything."""
        loaded = Loaded(app=app, sealed={}, needs=app.secrets)
        wanted = Wanted(verb=verb, label=label)
        return await deploy(self.workspace, loaded, wanted, agree, RunOptions(**options))

    def after_kill(self, **parts: Any) -> Site:
        """What a fresh process finds: the same world and records, the lease's owner dead.

        `parts` are those of its own Site (`hook`, `clock`).
        """
        store = self.store.copy()
        lease = store.read(LEASE_KEY)
        if lease is not None:
            store.write(LEASE_KEY, _dead_owner(lease))
        return Site(self.folder, world=copy.deepcopy(self.world), store=store, **parts)


def _dead_owner(lease: bytes) -> bytes:
    """The lease with an owner whose process id was given to nobody since."""
    record = msgspec.json.decode(lease)
    record["owner"]["identity"] = "of a process that ended"
    return msgspec.json.encode(record)


def agree(plan: Plan) -> None:
    """An `Approve` that says yes to every plan."""
    del plan


class KilledError(BaseException):
    """Stands for kill -9: nothing in the engine may catch it."""


def kill_at(number: int, take: Callable[[], None]) -> Hook:
    """A hook that, at its call number `number` (from 0), takes a snapshot and kills."""
    calls = iter(range(1_000_000))

    def hook(step: object, moment: str) -> None:
        del step, moment
        if next(calls) == number:
            take()
            raise KilledError

    return hook
