"""A store in memory that fails where told: for tests of what stands on `support.store`."""

from __future__ import annotations

import threading
from collections.abc import Callable

from slipway.errors import StorageError
from slipway.support.store import check_key, check_line


class MemoryStore:
    """A `support.store.Store` of this process, safe between threads.

    `writes` counts the calls that change something (`write`, `swap`, `append`, `delete`).
    The one numbered `fail_at` (from 1) raises StorageError as a full disk would, and changes
    nothing; with `stays_full` so do all after it. The `append` numbered `tear_at` leaves
    only the first `tear_bytes` of its line, then raises, as if the machine stopped there.
    `watch` is called with (key, "before" or "after") around each such call; it may raise.
    """

    def __init__(
        self,
        *,
        fail_at: int | None = None,
        stays_full: bool = False,
        tear_at: int | None = None,
        tear_bytes: int = 0,
        watch: Callable[[str, str], None] = lambda _key, _moment: None,
    ) -> None:
        self.writes = 0
        self.fail_at = fail_at
        self.stays_full = stays_full
        self.tear_at = tear_at
        self.tear_bytes = tear_bytes
        self._watch = watch
        self._values: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def read(self, key: str) -> bytes | None:
        check_key(key)
        return self._values.get(key)

    def tail(self, key: str, limit: int) -> bytes:
        value = self.read(key) or b""
        return value[max(0, len(value) - limit) :]

    def write(self, key: str, data: bytes) -> None:
        check_key(key)
        self._watch(key, "before")
        with self._lock:
            self._count(key)
            self._values[key] = data
        self._watch(key, "after")

    def swap(self, key: str, expected: bytes | None, data: bytes | None) -> bool:
        check_key(key)
        self._watch(key, "before")
        with self._lock:
            self._count(key)
            if self._values.get(key) != expected:
                return False
            if data is None:
                self._values.pop(key, None)
            else:
                self._values[key] = data
        self._watch(key, "after")
        return True

    def append(self, key: str, line: bytes) -> None:
        check_key(key)
        check_line(line)
        self._watch(key, "before")
        with self._lock:
            self._count(key)
            whole = self._values.get(key, b"")
            whole = whole[: whole.rfind(b"\n") + 1]
            if self.writes == self.tear_at:
                self._values[key] = whole + line[: self.tear_bytes]
                raise StorageError(f"stopped while writing {key}")
            self._values[key] = whole + line + b"\n"
        self._watch(key, "after")

    def keys(self, prefix: str = "") -> list[str]:
        with self._lock:
            return sorted(key for key in self._values if key.startswith(prefix))

    def delete(self, key: str) -> None:
        check_key(key)
        self._watch(key, "before")
        with self._lock:
            self._count(key)
            self._values.pop(key, None)
        self._watch(key, "after")

    def copy(self) -> MemoryStore:
        """What another process finds: the same values, and a disk that works."""
        made = MemoryStore()
        with self._lock:
            made._values = dict(self._values)
        return made

    def cut(self, key: str, size: int) -> None:
        """Leave only the first `size` bytes of a value, as a crash would."""
        with self._lock:
            self._values[key] = self._values[key][:size]

    def _count(self, key: str) -> None:
        self.writes += 1
        if self.fail_at is None:
            return
        if self.writes == self.fail_at or (self.stays_full and self.writes > self.fail_at):
            raise StorageError(f"disk full, cannot write {key}: 0 MB free", hint="free some space")
