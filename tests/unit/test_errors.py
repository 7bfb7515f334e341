"""The drawn tree of errors is the real one, and the exit codes are the design's."""

from __future__ import annotations

import inspect

from slipway import errors


def _drawn() -> dict[str, tuple[int, str]]:
    """Error -> (depth, first word after it) from the module's docstring."""
    found = {}
    for line in (errors.__doc__ or "").splitlines():
        words = line.split()
        if words and words[0].endswith("Error") and line.startswith("  "):
            found[words[0]] = ((len(line) - len(line.lstrip())) // 2 - 1, line)
    return found


def test_every_error_is_drawn_below_its_parent() -> None:
    drawn = _drawn()
    real = {
        name: len([c for c in kind.__mro__ if issubclass(c, errors.SlipwayError)])
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, errors.SlipwayError)
    }
    assert {name: depth for name, (depth, _) in drawn.items()} == real


def test_exit_codes_are_those_of_the_design() -> None:
    codes = {
        kind.__name__: kind.exit_code
        for kind in vars(errors).values()
        if inspect.isclass(kind) and issubclass(kind, errors.SlipwayError)
    }
    assert set(codes.values()) == {1, 2, 3, 4, 5, 130}
    assert codes["ConfigError"] == 2
    assert codes["UnhealthyError"] == 3
    assert codes["LeaseHeldError"] == 4
    assert codes["RevertError"] == 5


def test_codes_are_unique() -> None:
    codes = [
        kind.code
        for kind in vars(errors).values()
        if inspect.isclass(kind) and issubclass(kind, errors.SlipwayError)
    ]
    assert len(codes) == len(set(codes))
