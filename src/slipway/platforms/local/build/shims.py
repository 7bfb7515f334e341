"""Stand-ins for the small programs of images that only start another one.

`tini`, `gosu` or `poetry run` do here what matters of them: they start the rest of their
arguments, with the artifact's own programs first on PATH.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FOLDER = "shims"
_AFTER_FLAGS = """#!/bin/sh
while :; do
  case "$1" in
    --) shift; break ;;
    -*) shift ;;
    *) break ;;
  esac
done
exec "$@"
"""
_AFTER_USER = """#!/bin/sh
shift
exec "$@"
"""
_RUN = """#!/bin/sh
[ "$1" = run ] || { echo "$0: only 'run' is known here" >&2; exit 2; }
shift
while :; do
  case "$1" in
    --) shift; break ;;
    -*) shift ;;
    *) break ;;
  esac
done
case "$1" in
  *.py) exec python "$@" ;;
esac
exec "$@"
"""
_SHIMS: Mapping[str, str] = {
    **dict.fromkeys(("tini", "dumb-init", "docker-init", "catatonit"), _AFTER_FLAGS),
    **dict.fromkeys(("gosu", "su-exec"), _AFTER_USER),
    **dict.fromkeys(("poetry", "pipenv", "uv"), _RUN),
}


def write_shims(artifact: Path) -> None:
    """Put them into an artifact; they come last among its own programs."""
    folder = artifact / FOLDER
    folder.mkdir()
    for name, text in _SHIMS.items():
        path = folder / name
        path.write_text(text)
        path.chmod(0o755)
