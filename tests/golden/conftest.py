"""What people read, as files: 80 columns, no colours, an hour that stands still."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from slipway.plan.model import Step
from slipway.testing.apps import Site
from slipway.testing.clock import JumpingClock

FILES = Path(__file__).parent / "files"
Golden = Callable[[str, Sequence[str]], None]
NOW = 1_700_000_000.0


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compares lines with `files/NAME.txt`; `--update-golden` writes them there."""

    def compare(name: str, lines: Sequence[str]) -> None:
        path = FILES / f"{name}.txt"
        text = "\n".join(lines) + "\n"
        assert "\x1b" not in text
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path.name} is missing: pytest tests/golden --update-golden"
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LOGNAME", "ada")


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock(NOW)


@pytest.fixture
def site(tmp_path: Path, clock: JumpingClock) -> Site:
    """A fake platform on which every step takes 0.4 s."""

    def hook(step: Step, moment: str) -> None:
        if moment == "inside":
            clock.jump(0.4)

    return Site(tmp_path, clock=clock, hook=hook)
