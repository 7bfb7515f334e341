"""Where uv comes from: PATH, the .venv there was, or a wheel that some pip fetches.

Nothing is installed on the system. Which uv: as requirements.lock pins it, with hashes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from checkout import Checkout
from problems import BootstrapError, say
from run import Runner

OLDEST_UV = (0, 7)


def find_uv(checkout: Checkout, run: Runner) -> str:
    """The path of a uv that is new enough. Raises BootstrapError; code 2: there is no way."""
    for there in (shutil.which("uv"), str(checkout.venv / "bin/uv")):
        if there and _is_new_enough(there):
            return _outside(there, checkout)
    pin = _pin(checkout)
    pip, whence = _find_pip(checkout, run)
    say(f"  fetching {pin.split()[0].replace('==', ' ')} with pip ({whence})")
    return _fetch_uv([*pip, "download"], pin, checkout.scratch, run)


def _is_new_enough(uv: str) -> bool:
    try:
        said = subprocess.run([uv, "--version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    found = re.match(r"uv (\d+)\.(\d+)", said.stdout)
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST_UV


def _outside(uv: str, checkout: Checkout) -> str:
    """`uv`, or a copy of it where it lies in .venv, which is about to change."""
    if not Path(uv).resolve().is_relative_to(checkout.venv.resolve()):
        return uv
    return str(shutil.copy2(uv, checkout.scratch / "uv"))


def _pin(checkout: Checkout) -> str:
    """The lines of requirements.lock that say which uv, with hashes."""
    text = checkout.lock("runtime").read_text(encoding="utf-8")
    found = re.search(r"^uv==.*(?:\n[ \t]+.*)*", text, re.MULTILINE)
    if found is None:
        hint = "restore it: git checkout requirements.lock"
        raise BootstrapError("requirements.lock does not pin uv.", hint)
    return found[0] + "\n"


def _fetch_uv(download: Sequence[str], pin: str, scratch: Path, run: Runner) -> str:
    """Only fetched and unpacked: systems forbid pip to install outside of a venv."""
    wanted = scratch / "uv.txt"
    wanted.write_text(pin, encoding="utf-8")
    options = ["--quiet", "--quiet", "--disable-pip-version-check", "--no-input", "--retries", "2"]
    what = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", str(wanted)]
    run([*download, *options, *what, "--dest", str(scratch / "wheel")], "fetch uv with pip")
    (wheel,) = (scratch / "wheel").glob("uv-*.whl")
    with zipfile.ZipFile(wheel) as files:
        files.extractall(scratch / "unpacked")
    (uv,) = (scratch / "unpacked").glob("uv-*.data/scripts/uv")
    uv.chmod(0o755)
    return str(uv)


# --- pip ------------------------------------------------------------------------------------


def _find_pip(checkout: Checkout, run: Runner) -> tuple[list[str], str]:
    """(A command that is pip, where it comes from)."""
    if _works("import pip", checkout.root):
        return [sys.executable, "-m", "pip"], "of this Python"
    of_system = _pip_in(Path("/usr/share/python-wheels"))
    if of_system is not None:
        return of_system, "from /usr/share/python-wheels"
    if _works("import ensurepip; ensurepip.version()", checkout.root):
        folder = checkout.scratch / "pip"
        run([sys.executable, "-m", "venv", str(folder)], "make a venv that has pip")
        return [str(folder / "bin/python"), "-m", "pip"], "of ensurepip"
    if shutil.which("apt-get") and shutil.which("dpkg-deb"):
        return _pip_from_apt(checkout, run), "from its Debian package"
    raise BootstrapError(
        "neither uv nor pip is here, and no apt to fetch pip with.",
        "install uv, or pip for this Python, and run this again",
        code=2,
    )


def _works(code: str, folder: Path) -> bool:
    command = [sys.executable, "-E", "-c", code]
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=60).returncode == 0


def _pip_from_apt(checkout: Checkout, run: Runner) -> list[str]:
    """pip runs from its wheel; Debian's trusts the system's certificates, so where there are
    none, those are unpacked too."""
    told = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    bare = not any(run.environment.get(name) for name in told)
    packages = ["python3-pip-whl", *(["ca-certificates"] if bare else [])]
    say(f"  fetching {' and '.join(packages)} with apt (nothing is installed)")
    folder = checkout.scratch / "apt"
    script = checkout.root / "scripts/apt-unpack"
    by_hand = "apt-get install python3-pip, or put uv on PATH, and run this again"
    try:
        run(["sh", str(script), str(folder), *packages], "fetch pip with apt")
    except BootstrapError as error:
        error.hint = f"{error.hint}; else: {by_hand}"
        raise
    if bare:
        bundle = checkout.scratch / "certificates.pem"
        found = sorted((folder / "usr/share/ca-certificates").rglob("*.crt"))
        bundle.write_bytes(b"\n".join(path.read_bytes() for path in found))
        run.environment |= dict.fromkeys(("SSL_CERT_FILE", "PIP_CERT"), str(bundle))
    pip = _pip_in(folder / "usr/share/python-wheels")
    if pip is None:
        raise BootstrapError("the package python3-pip-whl has no wheel of pip.", by_hand, code=2)
    return pip


def _pip_in(folder: Path) -> list[str] | None:
    found = sorted(folder.glob("pip-*.whl"))
    return [sys.executable, os.fspath(found[-1] / "pip")] if found else None
