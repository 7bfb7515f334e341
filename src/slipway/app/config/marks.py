"""Reading one YAML file into plain data, with the line of every value."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from slipway.app.model import Origin
from slipway.errors import ConfigError, Location


class Marked(NamedTuple):
    """Plain data, and where each dotted path (`services.web.readiness`) was written."""

    data: Any
    locations: Mapping[str, Origin]


def read_marked(path: Path, shown: str) -> Marked:
    """Read `path`; errors and locations call it `shown`. Raises ConfigError."""
    return parse_marked(_text(path, shown), shown)


def parse_marked(text: str, shown: str) -> Marked:
    """Read one YAML document. Raises ConfigError with file and line."""
    from slipway.app.compose.node import locations, plain  # 40 ms that `status` can do without
    from slipway.app.compose.parse import parse_documents

    documents = parse_documents(text, shown)
    if not documents:
        return Marked(None, {})
    if len(documents) > 1:
        raise documents[1].error("a deploy.yaml is one document", "remove what is after `---`")
    whole = {"": Origin(file=shown, line=documents[0].line)}
    return Marked(plain(documents[0]), whole | locations(documents[0]))


def child(path: str, key: object) -> str:
    """The dotted path of `key` under `path`; list indexes are in brackets."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else str(key)


def _text(path: Path, shown: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            f"{shown} does not exist",
            hint="check --config, or leave it out: deploy.yaml is optional",
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{shown} is not UTF-8 text: {error.reason}", location=Location(shown)
        ) from None
    except OSError as error:
        raise ConfigError(f"{shown} cannot be read: {error.strerror or error}") from None
