"""Which address and ports each instance listens on, allocated once and kept on disk.

Where the whole of 127.0.0.0/8 is there (Linux), every instance has an address of its own and
keeps its container ports. Elsewhere, or with the setting `addresses: shared`, all share
127.0.0.1 and each container port gets a free port. An allocation is checked by binding.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from slipway.errors import ConfigError, PlatformError
from slipway.support.data import Frozen
from slipway.support.files import atomic_write, make_folder

Mode = Literal["own", "shared"]
LOOPBACK = "127.0.0.1"


class Allocation(Frozen, frozen=True, kw_only=True):
    """Where one instance listens; `ports` is container port (as text) -> real port."""

    address: str
    ports: Mapping[str, int] = {}

    def port(self, container: int) -> int:
        return self.ports.get(str(container), container)


class _Book(Frozen, frozen=True, kw_only=True):
    allocations: Mapping[str, Allocation] = {}


class AddressBook:
    """The allocations of one environment, by instance name. One run at a time changes them."""

    def __init__(self, path: Path, mode: Mode, seed: str) -> None:
        self._path = path
        self.mode: Mode = mode
        self._seed = seed

    def get(self, name: str) -> Allocation | None:
        return self._read().get(name)

    def all(self) -> Mapping[str, Allocation]:
        return self._read()

    def allocate(self, name: str, ports: Iterable[int]) -> Allocation:
        """The allocation of `name`, made now if there is none, or if it lacks a port.

        Raises PlatformError if nothing is free, StorageError.
        """
        wanted = sorted(set(ports))
        known = self._read()
        found = known.get(name)
        if found is not None and all(str(port) in found.ports for port in wanted):
            return found
        made = self._make(wanted, known, found)
        self._write({**known, name: made})
        return made

    def release(self, names: Iterable[str]) -> None:
        """Give allocations back; unknown names are fine."""
        known = self._read()
        gone = set(names) & known.keys()
        if gone:
            self._write({name: a for name, a in known.items() if name not in gone})

    def _make(
        self, ports: list[int], known: Mapping[str, Allocation], found: Allocation | None
    ) -> Allocation:
        if self.mode == "shared":
            kept = dict(found.ports) if found is not None else {}
            taken = {p for a in known.values() for p in a.ports.values()}
            for port in ports:
                if str(port) not in kept:
                    kept[str(port)] = _free_port(taken)
                    taken.add(kept[str(port)])
            return Allocation(address=LOOPBACK, ports=kept)
        real = {str(port): bindable(port) for port in ports}
        if found is not None:
            return Allocation(address=found.address, ports=real)
        addresses = {a.address for a in known.values()}
        return Allocation(address=self._free_address(list(real.values()), addresses), ports=real)

    def _free_address(self, ports: list[int], taken: set[str]) -> str:
        digest = hashlib.sha256(self._seed.encode()).digest()
        for step in range(8):
            prefix = f"127.{16 + digest[0] % 100}.{(digest[1] + step) % 256}"
            for last in range(1, 255):
                address = f"{prefix}.{last}"
                if address not in taken and all(is_free(address, port) for port in ports or [0]):
                    return address
        raise PlatformError("no free loopback address is left for this environment")

    def _read(self) -> Mapping[str, Allocation]:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        try:
            return msgspec.json.decode(data, type=_Book).allocations
        except msgspec.DecodeError as error:
            raise PlatformError(
                f"{self._path} is damaged: {error}",
                hint="remove it after `deploy cleanup`, addresses are then chosen again",
            ) from error

    def _write(self, allocations: Mapping[str, Allocation]) -> None:
        make_folder(self._path.parent)
        atomic_write(self._path, msgspec.json.encode(_Book(allocations=allocations)))


def choose_mode(settings: Mapping[str, Any]) -> Mode:
    """The setting `addresses` (own, shared, auto); auto asks the machine. Raises ConfigError."""
    given = settings.get("addresses", "auto")
    if given in ("own", "shared"):
        return "own" if given == "own" else "shared"
    if given != "auto":
        raise ConfigError(
            f"platform setting addresses: {given!r} is not known",
            hint="write one of: auto, own, shared",
        )
    return "own" if sys.platform == "linux" and is_free("127.16.0.1", 0) else "shared"


def is_free(address: str, port: int) -> bool:
    """True if a listener could be bound there now, also right after another one has closed."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def bindable(port: int) -> int:
    """`port`, or one that an ordinary user may listen on where `port` needs root."""
    if port >= _first_unprivileged() or (hasattr(os, "geteuid") and os.geteuid() == 0):
        return port
    return port + 20000


def _first_unprivileged() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    except (OSError, ValueError):
        return 1024


def _free_port(taken: set[int]) -> int:
    for _ in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((LOOPBACK, 0))
            port = int(probe.getsockname()[1])
        if port not in taken:
            return port
    raise PlatformError("no free port is left on 127.0.0.1")
