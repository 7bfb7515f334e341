"""The `uv` program of our own installation, and the environment it is run with."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from slipway.platforms.local.tools.certificates import SYSTEM, authorities

_FROM_PIP = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_CERT": "SSL_CERT_FILE",
}
_OURS = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "UV_PROJECT_ENVIRONMENT")


def uv_program() -> str:
    """Where uv is: it is a dependency of this tool, so it is always there."""
    from uv import find_uv_bin

    return find_uv_bin()


def uv_environment(
    environ: Mapping[str, str] = os.environ, certificates: Sequence[Path] = SYSTEM
) -> dict[str, str]:
    """What uv runs with: the user's settings, pip's where uv has none, nothing of our venv,
    and the first of `certificates` that exists where the user named none."""
    result = {name: value for name, value in environ.items() if name not in _OURS}
    for pip, ours in _FROM_PIP.items():
        if environ.get(pip) and ours not in environ:
            result[ours] = environ[pip]
    if not {"SSL_CERT_FILE", "SSL_CERT_DIR"} & result.keys():
        result |= authorities("SSL_CERT_FILE", certificates)
    if "UV_INDEX_URL" in environ:
        result.pop("UV_DEFAULT_INDEX", None)
    result.update({"UV_NO_PROGRESS": "1", "NO_COLOR": "1"})
    return result
