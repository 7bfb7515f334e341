"""Container paths: which are the image's system, and where the artifact's own ones lie."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping

_SYSTEM = frozenset(
    {
        *(
            "/",
            "/bin",
            "/boot",
            "/dev",
            "/etc",
            "/home",
            "/lib",
            "/lib64",
            "/proc",
            "/root",
            "/run",
        ),
        *("/sbin", "/sys", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/usr/local/bin"),
        *("/usr/local/lib", "/usr/local/sbin", "/usr/local/share", "/usr/local/etc", "/usr/sbin"),
        *("/usr/share", "/usr/share/nginx", "/usr/src", "/var", "/var/cache", "/var/lib"),
        *("/var/log", "/var/run", "/var/tmp", "/var/www", "/etc/ssl", "/usr/share/ca-certificates"),
    }
)
_BOUNDARY = r"(?=$|[/:\s\"'),;&|])"
_START = r"(?:(?<=^)|(?<=[\s=:\"'(,@>])|(?<=file://)|(?<=unix://)|(?<=:///))"


def is_system(path: str) -> bool:
    """Is it a folder that every image has, so that it is never the artifact's own?"""
    return posixpath.normpath(path) in _SYSTEM


def owned_by(path: str) -> str | None:
    """The artifact's own part of a container path: `/app/x` -> `/app`, `/etc/app/x` ->
    `/etc/app`; None if it is all system.
    """
    parts = [part for part in posixpath.normpath(path).split("/") if part]
    for count in range(1, len(parts) + 1):
        prefix = "/" + "/".join(parts[:count])
        if prefix not in _SYSTEM:
            return prefix
    return None


def owned_paths(paths: Iterable[str]) -> tuple[str, ...]:
    """The shortest own paths that cover all of `paths`, sorted."""
    return tuple(sorted({owned for path in paths if (owned := owned_by(path)) is not None}))


def translate(text: str, places: Mapping[str, str]) -> str:
    """`text` with container paths replaced by where they are on this machine.

    `places` is container path -> real path; the longest one wins. A path counts where it
    starts a word or follows `=`, `:`, a quote or a bracket (not in `http://host/app`, but in
    `file:///app` and `sqlite:////app`).
    """
    known = sorted((path for path in places if path != "/"), key=len, reverse=True)
    if not known or "/" not in text:
        return text
    pattern = re.compile(f"{_START}({'|'.join(map(re.escape, known))}){_BOUNDARY}")
    return pattern.sub(lambda match: places[match.group(1)], text)
