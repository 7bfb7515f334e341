"""Platforms are found by their folders."""

from __future__ import annotations

import pytest

from slipway.errors import NotFoundError
from slipway.platforms import registry


def test_local_is_found_and_usable_here() -> None:
    assert "local" in [module.NAME for module in registry.available()]
    assert registry.get("local").SUMMARY
    chosen = registry.choose({})
    assert chosen.usable


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFoundError) as caught:
        registry.get("locl")
    assert "did you mean local?" in (caught.value.hint or "")


def test_the_preferred_usable_platform_comes_first() -> None:
    found = registry.detections({})
    ranks = [(not d.usable, -d.preference) for d in found]
    assert ranks == sorted(ranks)
