"""Runs the programs that make .venv: quietly, with a deadline, in an environment of their own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from problems import BootstrapError, of_output

STEP_S = 900.0
# uv trusts the authorities that it carries; a system often has one more, that of its proxy.
SYSTEM_CERTIFICATES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/cert.pem"),
)
# Settings of other environments that would send packages elsewhere than into .venv.
_NOT_OURS = (
    *("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX", "UV_PYTHON"),
    *("UV_SYSTEM_PYTHON", "UV_BREAK_SYSTEM_PACKAGES", "UV_PROJECT_ENVIRONMENT"),
)
_FROM_PIP = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_CERT": "SSL_CERT_FILE",
}


class Runner:
    """Runs one program at a time under the lock `handle`, in `environment`."""

    def __init__(self, root: Path, handle: int) -> None:
        self._root = root
        self._handle = handle
        self.environment = environment_from(os.environ, SYSTEM_CERTIFICATES)

    def __call__(self, command: Sequence[str], purpose: str | None) -> None:
        """`purpose` completes "could not ..."; None: failing does not matter.

        Raises BootstrapError with the program's last lines.
        """
        try:
            status, output = self._run(command)
        except subprocess.TimeoutExpired:
            raise BootstrapError(
                f"could not {purpose}: no end after {STEP_S:.0f} s.",
                "see whether the package registry answers, and run this again",
            ) from None
        if status != 0 and purpose is not None:
            raise of_output(purpose, output)

    def _run(self, command: Sequence[str]) -> tuple[int, str]:
        process = subprocess.Popen(
            list(command),
            cwd=self._root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=(self._handle,),
            process_group=0,
        )
        try:
            output, _ = process.communicate(timeout=STEP_S)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        return process.returncode, output


def environment_from(environ: Mapping[str, str], certificates: Sequence[Path]) -> dict[str, str]:
    """The user's settings, pip's where uv has none, the system's certificates where the user
    names none; nothing of another venv."""
    result = {"UV_LINK_MODE": "copy", "UV_HTTP_TIMEOUT": "60"}
    result |= {name: value for name, value in environ.items() if name not in _NOT_OURS}
    result["PIP_REQUIRE_VIRTUALENV"] = "0"
    for pip, uv in _FROM_PIP.items():
        if environ.get(pip):
            result.setdefault(uv, environ[pip])
    if "UV_INDEX_URL" in environ:
        result.pop("UV_DEFAULT_INDEX", None)
    found = next((path for path in certificates if path.exists()), None)
    if found is not None and "SSL_CERT_DIR" not in result:
        result.setdefault("SSL_CERT_FILE", str(found))
    return result
