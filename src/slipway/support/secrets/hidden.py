"""A value that no repr, log or traceback can show."""

from __future__ import annotations

from typing import NoReturn

MASK = "••••"


class Hidden:
    """Holds a secret's value; `reveal()` gives it, everything else shows `MASK`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hidden) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a hidden value cannot be pickled")
