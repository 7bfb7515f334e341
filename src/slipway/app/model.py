"""The desired state: what an application is, on one environment. Frozen data, no behaviour.

Made by `app.assemble`, read by `plan`, the platforms and `status`. Strings may hold secret
placeholders (`support.secrets.placeholder`) where Compose would put a password: values of
secrets are never in an App. Durations are seconds (float), sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from slipway.support.data import Frozen
from slipway.support.health.model import Probes, SmokeTest

Role = Literal["web", "worker", "job", "backing"]
Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]
RestartPolicy = Literal["no", "always", "on-failure", "unless-stopped"]
Strategy = Literal["recreate", "rolling", "blue-green", "canary"]


class Origin(Frozen, frozen=True, kw_only=True):
    """File and line a thing was declared at, as plain data (see `errors.Location`)."""

    file: str
    line: int | None = None


class Port(Frozen, frozen=True, kw_only=True):
    """One published or exposed container port. `published` None: the platform chooses."""

    target: int
    published: int | None = None
    host_ip: str | None = None
    protocol: Literal["tcp", "udp"] = "tcp"


class Mount(Frozen, frozen=True, kw_only=True):
    """What a service sees at `target`. `source` is an absolute path (bind) or a volume's name.

    An anonymous volume has no source.
    """

    kind: Literal["bind", "volume", "tmpfs"]
    target: str
    source: str | None = None
    read_only: bool = False


class FileMount(Frozen, frozen=True, kw_only=True):
    """A Compose `secrets:` or `configs:` entry as one service sees it.

    `source` is the top-level name; exactly one of `file` (absolute path), `content` and
    `secret` (a secret's name, see `support.secrets`) says where the bytes come from.
    """

    kind: Literal["secret", "config"]
    source: str
    target: str
    file: str | None = None
    content: str | None = None
    secret: str | None = None
    mode: int | None = None


class Build(Frozen, frozen=True, kw_only=True):
    """Compose `build:`. `context` is an absolute path, `dockerfile` relative to it."""

    context: str
    dockerfile: str = "Dockerfile"
    dockerfile_inline: str | None = None
    target: str | None = None
    args: Mapping[str, str] = {}


class Dependency(Frozen, frozen=True, kw_only=True):
    """A `depends_on` entry."""

    service: str
    condition: Condition = "service_started"
    required: bool = True


class Resources(Frozen, frozen=True, kw_only=True):
    """Limits, as Compose's `deploy.resources.limits` or `mem_limit`/`cpus` say."""

    cpus: float | None = None
    memory: int | None = None


class PlatformOverride(Frozen, frozen=True, kw_only=True):
    """A service's `x-deploy: {PLATFORM: ...}`: how one platform builds and runs it.

    `skip` leaves the service out on that platform.
    """

    build: tuple[str, ...] = ()
    run: str | None = None
    environment: Mapping[str, str] = {}
    working_dir: str | None = None
    skip: bool = False


class Service(Frozen, frozen=True, kw_only=True):
    """One service, as its environment wants it.

    `command` and `entrypoint`: None means what the image says. `environment` and `command`
    may hold secret placeholders. `references` are services named in the environment or the
    command though not in `depends_on`. `spec` is the whole normalised Compose mapping, for
    platforms that take more of it.
    """

    name: str
    role: Role
    image: str | None = None
    build: Build | None = None
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: Mapping[str, str] = {}
    depends_on: tuple[Dependency, ...] = ()
    references: tuple[str, ...] = ()
    probes: Probes = Probes()
    ports: tuple[Port, ...] = ()
    expose: tuple[int, ...] = ()
    mounts: tuple[Mount, ...] = ()
    files: tuple[FileMount, ...] = ()
    replicas: int = 1
    restart: RestartPolicy = "unless-stopped"
    restart_max: int | None = None
    stop_signal: str = "SIGTERM"
    stop_grace: float = 10.0
    user: str | None = None
    working_dir: str | None = None
    resources: Resources = Resources()
    overrides: Mapping[str, PlatformOverride] = {}
    spec: Mapping[str, Any] = {}
    origin: Origin | None = None


class Volume(Frozen, frozen=True, kw_only=True):
    """A named volume. `external` ones are never made nor removed."""

    name: str
    external: bool = False


class Route(Frozen, frozen=True, kw_only=True):
    """One public way in: `service`'s `port` behind the proxy's `listen` port.

    `listen` None: the platform chooses. `host` limits it to a host name.
    """

    service: str
    port: int
    listen: int | None = None
    address: str | None = None
    host: str | None = None
    path: str = "/"
    protocol: Literal["http", "tcp"] = "http"


class CanaryCheck(Frozen, frozen=True, kw_only=True):
    """A further check of a canary: a command that must exit 0, or a Prometheus query whose
    first value must lie between `least` and `most`.
    """

    name: str
    command: str | None = None
    url: str | None = None
    query: str | None = None
    least: float | None = None
    most: float | None = None


class Canary(Frozen, frozen=True, kw_only=True):
    """How a canary is judged. `steps` are shares in percent, growing; at each the new revision
    is watched for at least `bake` seconds and until it had `min_requests`. `threshold` is the
    success rate in percent that it must reach, `latency_factor` how much slower than the old
    one its p95 and p99 may be. Without enough traffic for `patience` seconds it is
    `inconclusive`, and that is done. `sticky`: a client stays with the revision it met first.
    `header` or `cookie` ("NAME=VALUE") select the new revision on purpose.
    """

    steps: tuple[int, ...] = (10, 25, 50)
    bake: float = 60.0
    min_requests: int = 100
    threshold: float = 99.0
    latency_factor: float = 2.0
    patience: float = 600.0
    inconclusive: Literal["hold", "promote", "abort"] = "hold"
    sticky: bool = False
    header: str | None = None
    cookie: str | None = None
    checks: tuple[CanaryCheck, ...] = ()


class Rollout(Frozen, frozen=True, kw_only=True):
    """How a new revision takes over (`plan.rollout`)."""

    strategy: Strategy = "blue-green"
    canary: Canary = Canary()


class Environment(Frozen, frozen=True, kw_only=True):
    """A named target. `platform` None: detected. `settings` are the platform's own."""

    name: str
    platform: str | None = None
    protected: bool = False
    settings: Mapping[str, Any] = {}


class SecretNeed(Frozen, frozen=True, kw_only=True):
    """A secret that the app uses. `generate` False: only a person can know the value.

    `length` is in characters of the generated value. `services` use it.
    """

    name: str
    generate: bool = True
    length: int = 32
    reason: str = ""
    services: tuple[str, ...] = ()
    origin: Origin | None = None


class App(Frozen, frozen=True, kw_only=True):
    """A whole application on one environment."""

    name: str
    directory: str
    environment: Environment
    services: Mapping[str, Service]
    volumes: Mapping[str, Volume] = {}
    routes: tuple[Route, ...] = ()
    smoke_tests: tuple[SmokeTest, ...] = ()
    rollout: Rollout = Rollout()
    secrets: tuple[SecretNeed, ...] = ()
    keep_releases: int = 5
    warnings: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
