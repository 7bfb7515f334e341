"""Compose's `.env` syntax: quotes, `export`, comments, variables, values over several lines."""

from __future__ import annotations

import re
from pathlib import Path

from slipway.app.compose.interpolate import BadTemplateError, expand
from slipway.app.compose.model import Lookup
from slipway.errors import ConfigError, Location

Located = dict[str, tuple[str, int]]
_KEY = re.compile(r"\s*(?:export[ \t]+)?([^=:\n#'\"$]*?)[ \t]*(?:([=:])|(?=\n|\Z|#))")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\[\]-]*\Z")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "$": "$$"}


def read_dotenv(path: Path, lookup: Lookup, shown: str | None = None) -> dict[str, str]:
    """The variables that the file at `path` sets.

    A value may use variables: `lookup` answers first, then what the file said before. A name
    without a value takes what `lookup` says, or is left out. `shown` is the file's name in
    error messages. Raises ConfigError.
    """
    return {key: value for key, (value, _) in read_located(path, lookup, shown).items()}


def read_located(path: Path, lookup: Lookup, shown: str | None = None) -> Located:
    """As `read_dotenv`, with the line of each value."""
    name = shown or str(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"the file {name} does not exist", location=Location(name)) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{name} is not text in UTF-8", location=Location(name)) from None
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or str(problem)
        raise ConfigError(f"{name} cannot be read: {why}", location=Location(name)) from None
    return _Reader(text.replace("\r\n", "\n"), name, lookup).read()


class _Reader:
    """One pass over one text; `_at` is the next character to read."""

    def __init__(self, text: str, file: str, lookup: Lookup) -> None:
        self._text = text
        self._file = file
        self._lookup = lookup
        self._at = 0
        self._line = 1
        self._values: Located = {}

    def read(self) -> Located:
        while self._skip_blank():
            self._entry()
        return self._values

    def _skip_blank(self) -> bool:
        """Go to the next entry; False at the end."""
        while self._at < len(self._text):
            end = self._end_of_line()
            line = self._text[self._at : end].strip()
            if line and not line.startswith("#"):
                self._line = self._text.count("\n", 0, self._at) + 1
                return True
            self._at = end + 1
        return False

    def _end_of_line(self) -> int:
        end = self._text.find("\n", self._at)
        return len(self._text) if end < 0 else end

    def _error(self, message: str, hint: str = "write NAME=value") -> ConfigError:
        return ConfigError(message, location=Location(self._file, self._line), hint=hint)

    def _entry(self) -> None:
        match = _KEY.match(self._text, self._at, self._end_of_line())
        if match is None or not _NAME.match(match[1]):
            raise self._error("this line does not start with a variable's name")
        name = match[1]
        self._at = match.end()
        if match[2] is None:
            self._at = self._end_of_line()
            inherited = self._lookup(name)
            if inherited is not None:
                self._values[name] = (inherited, self._line)
            return
        self._values[name] = (self._value(), self._line)

    def _value(self) -> str:
        while self._text[self._at : self._at + 1] in (" ", "\t") and self._at < len(self._text):
            self._at += 1
        quote = self._text[self._at : self._at + 1]
        if quote in ("'", '"'):
            return self._quoted(quote)
        end = self._end_of_line()
        raw = _without_comment(self._text[self._at : end])
        self._at = end
        return self._expanded(raw.strip())

    def _quoted(self, quote: str) -> str:
        start = self._at + 1
        end = start
        while True:
            end = self._text.find(quote, end)
            if end < 0:
                raise self._error(f"the quote {quote} is not closed", "close the quote")
            if not self._is_escaped(start, end):
                break
            end += 1
        raw = self._text[start:end]
        self._at = end + 1
        self._at = self._end_of_line()
        return raw if quote == "'" else self._expanded(_unescape(raw))

    def _is_escaped(self, start: int, end: int) -> bool:
        backslashes = 0
        while end - backslashes > start and self._text[end - backslashes - 1] == "\\":
            backslashes += 1
        return backslashes % 2 == 1

    def _expanded(self, text: str) -> str:
        if "$" not in text:
            return text
        try:
            return expand(text, self._find, lambda use, found: self._require(use, found))
        except BadTemplateError as problem:
            raise self._error(str(problem), "write `$$` for a dollar that is no variable") from None

    def _find(self, name: str) -> str | None:
        value = self._lookup(name)
        return self._values[name][0] if value is None and name in self._values else value

    def _require(self, use: object, found: bool) -> None:
        operator = getattr(use, "operator", "")
        if not found and operator in (":?", "?"):
            name, why = getattr(use, "name", ""), getattr(use, "text", "")
            raise self._error(
                f"the variable {name} is required and not set" + (f": {why}" if why else ""),
                f"set {name} in the environment",
            )


def _without_comment(text: str) -> str:
    starts = [at for at in (text.find(" #"), text.find("\t#")) if at >= 0]
    return text[: min(starts)] if starts else text


def _unescape(text: str) -> str:
    def replace(match: re.Match[str]) -> str:
        return _ESCAPES.get(match[1], match[0])

    return re.sub(r"\\(.)", replace, text, flags=re.DOTALL)
