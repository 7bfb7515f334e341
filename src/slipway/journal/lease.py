"""The lease: who may deploy to an environment now.

One value in the store, taken and renewed by compare-and-swap. It has an owner, a heartbeat
and an expiry: a crashed owner's lease is taken over without a person, a live owner's never.
On the owner's own machine a dead process is seen at once; elsewhere the expiry decides.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType

import msgspec

from slipway.errors import LeaseHeldError, SlipwayError, StorageError
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
    """Does the owner still run? Its own machine's word counts more than a clock's.

    Of another machine only the heartbeat is known; where its clock and ours differ by more
    than the expiry, that it is not live is a guess, which `Lease` makes sure of.
    """
    if record.owner.host != host:
        return abs(now - record.renewed) < EXPIRY
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
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._clock = clock
        self._verb = verb
        self._owner = owner()
        self._pause = pause
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
                # A full disk here is no reason to fail: with this process the lease ends, too.
                with contextlib.suppress(StorageError):
                    self._store.swap(KEY, self._held, None)
                self._held = None

    def check(self) -> None:
        """Raises LeaseHeldError if somebody took it over: this machine was asleep for long.

        Called before every step, so that two never deploy at once for longer than one step.
        """
        with self._guard:
            found = self._store.read(KEY)
            if found is None or found == self._held:
                return
        record = holder(self._store)
        if record is not None and record.owner != self._owner:
            error = held_error(record, self._clock.now())
            raise LeaseHeldError(
                f"the lease was taken over: {error.message}",
                hint="this machine did not answer for too long; the other one goes on from here",
            )

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
        live = is_live(record, now=self._clock.now(), host=self._owner.host)
        if live or (record.owner.host != self._owner.host and self._beats(found)):
            raise held_error(record, self._clock.now())

    def _beats(self, found: bytes) -> bool:
        """Is it renewed while we look? Clocks of two machines may differ by days."""
        self._pause(2 * HEARTBEAT + 1)
        return self._store.read(KEY) not in (found, None)

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
                    # None: somebody removed it by hand, and it is ours all the same.
                    if self._store.swap(KEY, self._held, data) or self._store.swap(KEY, None, data):
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
