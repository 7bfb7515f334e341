"""Where everything lies in a checkout of this project."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Kind = Literal["runtime", "dev"]


class Checkout:
    """`kind` says which lock: what the tool needs, or that and what its tests need."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.venv = root / ".venv"
        self.scratch = root / ".venv.boot"
        self.mutex = root / ".venv.lock"
        self.python = self.venv / "bin/python"

    def lock(self, kind: Kind) -> Path:
        return self.root / ("requirements.lock" if kind == "runtime" else "requirements-dev.lock")

    def stamp(self, kind: Kind) -> Path:
        return self.venv / (".slipway" if kind == "runtime" else ".slipway-dev")

    def stamps(self) -> tuple[Path, Path]:
        return self.stamp("runtime"), self.stamp("dev")
