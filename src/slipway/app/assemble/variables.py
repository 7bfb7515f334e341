"""The values of `${...}`: where they come from, and how secret ones become placeholders."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from slipway.app.compose import Variable, read_dotenv
from slipway.app.known.names import is_secret_name
from slipway.support.secrets.placeholder import names_in, placeholder

_SWITCHES = frozenset({"true", "false", "yes", "no", "on", "off", "1", "0", "none", "null"})
_ROOTED = re.compile(
    r"/(run|etc|var|usr|home|opt|srv|tmp|app|mnt|data|root|config|secrets|certs|keys|ssl|Users)/"
)


class Values(NamedTuple):
    """Variables by name, and the files that they came from."""

    by_name: Mapping[str, str]
    files: tuple[str, ...]


def read_values(
    directory: Path, environment: str, declared: Mapping[str, str], environ: Mapping[str, str]
) -> Values:
    """The process environment, over `.env.ENVIRONMENT`, over `declared`, over `.env`.

    `declared` are deploy.yaml's `variables`. Raises ConfigError for a broken file.
    """
    values: dict[str, str] = {}
    files = []
    for name in (".env", f".env.{environment}"):
        path = directory / name
        if path.is_file():
            values |= read_dotenv(path, _over(environ, dict(values)), name)
            files.append(name)
        if name == ".env":
            values |= declared
    return Values({**values, **environ}, tuple(files))


def is_harmless(value: str) -> bool:
    """Whether a value cannot be a secret, whatever its name says: a switch, or a file's path."""
    if value.lower() in _SWITCHES:
        return True
    return value.startswith(("./", "../", "~/")) or bool(_ROOTED.match(value))


class SecretLookup:
    """Answers the Compose loader: plain values as they are, secret ones as placeholders.

    What a secret-named variable without a value should be depends on how it is used, which
    only the loader knows. So it is a placeholder at first (`assumed`); `decide` then looks at
    its uses, and says whether the project must be read once more.
    """

    def __init__(
        self,
        values: Mapping[str, str],
        known: Iterable[str],
        is_secret: Callable[[str], bool] = is_secret_name,
    ) -> None:
        self.sealed: dict[str, str] = {}
        self.given: set[str] = set()
        self._values = values
        self._known = frozenset(known)
        self._is_secret = is_secret
        self._decided: dict[str, str | None] = {}
        self._assumed: set[str] = set()

    def __call__(self, name: str) -> str | None:
        value = self._values.get(name)
        if value:
            if not self._is_secret(name) or is_harmless(value) or names_in(value):
                return value
            self.sealed[name] = value
        elif name not in self._known:
            if value is not None or not self._is_secret(name):
                return value
            if name in self._decided:
                return self._decided[name]
            self._assumed.add(name)
        self.given.add(name)
        return placeholder(name)

    def value(self, name: str) -> str | None:
        """The plain value, for what goes straight into `sealed`."""
        return self._values.get(name)

    def decide(self, variables: Iterable[Variable]) -> bool:
        """Settle what was assumed; True if the project must be read again."""
        uses: dict[str, list[Variable]] = {name: [] for name in self._assumed}
        for variable in variables:
            if variable.name in uses:
                uses[variable.name].append(variable)
        again = False
        for name, its_uses in uses.items():
            settled = _settled(its_uses)
            if settled is None or (settled and not is_harmless(settled)):
                if settled is not None:
                    self.sealed[name] = settled
                continue
            again = True
            self._assumed.discard(name)
            self.given.discard(name)
            self._decided[name] = None
        return again


def _settled(uses: list[Variable]) -> str | None:
    """What Compose would use for an unset variable; "" to leave that to Compose; None: nothing.

    One default, the same at each use, is the variable's value.
    """
    operators = {use.operator for use in uses}
    if operators & {":?", "?"}:
        return None
    if operators & {":+", "+"}:
        return ""
    defaults = {use.default or "" for use in uses if use.operator in (":-", "-")}
    if not defaults:
        return None
    only = defaults.pop()
    return only if not defaults and "$" not in only else ""


def _over(first: Mapping[str, str], then: Mapping[str, str]) -> Callable[[str], str | None]:
    return lambda name: first.get(name, then.get(name))
