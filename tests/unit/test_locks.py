"""The two lock files belong together: ./test adds to what ./deploy installed."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE))


def test_development_has_what_the_tool_has_in_the_same_versions() -> None:
    tool, development = pins("requirements.lock"), pins("requirements-dev.lock")
    assert "uv" in tool
    assert tool.items() <= development.items()


def test_every_pin_has_a_hash() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        entries = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
        assert [entry for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []
