"""The options that every command takes, each with a `DEPLOY_...` variable."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from slipway.errors import UsageError

_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Duration(click.ParamType[float]):
    """Seconds, or a number with a unit: `90`, `90s`, `5m`, `1h`."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float | int):
            return float(value)
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|)", str(value))
        if match is None or float(match[1]) == 0:
            self.fail(f"{value!r} is not a duration such as 90s or 5m", param, ctx)
        return float(match[1]) * _UNITS[match[2]]


@dataclass(frozen=True, slots=True)
class Options:
    """What was given, on the command line or by variable. `timeout` in seconds."""

    env: str | None
    platform: str | None
    config: str | None
    project: Path
    files: tuple[str, ...]
    profiles: tuple[str, ...]
    dry_run: bool
    output: str
    yes: bool
    verbose: bool
    quiet: bool
    timeout: float | None

    @property
    def json(self) -> bool:
        return self.output == "json"


def _decorators(*file_names: str) -> list[Callable[[Any], Any]]:
    option = click.option
    text_or_json = click.Choice(["text", "json"])
    return [
        option("-e", "--env", envvar="DEPLOY_ENV", metavar="NAME", help="Which environment."),
        option("--platform", envvar="DEPLOY_PLATFORM", metavar="NAME", help="Where to run it."),
        option("--config", envvar="DEPLOY_CONFIG", metavar="FILE", help="Instead of deploy.yaml."),
        option(
            "-C", "--project", envvar="DEPLOY_PROJECT", default=".", metavar="DIR",
            help="The app's folder.",
        ),
        option(
            *file_names, "files", envvar="DEPLOY_FILE", multiple=True, metavar="FILE",
            help="Compose file; may be given several times.",
        ),
        option(
            "--profile", "profiles", envvar="DEPLOY_PROFILE", multiple=True, metavar="NAME",
            help="Compose profile to enable.",
        ),
        option("--dry-run", envvar="DEPLOY_DRY_RUN", is_flag=True, help="Show, change nothing."),
        option(
            "-o", "--output", envvar="DEPLOY_OUTPUT", type=text_or_json, default="text",
            help="How to print the result.",
        ),
        option("-y", "--yes", envvar="DEPLOY_YES", is_flag=True, help="Answer yes to questions."),
        option("-v", "--verbose", envvar="DEPLOY_VERBOSE", is_flag=True, help="Say more."),
        option("-q", "--quiet", envvar="DEPLOY_QUIET", is_flag=True, help="Only the result."),
        option(
            "--timeout", envvar="DEPLOY_TIMEOUT", type=Duration(), metavar="TIME",
            help="Give up, and put back, after this long: 90s, 5m.",
        ),
    ]  # fmt: skip


_NAMES = tuple(Options.__dataclass_fields__)


def _with_options(function: Callable[..., Any], *file_names: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapped(**given: Any) -> Any:
        values = {name: given.pop(name) for name in _NAMES}
        values["project"] = _project(values["project"])
        return function(options=Options(**values), **given)

    decorated: Any = wrapped
    for decorate in reversed(_decorators(*file_names)):
        decorated = decorate(decorated)
    result: Callable[..., Any] = decorated
    return result


def common(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the common options; it receives them as `options`."""
    return _with_options(function, "-f", "--file")


def common_without_f(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for `logs`, whose `-f` follows, as everywhere."""
    return _with_options(function, "--file")


def _project(given: str) -> Path:
    path = Path(given).expanduser()
    if not path.is_dir():
        raise UsageError(f"{given} is not a folder", hint="-C takes the folder of compose.yaml")
    return path.resolve()
