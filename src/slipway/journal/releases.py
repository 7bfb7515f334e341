"""The releases of an environment: immutable records, one key each, numbered from 1."""

from __future__ import annotations

from collections.abc import Container

import msgspec

from slipway.errors import NotFoundError, StorageError
from slipway.plan.release import Release
from slipway.support.store import Store


class Releases:
    """Reads and writes releases; nothing in one changes after it is written."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, release: Release) -> None:
        """Write once; writing the same again is fine, another of that number is an error."""
        data = msgspec.json.encode(release)
        key = _key(release.number)
        if not self._store.swap(key, None, data) and self._store.read(key) != data:
            raise StorageError(
                f"release {release.number} is already written, with other content",
                hint="run the command again: it takes the next number",
            )

    def get(self, number: int) -> Release:
        """Raises NotFoundError."""
        data = self._store.read(_key(number))
        if data is None:
            raise NotFoundError(
                f"there is no release {number}", hint="`deploy history` lists those that are"
            )
        return msgspec.json.decode(data, type=Release)

    def numbers(self) -> tuple[int, ...]:
        """All that were written, oldest first."""
        return tuple(int(key[9:14]) for key in self._store.keys("releases/"))

    def next_number(self) -> int:
        """The number of a release that would be written now."""
        return max(self.numbers(), default=0) + 1

    def find(self, name: str, among: Container[int] | None = None) -> Release | None:
        """By label (the newest that has it), or by number (`7` or `r7`); None if neither.

        `among` are the numbers that count, all by default.
        """
        numbers = [n for n in self.numbers() if among is None or n in among]
        for number in reversed(numbers):
            release = self.get(number)
            if release.label == name:
                return release
        digits = name.removeprefix("r")
        if digits.isdigit() and int(digits) in numbers:
            return self.get(int(digits))
        return None


def _key(number: int) -> str:
    return f"releases/{number:05d}.json"
