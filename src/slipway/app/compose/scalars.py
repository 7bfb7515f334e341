"""What a YAML scalar means to Compose, and how a scalar is written as text.

Compose reads YAML 1.2 (`yes` and `on` are text) with a few older habits: `0777` is octal and
`1_000` is a number. Dates stay the text that was written.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True)
_WORDS |= dict.fromkeys(("false", "False", "FALSE"), False)
_INTEGER = re.compile(r"([-+]?)(?:0([bBoOxX])([0-9a-fA-F]+)|([0-9]+))\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_BASES = {"b": 2, "o": 8, "x": 16}
_CORE = "tag:yaml.org,2002:"
_YAML_11_TRUE = {"true", "yes", "on", "y", "1", "t"}
_YAML_11_FALSE = {"false", "no", "off", "n", "0", "f"}


@lru_cache(maxsize=4096)
def resolve(text: str) -> Any:
    """The value of a plain scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "0123456789+-.":
        return text
    digits = text.replace("_", "")
    if len(digits) > 400:
        return text
    whole = _integer(digits)
    if whole is not None:
        return whole
    if _FLOAT.match(digits):
        number = float(digits)
        return number if math.isfinite(number) else text
    return text


def _integer(text: str) -> int | None:
    match = _INTEGER.match(text)
    if match is None:
        return None
    sign, prefix, based, decimal = match.groups()
    try:
        if prefix:
            number = int(based, _BASES[prefix.lower()])
        elif decimal.startswith("0") and decimal != "0":
            number = int(decimal, 8)
        else:
            number = int(decimal)
    except ValueError:
        return None
    number = -number if sign == "-" else number
    return number if -(2**63) <= number < 2**64 else None


def tagged_scalar(text: str, tag: str | None, is_plain: bool) -> Any:
    """The value of a scalar as the parser gives it. Raises ValueError for a false `!!tag`."""
    if tag is None:
        return resolve(text) if is_plain else text
    if tag in ("!reset", "!override"):
        return resolve(text) if is_plain else text
    if not tag.startswith(_CORE):
        return text
    kind = tag.removeprefix(_CORE)
    if kind == "binary":
        return _binary(text)
    if kind in ("int", "float", "bool", "null"):
        return _checked(text, kind)
    return text


def _binary(text: str) -> str:
    try:
        return base64.b64decode(text, validate=False).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError("this `!!binary` value is not base64 of text") from None


def _checked(text: str, kind: str) -> Any:
    value = resolve(text)
    if kind == "float" and type(value) is int:
        return float(value)
    types: dict[str, type] = {"int": int, "float": float, "bool": bool, "null": type(None)}
    if type(value) is not types[kind]:
        raise ValueError(f"`{text}` is no `!!{kind}` value")
    return value


def to_text(value: Any) -> str | None:
    """A scalar as an environment variable or a label holds it; None stays None."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    return None if value is None else str(value)


def _float_text(number: float) -> str:
    if number == 0:
        return "-0" if math.copysign(1, number) < 0 else "0"
    shortest = Decimal(repr(number))
    exponent = shortest.adjusted()
    if -4 <= exponent < 6:
        text = format(shortest, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    digits = "".join(map(str, shortest.as_tuple().digits)).rstrip("0")
    point = f".{digits[1:]}" if len(digits) > 1 else ""
    sign = "-" if number < 0 else ""
    return f"{sign}{digits[0]}{point}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def to_bool(value: Any) -> bool | None:
    """A truth value written as one or as text; None if it is neither."""
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    return True if text in _YAML_11_TRUE else False if text in _YAML_11_FALSE else None
