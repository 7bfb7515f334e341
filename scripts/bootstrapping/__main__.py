"""Makes .venv from a lock file, on a machine that has only Python.

Run by scripts/bootstrap, which found a Python that is new enough; only the standard library
is used here, since nothing else is there yet.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from checkout import Checkout, Kind
from make import make
from problems import BootstrapError, of_os_error, say


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bootstrap", description=__doc__)
    parser.add_argument("lock", nargs="?", choices=("runtime", "dev"), default="runtime")
    wanted: Kind = parser.parse_args().lock
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        make(Checkout(Path(__file__).resolve().parent.parent.parent), wanted)
    except BootstrapError as problem:
        return _report(problem)
    except KeyboardInterrupt:
        say("interrupted; the next call starts again.")
        return 130
    except OSError as error:
        return _report(of_os_error(error))
    return 0


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _report(problem: BootstrapError) -> int:
    say(f"{problem}\n  next: {problem.hint}")
    return problem.code


if __name__ == "__main__":
    sys.exit(main())
