"""Where an environment's records live: one small protocol, so that they live with the platform.

The journal, releases, the lease and the secret file are built on it; a platform says which
store it has (`Platform.store`). Keys are relative, slash-separated names (`runs/000012.jsonl`).
A contract suite (`tests/contract/test_store.py`) holds every implementation to these words.
"""

from __future__ import annotations

from typing import Protocol


class Store(Protocol):
    """Durable bytes by key. Every call that returned has reached the disk."""

    def read(self, key: str) -> bytes | None:
        """All of it, or None if there is nothing under `key`."""
        ...

    def tail(self, key: str, limit: int) -> bytes:
        """The last `limit` bytes; empty if there is nothing."""
        ...

    def write(self, key: str, data: bytes) -> None:
        """Replace whole, atomically: a reader, or a crash, sees the old or the new.

        Raises StorageError.
        """
        ...

    def swap(self, key: str, expected: bytes | None, data: bytes | None) -> bool:
        """Write `data` (None: delete) only if the value is still `expected`; False if not.

        This is the one operation that two machines may race on. Raises StorageError.
        """
        ...

    def append(self, key: str, line: bytes) -> None:
        """Add one line (without its newline). A torn last line, left by a crash, is cut first.

        Raises StorageError.
        """
        ...

    def keys(self, prefix: str = "") -> list[str]:
        """All keys that start with `prefix`, sorted."""
        ...

    def delete(self, key: str) -> None:
        """Remove; no error if there is nothing."""
        ...


def check_key(key: str) -> None:
    """Hold every implementation to the same names: `a/b.c`, no empty, hidden or `..` part.

    Raises ValueError: keys are made by programs, never by users.
    """
    if "\\" in key or any(part == "" or part.startswith(".") for part in key.split("/")):
        raise ValueError(f"not a store key: {key!r}")


def check_line(line: bytes) -> None:
    """Raises ValueError if `line` is not one line."""
    if b"\n" in line:
        raise ValueError("a line of a journal cannot hold a newline")
