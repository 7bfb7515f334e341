"""The lease: who may deploy to an environment now.

One value in the store, taken and renewed by compare-and-swap. It has an owner, a heartbeat
and an expiry: a crashed owner's lease is taken over without a person, a live owner's never.
On the owner's own machine a dead process is seen at once; elsewhere the expiry decides.
"""

from __future__ import annotations

import getpass
import os
import socket
import threading
from collections.abc import Callable
from types import TracebackType

import msgspec

from slipway.errors import LeaseHeldError, SlipwayError
from slipway.journal.records import Owner
from slipway.support.clock import Clock
from slipway.support.machine import alive, identity
from slipway.support.store import Store

KEY = "lease.json"
EXPIRY = 30.0
HEARTBEAT = 5.0


class LeaseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is in the store while someone deploys. Times in seconds since the epoch."""

    owner: Owner
    verb: str
    taken: float
    renewed: float


def this_process() -> Owner:
    """The owner that this process is."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    return Owner(
        user=user, host=socket.gethostname(), pid=os.getpid(), identity=identity(os.getpid()) or ""
    )


def is_live(record: LeaseRecord, *, now: float, host: str) -> bool:
    """Does the owner still run? Its own machine's word counts more than a clock's."""
    if record.owner.host != host:
        return now - record.renewed < EXPIRY
    return alive(record.owner.pid, record.owner.identity)


class Lease:
    """A context manager: held inside, given back after, renewed by a thread in between.

    Raises LeaseHeldError on entry where someone live has it.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        verb: str,
        *,
        owner: Callable[[], Owner] = this_process,
    ) -> None:
        self._store = store
        self._clock = clock
        self._verb = verb
        self._owner = owner()
        self._held: bytes | None = None
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def owner(self) -> Owner:
        """Who holds it: this process."""
        return self._owner

    def __enter__(self) -> Lease:
        self._take()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=HEARTBEAT)
        with self._guard:
            if self._held is not None:
                self._store.swap(KEY, self._held, None)
                self._held = None

    def _take(self) -> None:
        for _ in range(20):
            found = self._store.read(KEY)
            if found is not None:
                self._refuse_if_live(found)
            data = self._record(self._clock.now())
            if self._store.swap(KEY, found, data):
                self._held = data
                return
        raise LeaseHeldError("the lease changes hands all the time", hint="try again")

    def _refuse_if_live(self, found: bytes) -> None:
        try:
            record = msgspec.json.decode(found, type=LeaseRecord)
        except msgspec.DecodeError:
            return
        if is_live(record, now=self._clock.now(), host=self._owner.host):
            raise held_error(record, self._clock.now())

    def _record(self, taken: float) -> bytes:
        now = self._clock.now()
        return msgspec.json.encode(
            LeaseRecord(owner=self._owner, verb=self._verb, taken=taken, renewed=now)
        )

    def _beat(self) -> None:
        taken = self._clock.now()
        while not self._stop.wait(HEARTBEAT):
            with self._guard:
                if self._held is None:
                    return
                data = self._record(taken)
                try:
                    if self._store.swap(KEY, self._held, data):
                        self._held = data
                except SlipwayError:
                    continue


def held_error(record: LeaseRecord, now: float) -> LeaseHeldError:
    """Who has it, since when, and what to do."""
    owner = record.owner
    seconds = max(0, round(now - record.taken))
    return LeaseHeldError(
        f"{owner.user}@{owner.host} (process {owner.pid}) runs `deploy {record.verb}` here,"
        f" since {seconds} s",
        hint="wait for it to end, and run this again; if that process dies, its lease ends too",
    )


def holder(store: Store) -> LeaseRecord | None:
    """Who has the lease, live or not; for `status`."""
    found = store.read(KEY)
    if found is None:
        return None
    try:
        return msgspec.json.decode(found, type=LeaseRecord)
    except msgspec.DecodeError:
        return None
