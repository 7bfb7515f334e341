"""A Compose healthcheck as a Probe: what it asks, asked without starting a program each time.

Recognised: curl, wget, Python's and Node's one-liners, `pg_isready`, `redis-cli ping`, `nc -z`
and `/dev/tcp`. Whatever does more than that stays a command.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from slipway.app.units import seconds
from slipway.support.health.model import Probe

_HERE = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "::1", "::"})
_URL = re.compile(r"https?://[^\s'\"`)|;<>]+")
_TAIL = re.compile(r"\s*\|\|\s*(exit\s+\d+|false|kill\s[^|;&]*)\s*;?\s*$")
_GREP = re.compile(r"^(?P<ask>.+?)\|\s*grep\s+(?:-\w+\s+)*(?P<word>'[^']*'|\"[^\"]*\"|[^\s|;&]+)$")
_PLAIN_WORD = re.compile(r"[\w \":,{}/-]+")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?-([^}]*))?\})")
_CONTROL = re.compile(r"\|\||&&|[|;&<>`]|\$\(|\n")
_DEV_TCP = re.compile(r"/dev/tcp/([\w.:-]+)/(\d+)")
_ANY_ANSWER = ("1xx", "2xx", "3xx", "4xx", "5xx")
_SHELLS = frozenset({"sh", "bash", "ash"})
_VALUE_FLAGS = frozenset(
    {"-o", "--output", "-m", "--max-time", "--connect-timeout", "--retry", "--retry-delay", "-A"}
    | {"--user-agent", "-T", "--timeout", "-t", "--tries", "-w", "--write-out", "-O"}
    | {"--output-document"}
)
_CHANGING_FLAGS = re.compile(
    r"-X|--request|-d|--data.*|-F|--form|-u|--user|--post-.*|--method.*|--body-.*|--cert.*|"
    r"--unix-socket|-x|--proxy.*|--resolve"
)
_SCRIPTED = re.compile(r"data\s*=|assert|method|Request\(|headers|json\(|\.read\(|POST|\bbody\b")


def probe_of(spec: Mapping[str, Any], names: frozenset[str]) -> Probe | None:
    """The healthcheck of a service (canonical form) as a Probe; None if there is none.

    `names` are what the service itself is called, beside localhost.
    """
    check = spec.get("healthcheck") or {}
    test = [str(each) for each in check.get("test") or ()]
    if check.get("disable") or not test or test[0] == "NONE":
        return None
    environment = spec.get("environment") or {}
    tokens, text = _normal(test, environment)
    asked = _ask(tokens, text, names | _HERE)
    return _timed(asked or Probe(kind="command", command=_command(test)), check)


def healthcheck_deadline(probe: Probe | None, floor: float) -> float:
    """How long a service may take until it is ready, as its healthcheck's numbers say."""
    if probe is None:
        return floor
    return max(floor, probe.start_period + probe.retries * probe.interval)


def _timed(probe: Probe, check: Mapping[str, Any]) -> Probe:
    fields: dict[str, Any] = {
        key: seconds(check[key]) for key in ("timeout", "interval", "start_period") if key in check
    }
    if check.get("retries"):
        fields["retries"] = int(check["retries"])
    return msgspec.structs.replace(probe, **fields)


def _command(test: Sequence[str]) -> tuple[str, ...]:
    if test[0] == "CMD-SHELL":
        return ("sh", "-c", " ".join(test[1:]))
    return tuple(test[1:] if test[0] == "CMD" else test)


def _normal(test: Sequence[str], environment: Mapping[str, Any]) -> tuple[list[str], str]:
    """The check's words, and its text; shell wrappers, `|| exit 1` and variables resolved."""
    words = list(test[1:])
    if test[0] == "CMD" and not (
        words and words[0].rpartition("/")[2] in _SHELLS and len(words) == 3
    ):
        if "||" in words:
            words = words[: words.index("||")]
        return words, shlex.join(words)
    text = words[-1] if test[0] == "CMD" else " ".join(words)
    text = _TAIL.sub("", text.strip()).removeprefix("exec ")
    text = _VARIABLE.sub(lambda match: _value(match, environment), text)
    try:
        return shlex.split(text), text
    except ValueError:
        return [], text


def _value(match: re.Match[str], environment: Mapping[str, Any]) -> str:
    name = match[1] or match[2]
    value = environment.get(name)
    if value not in (None, ""):
        return str(value)
    return match[0] if match[3] is None else match[3]


def _ask(tokens: list[str], text: str, here: frozenset[str]) -> Probe | None:
    """The probe that asks the same; None where only the command itself does."""
    found = _DEV_TCP.search(text)
    if found and text.count("/dev/tcp/") == 1 and "&&" not in text:
        return Probe(kind="tcp", port=int(found[2])) if found[1] in here else None
    contains = None
    grep = _GREP.match(text)
    if grep:
        contains = grep["word"].strip("'\"")
        text = grep["ask"].strip()
        if not _PLAIN_WORD.fullmatch(contains):
            return None
        try:
            tokens = shlex.split(text)
        except ValueError:
            return None
    if not tokens:
        return None
    program = tokens[0].rpartition("/")[2]
    script = program in ("node", "bun") or program.startswith("python")
    if not script and _CONTROL.search(_without_quiet(text)):
        return None
    return _by_program(program, tokens[1:], contains, here)


def _without_quiet(text: str) -> str:
    return re.sub(r"(\d?>\s*/dev/null|2>&1|&>\s*/dev/null)", "", text)


def _by_program(
    program: str, words: list[str], contains: str | None, here: frozenset[str]
) -> Probe | None:
    if program in ("curl", "wget"):
        return _fetch(program, words, contains, here)
    if program in ("redis-cli", "valkey-cli") and "ping" in [word.lower() for word in words]:
        return _server("redis", words, 6379, here)
    if contains is not None:
        return None
    if program == "pg_isready":
        return _server("postgres", words, 5432, here)
    if program in ("nc", "ncat", "netcat"):
        return _netcat(words, here)
    if program in ("node", "bun") or program.startswith("python"):
        return _script(words, here)
    return None


def _fetch(
    program: str, words: list[str], contains: str | None, here: frozenset[str]
) -> Probe | None:
    addresses: list[str] = []
    headers: dict[str, str] = {}
    fails = program == "wget"
    rest = iter(words)
    for word in rest:
        if word in ("-H", "--header"):
            name, _, value = next(rest, "").partition(":")
            headers[name.strip()] = value.strip()
        elif word.startswith("--header="):
            name, _, value = word.removeprefix("--header=").partition(":")
            headers[name.strip()] = value.strip()
        elif word in _VALUE_FLAGS:
            next(rest, None)
        elif _CHANGING_FLAGS.fullmatch(word) or "/dev/null" in word[:2]:
            return None
        elif word.startswith("-"):
            fails = fails or word.startswith("--fail") or _short_flag(word, "f")
        elif not re.fullmatch(r"\d?>.*|2>&1|/dev/null", word):
            addresses.append(word)
    if len(addresses) != 1:
        return None
    return _http(addresses[0], here, headers=headers, contains=contains, fails=fails)


def _short_flag(word: str, flag: str) -> bool:
    return not word.startswith("--") and flag in word[1:]


def _http(
    address: str,
    here: frozenset[str],
    *,
    headers: Mapping[str, str] | None = None,
    contains: str | None = None,
    fails: bool = True,
) -> Probe | None:
    try:
        url = urlsplit(address if "://" in address else f"http://{address}")
        port = url.port
    except ValueError:
        return None
    if url.hostname not in here or url.username or "$" in address:
        return None
    if url.scheme not in ("http", "https"):
        return None
    secure = url.scheme == "https"
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    base = Probe(
        kind="http",
        port=port or (443 if secure else 80),
        path=path,
        scheme="https" if secure else "http",
        headers=dict(headers or {}),
        contains=contains,
    )
    if fails:
        return base
    return msgspec.structs.replace(base, status=_ANY_ANSWER)


def _script(words: list[str], here: frozenset[str]) -> Probe | None:
    """`python -c` and `node -e` that do no more than fetch one address of this service."""
    if len(words) < 2 or words[-2] not in ("-c", "-e", "--eval"):
        return None
    code = words[-1]
    addresses = set(_URL.findall(code))
    if len(addresses) != 1 or _SCRIPTED.search(code):
        return None
    if not re.search(r"urlopen|requests\.get|httpx\.get|fetch\(|http'?\"?\)?\.get\(", code):
        return None
    return _http(addresses.pop(), here)


def _server(kind: Any, words: list[str], port: int, here: frozenset[str]) -> Probe | None:
    """pg_isready and redis-cli: `-h` must be this service, `-p` is the port."""
    host = _option(words, ("-h", "--host"))
    given = _option(words, ("-p", "--port"))
    if host is not None and host not in here and not host.startswith("/"):
        return None
    if given is not None and not given.isdigit():
        return None
    return Probe(kind=kind, port=int(given) if given else port)


def _option(words: list[str], names: tuple[str, ...]) -> str | None:
    for index, word in enumerate(words):
        if word in names:
            return words[index + 1] if index + 1 < len(words) else None
        for name in names:
            if name.startswith("--") and word.startswith(f"{name}="):
                return word.partition("=")[2]
    return None


def _netcat(words: list[str], here: frozenset[str]) -> Probe | None:
    plain = [word for word in words if not word.startswith("-")]
    flags = "".join(word for word in words if word.startswith("-"))
    if "z" not in flags or "u" in flags or len(plain) < 2:
        return None
    host, port = plain[-2:]
    return Probe(kind="tcp", port=int(port)) if host in here and port.isdigit() else None
