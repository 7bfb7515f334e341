"""The lease: one at a time; a dead owner's is taken over, a live owner's never."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from slipway.errors import LeaseHeldError
from slipway.journal.lease import EXPIRY, KEY, Lease, LeaseRecord, holder, is_live, this_process
from slipway.journal.records import Owner
from slipway.support.machine import identity
from slipway.testing.clock import JumpingClock
from slipway.testing.memory_store import MemoryStore


def elsewhere() -> Owner:
    return Owner(user="kim", host="another-laptop", pid=7, identity="7")


def test_it_is_given_back(tmp_path: object) -> None:
    store, clock = MemoryStore(), JumpingClock()
    with Lease(store, clock, "install"):
        assert holder(store) is not None
    assert holder(store) is None
    with Lease(store, clock, "install"):
        pass


def test_it_is_given_back_when_the_run_fails() -> None:
    store, clock = MemoryStore(), JumpingClock()
    with pytest.raises(ValueError, match="boom"), Lease(store, clock, "install"):
        raise ValueError("boom")
    assert holder(store) is None


def test_a_live_owner_on_this_machine_keeps_it_however_old_its_heartbeat() -> None:
    store, clock = MemoryStore(), JumpingClock()
    with Lease(store, clock, "upgrade"):
        clock.jump(100 * EXPIRY)
        with pytest.raises(LeaseHeldError) as caught, Lease(store, clock, "install"):
            pass
    assert caught.value.exit_code == 4
    assert "runs `deploy upgrade` here" in caught.value.message


def test_a_dead_process_loses_it_at_once() -> None:
    store, clock = MemoryStore(), JumpingClock()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    there = identity(child.pid)
    assert there is not None
    dead = Owner(user="kim", host=this_process().host, pid=child.pid, identity=there)
    now = clock.now()
    record = LeaseRecord(owner=dead, verb="install", taken=now, renewed=now)
    store.write(KEY, msgspec.json.encode(record))
    assert is_live(record, now=now, host=dead.host)
    child.kill()
    child.communicate()
    with Lease(store, clock, "install"):
        found = holder(store)
        assert found is not None
        assert found.owner == this_process()


def test_a_process_with_the_same_id_is_not_the_owner() -> None:
    me = this_process()
    other = Owner(user=me.user, host=me.host, pid=me.pid, identity=me.identity + "0")
    record = LeaseRecord(owner=other, verb="install", taken=0.0, renewed=0.0)
    assert not is_live(record, now=0.0, host=me.host)


def held_elsewhere(store: MemoryStore, now: float) -> bytes:
    record = LeaseRecord(owner=elsewhere(), verb="install", taken=now, renewed=now)
    data = msgspec.json.encode(record)
    store.write(KEY, data)
    return data


def no_pause(seconds: float) -> None:
    del seconds


def test_on_another_machine_the_heartbeat_decides() -> None:
    store, clock = MemoryStore(), JumpingClock()
    held_elsewhere(store, clock.now())
    with pytest.raises(LeaseHeldError, match="kim@another-laptop"), Lease(store, clock, "install"):
        pass
    clock.jump(EXPIRY + 1)
    with Lease(store, clock, "install", pause=no_pause):
        found = holder(store)
        assert found is not None
        assert found.owner == this_process()


@pytest.mark.parametrize("days", [-3, 3])
def test_a_live_owner_whose_clock_is_days_away_keeps_it(days: int) -> None:
    store, clock = MemoryStore(), JumpingClock()
    theirs = clock.now() + days * 86_400
    held_elsewhere(store, theirs)

    def beat(seconds: float) -> None:
        held_elsewhere(store, theirs + seconds)

    with pytest.raises(LeaseHeldError), Lease(store, clock, "install", pause=beat):
        pass


@pytest.mark.parametrize("days", [-3, 3])
def test_a_dead_owner_whose_clock_was_days_away_loses_it(days: int) -> None:
    store, clock = MemoryStore(), JumpingClock()
    held_elsewhere(store, clock.now() + days * 86_400)
    with Lease(store, clock, "install", pause=no_pause):
        pass
    assert holder(store) is None


def test_who_was_asleep_for_too_long_finds_out_and_leaves_it_to_the_other() -> None:
    store, clock = MemoryStore(), JumpingClock()
    with Lease(store, clock, "install") as mine:
        mine.check()
        theirs = held_elsewhere(store, clock.now())
        with pytest.raises(LeaseHeldError, match="taken over: kim@another-laptop"):
            mine.check()
    assert store.read(KEY) == theirs


def test_a_lease_that_was_removed_by_hand_is_still_held() -> None:
    store, clock = MemoryStore(), JumpingClock()
    with Lease(store, clock, "install") as mine:
        store.delete(KEY)
        mine.check()


def test_a_full_disk_is_no_reason_to_fail_at_the_end() -> None:
    store, clock = MemoryStore(fail_at=2, stays_full=True), JumpingClock()
    with Lease(store, clock, "install"):
        pass


def test_a_torn_lease_record_stops_nobody() -> None:
    store, clock = MemoryStore(), JumpingClock()
    store.write(KEY, b'{"owner": {')
    with Lease(store, clock, "install"):
        pass
    assert holder(store) is None
