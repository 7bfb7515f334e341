"""Redis or Valkey as its official image runs it: pure; the configuration goes to its stdin.

The command's options become configuration lines, so that a password is never in argv.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from slipway.app.model import Service

PORT = 6379
CLIENTS = ("redis-cli", "valkey-cli", "redis-benchmark")
_SERVERS = ("redis-server", "valkey-server", "keydb-server", "redis-stack-server")
_ENTRYPOINTS = ("docker-entrypoint.sh", "/entrypoint.sh", "tini", "--", "exec")
_PASSWORDS = ("REDIS_PASSWORD", "VALKEY_PASSWORD")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_OURS = ("bind", "port", "daemonize", "dir", "unixsocket", "logfile", "supervised")


def configuration(
    service: Service, environment: Mapping[str, str], address: str, port: int, folder: str,
    paths: Mapping[str, str],
) -> str:  # fmt: skip
    """redis.conf for stdin; values may hold secret placeholders.

    `paths` are mounted container paths -> real ones, for `include` of a mounted file.
    """
    files, options = parse_command(_words(service, environment))
    lines = [f"include {_quoted(paths.get(file, file))}" for file in files]
    for name, values in options:
        if name not in _OURS:
            lines.append(" ".join([name, *(_quoted(paths.get(v, v)) for v in values)]))
    if not any(name == "requirepass" for name, _ in options):
        password = next((environment[n] for n in _PASSWORDS if environment.get(n)), None)
        if password and _is_bitnami(service):
            lines.append(f"requirepass {_quoted(password)}")
    lines += [
        f"bind {address}",
        f"port {port}",
        f"dir {_quoted(folder)}",
        "daemonize no",
        "supervised no",
        'logfile ""',
        'pidfile ""',
    ]
    return "\n".join(lines) + "\n"


def parse_command(words: Sequence[str]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """(configuration files, [(option, values)]) of a `redis-server` command line."""
    rest = list(words)
    while rest and (rest[0] in _ENTRYPOINTS or rest[0].rpartition("/")[2] in _SERVERS):
        rest.pop(0)
    files: list[str] = []
    options: list[tuple[str, list[str]]] = []
    for word in rest:
        if word.startswith("--") and len(word) > 2:
            name, equals, value = word[2:].partition("=")
            options.append((name.lower(), [value] if equals else []))
        elif options:
            options[-1][1].append(word)
        elif word != "-":
            files.append(word)
    return files, options


def _words(service: Service, environment: Mapping[str, str]) -> list[str]:
    """The command's words; of `sh -c "..."` those inside, with its variables filled in."""
    words = list(service.command or ())
    if len(words) >= 3 and words[0].rpartition("/")[2] in ("sh", "bash") and words[1] == "-c":
        filled = _VARIABLE.sub(lambda m: environment.get(m[1] or m[2], ""), words[2])
        return shlex.split(filled)
    return [_VARIABLE.sub(lambda m: environment.get(m[1] or m[2], m[0]), w) for w in words]


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _is_bitnami(service: Service) -> bool:
    return "bitnami" in (service.image or "")
