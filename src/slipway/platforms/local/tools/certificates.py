"""The system's certificate authorities, for programs that trust only those that they carry.

uv and Node are such; a system often has one more, that of the proxy it stands behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

SYSTEM = (
    Path("/etc/ssl/certs/ca-certificates.crt"),  # Debian, Ubuntu, Arch
    Path("/etc/pki/tls/certs/ca-bundle.crt"),  # Fedora, RHEL
    Path("/etc/ssl/cert.pem"),  # Alpine, macOS
)


def authorities(variable: str, places: Sequence[Path] = SYSTEM) -> dict[str, str]:
    """{`variable`: the file of authorities}, or nothing where the system has none."""
    found = next((path for path in places if path.exists()), None)
    return {} if found is None else {variable: str(found)}
