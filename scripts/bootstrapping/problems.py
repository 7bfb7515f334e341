"""What can go wrong on a bare machine, each as one message with what to do next."""

from __future__ import annotations

import errno
import re
import sys


class BootstrapError(Exception):
    """What went wrong, what to do next, and the exit code (1 failed, 2 the machine lacks it)."""

    def __init__(self, what: str, hint: str, *, code: int = 1) -> None:
        super().__init__(what)
        self.hint = hint
        self.code = code


def say(text: str) -> None:
    """One line to stderr."""
    sys.stderr.write(f"deploy: {text}\n")
    sys.stderr.flush()


_DISK = "No space left on device|Disk quota exceeded"
_NETWORK = (
    "dns error|error sending request|Failed to fetch|Connection (refused|reset|timed out)"
    "|name resolution|Could not resolve|Network is unreachable|timed out|Unable to locate"
    "|NewConnectionError|Max retries|No matching distribution|CERTIFICATE|UnknownIssuer"
)


def of_output(purpose: str, output: str) -> BootstrapError:
    """Of a program that failed: what it said last."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    shown = "".join(f"\n    {line}" for line in lines[-8:])
    what = f"could not {purpose}:{shown}"
    if re.search(_DISK, output):
        return BootstrapError(what, _no_space())
    if re.search(_NETWORK, output):
        return BootstrapError(
            what,
            "is there a network, and a way to the package registry (proxy, certificates, "
            "PIP_INDEX_URL and UV_DEFAULT_INDEX)? Then run this again",
        )
    return BootstrapError(what, "put that right, and run this again; it starts from nothing")


def of_os_error(error: OSError) -> BootstrapError:
    """Of a file that could not be written."""
    where = f" ({error.filename})" if error.filename else ""
    what = f"could not make .venv: {error.strerror or error}{where}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return BootstrapError(what, _no_space())
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return BootstrapError(what, "make the checkout writable for you, or copy it", code=2)
    return BootstrapError(what, "put that right, and run this again")


def _no_space() -> str:
    return "free about 300 MB here and where ~/.cache is, and run this again"
