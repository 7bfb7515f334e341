"""Placeholders: how data speaks of a secret without holding it.

`app` puts them where Compose would put a password; only the last hand before a process
(a platform's launcher, a probe) replaces them with values. So plans, releases, journals and
JSON can be shown to anyone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_PATTERN = re.compile(r"«secret:([A-Za-z0-9_./-]+)»")


def placeholder(name: str) -> str:
    """The text that stands for the secret `name` (letters, digits, `_ . / -`)."""
    return f"«secret:{name}»"


def names_in(text: str) -> tuple[str, ...]:
    """Every secret that `text` stands for, in order, each once."""
    return tuple(dict.fromkeys(_PATTERN.findall(text)))


def reveal(text: str, value_of: Callable[[str], str]) -> str:
    """`text` with each placeholder replaced by its value. The result is for processes only."""
    return _PATTERN.sub(lambda match: value_of(match.group(1)), text)


def reveal_data(data: Any, value_of: Callable[[str], str]) -> Any:
    """`reveal` for every string of JSON-like data, keys left alone."""
    if isinstance(data, str):
        return reveal(data, value_of)
    if isinstance(data, Mapping):
        return {key: reveal_data(value, value_of) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [reveal_data(value, value_of) for value in data]
    return data
