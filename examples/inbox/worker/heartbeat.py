"""The worker's sign of life: a file that it touches every few seconds while it has its broker.

`python heartbeat.py` exits 0 if the sign is fresh: the image's health check.
"""

import sys
import tempfile
import time
from pathlib import Path

FILE = Path(tempfile.gettempdir()) / "inbox-worker-heartbeat"
FRESH = 20.0  # seconds; Celery beats every two


def beat() -> None:
    FILE.touch()


def clear() -> None:
    FILE.unlink(missing_ok=True)


def is_fresh() -> bool:
    try:
        return time.time() - FILE.stat().st_mtime < FRESH
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    if not is_fresh():
        sys.exit("no heartbeat: the worker has lost its broker, or hangs")
