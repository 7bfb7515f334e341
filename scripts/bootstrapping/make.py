"""The folder .venv: made, brought up to date, or left alone.

What is kept true at every moment, also under `kill -9`: a stamp (`.venv/.slipway`, for the
development lock `.venv/.slipway-dev`) holds a copy of the lock that was installed completely;
without one, the folder is made from nothing. The folder can be moved and copied with its
checkout: programs in it name no absolute path.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

from checkout import Checkout, Kind
from fetch import find_uv
from lock import alone
from problems import BootstrapError, say
from run import Runner


def make(checkout: Checkout, wanted: Kind) -> None:
    """Brings .venv to the wanted lock, or leaves it if it is there already.

    Raises BootstrapError, OSError, KeyboardInterrupt.
    """
    if _is_current(checkout, wanted):
        return _touch(checkout, wanted)
    if not os.access(checkout.root, os.W_OK):
        raise BootstrapError(
            f"{checkout.root} is read-only, so .venv cannot be made there.",
            f"copy the checkout to where you may write, or run: uv tool install {checkout.root}",
            code=2,
        )
    with alone(checkout.mutex) as handle:
        if _is_current(checkout, wanted):
            return _touch(checkout, wanted)
        started = time.monotonic()
        shutil.rmtree(checkout.scratch, ignore_errors=True)
        try:
            checkout.scratch.mkdir()
            _install(checkout, wanted, Runner(checkout.root, handle))
        finally:
            shutil.rmtree(checkout.scratch, ignore_errors=True)
        return say(f".venv is ready ({time.monotonic() - started:.0f} s)")


def _install(checkout: Checkout, wanted: Kind, run: Runner) -> None:
    whole = _is_whole(checkout)
    # What has the development tools keeps them, else ./deploy and ./test undid each other.
    kind: Kind = "dev" if whole and checkout.stamp("dev").exists() else wanted
    say("bringing .venv up to date ..." if whole else "making .venv (only this once) ...")
    uv = find_uv(checkout, run)
    if whole:
        _unstamp(checkout)
    else:
        _make_empty(checkout, uv, run)
    _sync(checkout, kind, uv, run)
    _add_source(checkout)
    run([str(checkout.python), "-m", "compileall", "-q", str(checkout.root / "src")], None)
    kinds: tuple[Kind, ...] = ("runtime", "dev") if kind == "dev" else ("runtime",)
    for each in kinds:
        _stamp(checkout, each)


def _make_empty(checkout: Checkout, uv: str, run: Runner) -> None:
    if checkout.venv.exists() or checkout.venv.is_symlink():
        # Away from its name at once, so that nobody finds half of it.
        checkout.venv.rename(checkout.scratch / "old")
    # The name with the version in it: when the system replaces its Python by a later one,
    # the link in .venv breaks, which ./deploy sees without running anything.
    interpreter = os.path.realpath(sys.executable)
    command = [uv, "venv", "--quiet", "--no-python-downloads", "--relocatable"]
    run([*command, "--python", interpreter, str(checkout.venv)], "make .venv")


def _sync(checkout: Checkout, kind: Kind, uv: str, run: Runner) -> None:
    lock = checkout.lock(kind)
    purpose = f"install what {lock.name} lists"
    say(f"  installing what {lock.name} lists")
    command = [uv, "pip", "sync", "--quiet", "--require-hashes", "--only-binary", ":all:"]
    run([*command, "--python", str(checkout.python), str(lock)], purpose)


def _add_source(checkout: Checkout) -> None:
    """The tool itself is read from src, by a path relative to .venv."""
    for site in checkout.venv.glob("lib/python*/site-packages"):
        up = "/".join(".." for _ in site.relative_to(checkout.root).parts)
        (site / "slipway.pth").write_text(f"{up}/src\n", encoding="utf-8")


# --- what is there already ------------------------------------------------------------------


def _is_current(checkout: Checkout, wanted: Kind) -> bool:
    try:
        same = checkout.stamp(wanted).read_bytes() == checkout.lock(wanted).read_bytes()
    except FileNotFoundError:
        return False
    return same and _is_whole(checkout)


def _is_whole(checkout: Checkout) -> bool:
    """Whether .venv was once completed, and its Python still runs and finds its packages."""
    if not any(stamp.exists() for stamp in checkout.stamps()):
        return False
    code = "import sys, sysconfig, os; sys.exit(not os.path.isdir(sysconfig.get_path('purelib')))"
    command = [str(checkout.python), "-I", "-c", code]
    try:
        return subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _stamp(checkout: Checkout, kind: Kind) -> None:
    """Written beside and renamed, so that a stamp is whole or missing."""
    new = checkout.scratch / "stamp"
    shutil.copyfile(checkout.lock(kind), new)
    new.replace(checkout.stamp(kind))
    _touch(checkout, kind)


def _unstamp(checkout: Checkout) -> None:
    for stamp in checkout.stamps():
        stamp.unlink(missing_ok=True)


def _touch(checkout: Checkout, kind: Kind) -> None:
    """Makes the stamp newer than the lock, so that ./deploy need not ask again: git sets times
    without changing a file, and some come from a clock that is ahead."""
    now, lock = time.time(), checkout.lock(kind).stat().st_mtime
    when = now if now > lock else lock + 1
    try:
        os.utime(checkout.stamp(kind), (when, when))
    except OSError:
        pass
