"""What the proxy was told, kept on disk: listen ports, each release's routes, and the weights.

Traefik's own files are rendered from this (`config`), so that a proxy that was lost comes
back as it was, and weights can be put back for a release that is not at hand any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from slipway.errors import PlatformError
from slipway.support.data import Frozen
from slipway.support.files import atomic_write, make_folder


class Listen(Frozen, frozen=True, kw_only=True):
    """One port that the proxy listens on."""

    port: int
    address: str = "127.0.0.1"
    protocol: Literal["http", "tcp"] = "http"

    @property
    def name(self) -> str:
        """The entry point's name. One port has one, whatever its address."""
        return f"p{self.port}"


class Check(Frozen, frozen=True, kw_only=True):
    """The readiness probe as the proxy asks it; `status` only where exactly one is right.

    `port` None: the port that requests go to.
    """

    path: str
    port: int | None = None
    scheme: str = "http"
    status: int | None = None
    headers: Mapping[str, str] = {}


class Target(Frozen, frozen=True, kw_only=True):
    """One route of one release, resolved: where its requests go.

    `name` is the weighted service's: of all releases' targets with that name, weights decide.
    """

    name: str
    service: str
    key: str
    listen: Listen
    servers: tuple[str, ...]
    host: str | None = None
    path: str = "/"
    check: Check | None = None


class Sharing(Frozen, frozen=True, kw_only=True):
    """While two releases share the traffic: clients stay with the one they met (`sticky`), and a
    `header` or `cookie` ("NAME=VALUE") selects `release` on purpose.
    """

    release: str
    sticky: bool = False
    header: str | None = None
    cookie: str | None = None


class ProxyState(Frozen, frozen=True, kw_only=True):
    """`releases`: release number -> its targets. `weights`: release number -> percent.

    `chosen` are listen ports that the platform chose itself, by target name.
    """

    api: tuple[str, int] = ("127.0.0.1", 0)
    listens: tuple[Listen, ...] = ()
    releases: Mapping[str, tuple[Target, ...]] = {}
    sharing: Sharing | None = None
    weights: Mapping[str, int] = {}
    chosen: Mapping[str, int] = {}


def read(folder: Path) -> ProxyState:
    """The state in the proxy's folder; an empty one if there is none. Raises PlatformError."""
    path = folder / "state.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=ProxyState)
    except FileNotFoundError:
        return ProxyState()
    except msgspec.DecodeError as error:
        raise PlatformError(
            f"{path} is damaged: {error}", hint="remove it, then run `deploy install` again"
        ) from error


def write(folder: Path, state: ProxyState) -> None:
    """Raises StorageError."""
    make_folder(folder)
    atomic_write(folder / "state.json", msgspec.json.format(msgspec.json.encode(state)))
