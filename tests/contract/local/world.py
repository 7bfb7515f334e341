"""A real environment of the local platform in a short, open folder, and releases made by hand.

PostgreSQL's user must be able to pass through every folder above its data, which pytest's own
folders do not allow; so these are made beside them. Leaving it stops all that was started.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import psutil

from slipway.app.model import Build, Environment, Port, Route, Service
from slipway.plan.model import Step
from slipway.plan.release import Release, ReleaseService
from slipway.platforms.local.platform import LocalPlatform
from slipway.platforms.protocol import Context, Outcome, StepContext
from slipway.support.filestore import FileStore
from slipway.support.health.model import Probe, Probes
from slipway.support.secrets.age_store import SecretStore
from slipway.support.secrets.placeholder import placeholder
from slipway.support.telemetry.events import Event

CASES = Path(__file__).parents[2] / "cases" / "local"
SECRETS = {"CACHE_PASSWORD": 'Zq7c "pass\\word', "DB_PASSWORD": "Zq7d's3cret"}


class World:
    """One environment. `events` are those of all steps; `home` is the platform's."""

    def __init__(
        self, base: Path, settings: Mapping[str, Any], *, secrets_made: bool = False
    ) -> None:
        self.base = base
        self.home = base / "apps" / "twins-1" / "test"
        self.events: list[Event] = []
        key = base / "keys" / "test.key"
        secrets = SecretStore(FileStore(self.home / "store"), key)
        if not secrets_made:
            secrets.set_many(SECRETS, "user")
        self.context = Context(
            app="twins",
            environment="test",
            project=CASES,
            home=self.home,
            cache=base / "cache",
            settings=settings,
            secrets=secrets.get,
            key_file=key,
        )
        self.platform = LocalPlatform(self.context)

    @classmethod
    @contextlib.contextmanager
    def open(cls, **settings: Any) -> Iterator[World]:
        base = Path(tempfile.mkdtemp(prefix="slipway-t-"))
        base.chmod(0o755)
        world = cls(base, settings)
        try:
            yield world
        finally:
            anyio.run(world.apply, None, "teardown", None, {"volumes": True})
            left = world.processes()
            for process in left:
                process.kill()
            shutil.rmtree(base)
            assert left == [], f"still running after teardown: {left}"

    def processes(self) -> list[psutil.Process]:
        """Everything that belongs to this environment, by its command line or folder."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                words = [*process.cmdline(), process.cwd()]
                if any(str(self.base) in word for word in words):
                    found.append(process)
        return found

    def release(
        self, number: int, services: Mapping[str, Service], routes: tuple[Route, ...] | None = None
    ) -> Release:
        """A release as the planner makes it: keys by content, artifacts resolved."""
        entries = {}
        for name, service in services.items():
            artifact = self.platform._artifact(service)
            seed = f"{artifact.id if artifact else ''}{service!r}"
            digest = hashlib.sha256(seed.encode()).hexdigest()
            backing = service.role == "backing"
            entries[name] = ReleaseService(
                service=service,
                key="" if backing else digest,
                fingerprint=digest if backing else "",
                artifact=artifact,
            )
        return Release(
            number=number,
            label=f"v{number}",
            app="twins",
            environment="test",
            platform="local",
            created=time.time(),
            services=entries,
            routes=(Route(service="web", port=8000),) if routes is None else routes,
            secrets=dict.fromkeys(SECRETS, 1),
        )

    def step(self, kind: Any, service: str | None, args: Mapping[str, Any]) -> Step:
        return Step(id=f"{kind}:{service}", kind=kind, title=kind, service=service, args=args)

    async def apply(
        self,
        release: Release | None,
        kind: str,
        service: str | None = None,
        args: Mapping[str, Any] | None = None,
    ) -> Outcome:
        step = self.step(kind, service, args or {})
        context = StepContext(step=step, release=release, emit=self.events.append)
        outcome = await self.platform.apply(context)
        return dict(json.loads(json.dumps(outcome)))

    async def undo(
        self,
        release: Release | None,
        kind: str,
        service: str | None,
        args: Mapping[str, Any],
        outcome: Outcome,
    ) -> None:
        step = self.step(kind, service, args)
        context = StepContext(step=step, release=release, emit=self.events.append)
        await self.platform.undo(context, outcome)

    async def up(self, release: Release) -> None:
        """Everything of a release, in order, without traffic."""
        for name, entry in release.services.items():
            role = entry.service.role
            if entry.artifact is not None:
                await self.apply(release, "build", name)
            if role == "job":
                await self.apply(release, "job", name)
                continue
            kind = "backing" if role == "backing" else "start"
            await self.apply(release, kind, name)
            await self.apply(release, "ready", name)

    def supervisor(self) -> psutil.Process:
        text = (self.home / "local" / "supervisor" / "supervisord.pid").read_text()
        return psutil.Process(int(text))


def environment() -> Environment:
    return Environment(name="test", platform="local")


def cache() -> Service:
    return Service(
        name="cache",
        role="backing",
        image="redis:7",
        command=("redis-server", "--requirepass", placeholder("CACHE_PASSWORD")),
        probes=Probes(readiness=Probe(kind="redis", port=6379), deadline=20),
    )


def database() -> Service:
    return Service(
        name="db",
        role="backing",
        image="postgres:16",
        environment={
            "POSTGRES_USER": "app",
            "POSTGRES_DB": "appdb",
            "POSTGRES_PASSWORD": placeholder("DB_PASSWORD"),
        },
        probes=Probes(readiness=Probe(kind="postgres", port=5432), deadline=30),
    )


def web(version: str, **changes: Any) -> Service:
    values: dict[str, Any] = {
        "name": "web",
        "role": "web",
        "build": Build(context=str(CASES / "twins" / version)),
        "ports": (Port(target=8000),),
        "environment": {
            "CACHE_PASSWORD": placeholder("CACHE_PASSWORD"),
            "DATABASE_HOST": "db",
            "DATABASE_URL": f"postgres://app:{placeholder('DB_PASSWORD')}@db:5432/appdb",
        },
        "probes": Probes(readiness=Probe(kind="http", port=8000, path="/ready"), deadline=20),
        "stop_grace": 3.0,
    }
    return Service(**{**values, **changes})


def twins(version: str) -> dict[str, Service]:
    """A web service with its port in its code, a cache and a database."""
    return {"cache": cache(), "db": database(), "web": web(version)}
