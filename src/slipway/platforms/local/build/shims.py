"""Stand-ins for the small programs of images that only start another one, or wait.

`tini`, `gosu`, `poetry run` or `yarn start` do here what matters of them: they start what their
arguments say, with the artifact's own programs first on PATH. `nc -z` asks for a port.
"""

from __future__ import annotations

import shutil
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
_SCRIPTS = """#!/bin/sh
[ "$1" = run ] && shift
case "$1" in
  exec) shift; [ "$1" = -- ] && shift; exec "$@" ;;
  node) exec "$@" ;;
esac
name=$1
shift
script='process.exit(name in (require("./package.json").scripts || {}) ? 0 : 1)'
if [ -x "node_modules/.bin/$name" ] &&
  ! node -e "const name = process.argv[1]; $script" "$name" 2>/dev/null; then
  exec "node_modules/.bin/$name" "$@"
fi
exec npm run "$name" -- "$@"
"""
_SHIMS: Mapping[str, str] = {
    **dict.fromkeys(("tini", "dumb-init", "docker-init", "catatonit"), _AFTER_FLAGS),
    **dict.fromkeys(("gosu", "su-exec"), _AFTER_USER),
    **dict.fromkeys(("poetry", "pipenv", "uv"), _RUN),
    **dict.fromkeys(("yarn", "pnpm"), _SCRIPTS),
}


def write_shims(artifact: Path, path: str) -> None:
    """Put them into an artifact; they come last among its own programs. A package manager that
    the system has, on `path`, does its own work.
    """
    folder = artifact / FOLDER
    folder.mkdir()
    ask = Path(__file__).with_name("nc_shim.py").read_text("utf-8")
    for name, text in {**_SHIMS, **dict.fromkeys(("nc", "netcat", "ncat"), ask)}.items():
        if text == _SCRIPTS and shutil.which(name, path=path) is not None:
            continue
        shim = folder / name
        shim.write_text(text)
        shim.chmod(0o755)
