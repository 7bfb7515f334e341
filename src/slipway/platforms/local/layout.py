"""Where the local platform keeps things of one environment: every path in one place.

Pure but for `ensure`, so that observing an environment that is not there changes nothing.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

_SOCKET_LIMIT = 100
"""Unix socket paths are cut at 104 (macOS) or 108 bytes (Linux); supervisor adds a suffix."""
_SUFFIX_ROOM = 12


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths under one environment's `home` (`Context.home`)."""

    home: Path

    @property
    def root(self) -> Path:
        return self.home / "local"

    @property
    def supervisor(self) -> Path:
        return self.root / "supervisor"

    @property
    def programs(self) -> Path:
        """supervisord's `conf.d`: one file per program."""
        return self.supervisor / "conf.d"

    @property
    def instances(self) -> Path:
        return self.root / "instances"

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    @property
    def volumes(self) -> Path:
        return self.root / "volumes"

    @property
    def backing(self) -> Path:
        return self.root / "backing"

    @property
    def proxy(self) -> Path:
        return self.root / "proxy"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def addresses(self) -> Path:
        return self.root / "addresses.json"

    @property
    def artifacts(self) -> Path:
        return self.root / "artifacts"

    @property
    def socket(self) -> Path:
        """supervisord's socket: in `supervisor/`, or in a short private folder if too long."""
        own = self.supervisor / "supervisor.sock"
        if len(os.fsencode(own)) + _SUFFIX_ROOM <= _SOCKET_LIMIT:
            return own
        return self.short / "supervisor.sock"

    @property
    def short(self) -> Path:
        """A private folder with a short path, for sockets; made by `ensure_private`."""
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"slipway-{_uid()}-{digest}"

    def runtime(self) -> Path:
        """A folder in memory for files that must not reach a disk, where there is one."""
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
        for base in (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm"):
            if base and os.access(base, os.W_OK):
                return Path(base) / f"slipway-{_uid()}-{digest}"
        return self.root / "runtime"

    def log_of(self, service: str, instance: str) -> Path:
        return self.logs / service / f"{instance}.log"


def _uid() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def ensure_private(folder: Path) -> Path:
    """Make `folder` with mode 0700; one that is someone else's is refused (OSError)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user")
    folder.chmod(0o700)
    return folder
