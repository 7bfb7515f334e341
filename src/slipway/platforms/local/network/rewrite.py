"""Container words to this machine's: names of services, listening addresses, absolute paths.

On this platform a service named `db` is reached at an address of its own, and `/app` is a
folder somewhere. These pure functions rewrite a service's environment and command once its
neighbours' addresses are known. Secrets must still be placeholders then, so that a password
that looks like a host stays as it is; `rewrite_url` is for a secret that is a whole URL.

Called by the launcher, thus only `re` and plain data here: `endpoints` is
{service or alias: (address, {container port: real port})}.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Endpoint(NamedTuple):
    """Where a service is: its address, and the real port of each container port."""

    address: str
    ports: Mapping[int, int]

    def port(self, number: int) -> int:
        return self.ports.get(number, number)


class Net(NamedTuple):
    """What one instance knows of its surroundings. `own` is the instance itself.

    `paths`: absolute container path -> real path.
    """

    endpoints: Mapping[str, Endpoint]
    own: Endpoint
    paths: Mapping[str, str]


_SCHEME_PORTS = {
    "http": 80, "ws": 80, "https": 443, "wss": 443, "redis": 6379, "rediss": 6379,
    "valkey": 6379, "postgres": 5432, "postgresql": 5432, "amqp": 5672, "amqps": 5671,
    "mysql": 3306, "mariadb": 3306, "mongodb": 27017, "nats": 4222, "memcached": 11211,
    "smtp": 25, "ldap": 389, "mqtt": 1883, "kafka": 9092,
}  # fmt: skip

_HOST_TOKENS = frozenset({
    "HOST", "HOSTS", "HOSTNAME", "HOSTNAMES", "SERVER", "SERVERS", "ADDR", "ADDRS", "ADDRESS",
    "ADDRESSES", "ENDPOINT", "ENDPOINTS", "BROKER", "BROKERS", "URL", "URLS", "URI", "UPSTREAM",
    "UPSTREAMS", "NODE", "NODES", "BACKEND", "PEERS",
})  # fmt: skip
_HOST_ENDINGS = ("HOST", "HOSTNAME", "SERVER", "ADDR")
_OPAQUE_TOKENS = frozenset({
    "PASSWORD", "PASSWD", "PASS", "PASSPHRASE", "SECRET", "TOKEN", "USER", "USERNAME", "KEY",
    "SALT", "EMAIL", "IMAGE", "TAG", "VERSION",
})  # fmt: skip
_URL_PATH_TOKENS = frozenset({"URL", "URI", "ROUTE", "PREFIX", "ENDPOINT"})

_PLACEHOLDER = re.compile(r"«secret:[^»]*»")
_MASK = re.compile("\ue000(\\d+)\ue001")
_AUTHORITY = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.\-]*):)?//([^/?#\s\"'<>`|;]*)")
_HOST_PORT = re.compile(r"(?<![\w.\-/:$%\ue001])([A-Za-z0-9][\w.\-]*):(\d{2,5})(?![\w.\-:]|\.\w)")
_PAIR = re.compile(
    r"(?<![\w.\-])((?:host|hostname|hostaddr|server|data source|addr|address|endpoint|broker)\s?"
    r"=\s?(?:tcp:)?)([A-Za-z0-9][\w.\-]*)((?:,\d{2,5})?)(?=$|[\s;&,'\"])",
    re.IGNORECASE,
)
_PAIR_PORT = re.compile(r"(?<![\w.\-])(port\s?=\s?)(\d{2,5})(?=$|[\s;&'\"])", re.IGNORECASE)
_TOKENS = re.compile(r"[_\-.:]+")
_WILDCARD = re.compile(r"(?<![\w.\-:\]*])(0\.0\.0\.0|\[::\]|\[::0\]|\*)(?::(\d{1,5}))(?![\w.\-])")
_BARE_WILDCARD = re.compile(r"(?<![\w.\-:])(0\.0\.0\.0)(?![\w.\-:/])")
_COLON_PORT = re.compile(r"(^|[=\s,'\"])(:)(\d{2,5})(?=$|[\s,;'\"])")
_LOOPBACK = re.compile(
    r"(?<![\w.\-@])(localhost|127\.0\.0\.1|\[::1\])(?:([:\s]\s*)(\d{1,5}))?(?![\w.\-])"
)
_PORT_OPTION = re.compile(r"^(--?(?:[\w\-]*-)?port|-p|-P)(=?)(\d*)$", re.IGNORECASE)
_PORT_IN_SHELL = re.compile(r"((?:^|\s)(?:--(?:[\w\-]*-)?port|-p)(?:\s+|=))(\d{2,5})(?=$|\s)")


def environment(values: Mapping[str, str], net: Net) -> dict[str, str]:
    """A service's environment as its process must see it here."""
    result: dict[str, str] = {}
    ports: dict[str, Endpoint] = {}
    for key, value in values.items():
        result[key], found = _value(key, value, net)
        if found is not None:
            ports.update((name, found) for name in _port_keys(key))
    for key, value in values.items():
        if value.isdigit() and key in ports:
            result[key] = str(ports[key].port(int(value)))
        elif value.isdigit() and _tokens(key)[-1] == "PORT" and not _names_a_service(key, net):
            result[key] = str(net.own.port(int(value)))
    return result


def words(command: Sequence[str], net: Net, *, inside: bool = False) -> list[str]:
    """A command's words. `inside`: it runs beside the service (a healthcheck, `exec`),

    so that localhost means the instance itself.
    """
    result = []
    option = False
    for word in command:
        changed = _word(word, net)
        if inside:
            changed = _loopback(changed, net.own)
        match = _PORT_OPTION.match(word)
        if match and match[3]:
            changed = f"{match[1]}{match[2]}{net.own.port(int(match[3]))}"
        elif option and word.isdigit():
            changed = str(net.own.port(int(word)))
        option = bool(match and not match[2] and not match[3])
        result.append(changed)
    return result


def rewrite_url(text: str, net: Net) -> str:
    """A revealed secret that is a whole URL: only the host of its authority changes."""
    return _AUTHORITY.sub(lambda m: _authority(m, net.endpoints), text) if "://" in text else text


def paths(text: str, mapping: Mapping[str, str]) -> str:
    """Absolute container paths to real ones, longest first; longer names stay (`/appendix`).

    A real path stays as well, so that a text may be rewritten twice.
    """
    if not mapping or "/" not in text:
        return text
    known = {**mapping, **{real: real for real in mapping.values()}}
    found = "|".join(re.escape(p) for p in sorted(known, key=len, reverse=True))
    pattern = rf"(?:(?<![\w.\-/~}})%$\ue001])|(?<=:///)|(?<=file://))({found})(?![\w.\-])"
    return re.sub(pattern, lambda m: known[m[1]], text)


def _value(key: str, value: str, net: Net) -> tuple[str, Endpoint | None]:
    """One variable's new value, and the endpoint if it is nothing but that service's name."""
    tokens = _tokens(key)
    if tokens[-1] in _OPAQUE_TOKENS:
        return value if tokens[-1] != "KEY" else paths(value, net.paths), None
    hostish = tokens[-1] in _HOST_TOKENS or _ends_hostish(tokens[-1])
    if hostish and value in net.endpoints:
        return net.endpoints[value].address, net.endpoints[value]
    if hostish and value in ("0.0.0.0", "::", "[::]", "*"):
        return (net.own.address if value != "*" or "BIND" in tokens else value), None
    with_paths = not (_URL_PATH_TOKENS & set(tokens)) or "://" in value
    text = _masked(value, lambda text: _text(text, net, with_paths=with_paths))
    if hostish and "," in value:
        text = ",".join(_list_item(item, net.endpoints) for item in text.split(","))
    return text, None


def _word(word: str, net: Net) -> str:
    def change(text: str) -> str:
        text = _text(text, net, with_paths=True)
        option, equals, value = text.rpartition("=")
        if equals and value in net.endpoints and _tokens(option.lstrip("-"))[-1] in _HOST_TOKENS:
            text = f"{option}={net.endpoints[value].address}"
        if " " in text:
            text = _PORT_IN_SHELL.sub(lambda m: f"{m[1]}{net.own.port(int(m[2]))}", text)
        return text

    return _masked(word, change)


def _text(text: str, net: Net, *, with_paths: bool) -> str:
    """Every rule that needs no key, on a text whose secrets are masked."""
    if with_paths:
        text = paths(text, net.paths)
    text = _outside_authorities(text, net)
    return _listening(text, net.own)


def _outside_authorities(text: str, net: Net) -> str:
    """URL authorities by their own grammar; `name:port` and `host=name` in what is between."""
    parts: list[str] = []
    position = 0
    for match in _AUTHORITY.finditer(text):
        parts.append(_plain(text[position : match.start()], net.endpoints))
        parts.append(_authority(match, net.endpoints))
        position = match.end()
    parts.append(_plain(text[position:], net.endpoints))
    return "".join(parts)


def _authority(match: re.Match[str], endpoints: Mapping[str, Endpoint]) -> str:
    scheme = match[1] or ""
    default = _SCHEME_PORTS.get(scheme.split("+")[0].lower())
    userinfo, at, hosts = match[2].rpartition("@")
    changed = ",".join(_url_host(host, endpoints, default) for host in hosts.split(","))
    prefix = f"{scheme}:" if match[1] else ""
    return f"{prefix}//{userinfo}{at}{changed}"


def _url_host(host: str, endpoints: Mapping[str, Endpoint], default: int | None) -> str:
    match = re.match(r"^((?:tcp|udp)\()?([A-Za-z0-9][\w.\-]*)(?::(\d+))?(\))?$", host)
    if match is None or match[2] not in endpoints:
        return host
    endpoint = endpoints[match[2]]
    port = _url_port(match[3], endpoint, default)
    return f"{match[1] or ''}{endpoint.address}{port}{match[4] or ''}"


def _url_port(given: str | None, endpoint: Endpoint, default: int | None) -> str:
    if given:
        return f":{endpoint.port(int(given))}"
    number = default
    if default is None and len(endpoint.ports) == 1:
        number = next(iter(endpoint.ports))
    if number is None or endpoint.port(number) == number:
        return ""
    return f":{endpoint.port(number)}"


def _plain(text: str, endpoints: Mapping[str, Endpoint]) -> str:
    def host_port(match: re.Match[str]) -> str:
        endpoint = endpoints.get(match[1])
        if endpoint is None or (int(match[2]) not in endpoint.ports and int(match[2]) < 80):
            return match[0]
        return f"{endpoint.address}:{endpoint.port(int(match[2]))}"

    changed = _HOST_PORT.sub(host_port, text)
    return _pairs(changed, endpoints) if "=" in changed else changed


def _pairs(text: str, endpoints: Mapping[str, Endpoint]) -> str:
    """`host=db port=5432`, `Server=db;Port=5432`, `Server=db,1433`."""
    found: list[Endpoint] = []

    def host(match: re.Match[str]) -> str:
        endpoint = endpoints.get(match[2])
        if endpoint is None:
            return match[0]
        found.append(endpoint)
        port = f",{endpoint.port(int(match[3][1:]))}" if match[3] else ""
        return f"{match[1]}{endpoint.address}{port}"

    changed = _PAIR.sub(host, text)
    if len(found) != 1:
        return changed
    return _PAIR_PORT.sub(lambda m: f"{m[1]}{found[0].port(int(m[2]))}", changed)


def _list_item(item: str, endpoints: Mapping[str, Endpoint]) -> str:
    bare = item.strip()
    return item.replace(bare, endpoints[bare].address) if bare in endpoints else item


def _listening(text: str, own: Endpoint) -> str:
    """`0.0.0.0:8000`, `[::]:8000`, `:8000`, `0.0.0.0` -> the instance's own address."""
    text = _WILDCARD.sub(lambda m: f"{own.address}:{own.port(int(m[2]))}", text)
    text = _BARE_WILDCARD.sub(own.address, text)

    def colon(match: re.Match[str]) -> str:
        number = int(match[3])
        known = number in own.ports
        return f"{match[1]}{own.address}:{own.port(number)}" if known else match[0]

    return _COLON_PORT.sub(colon, text)


def _loopback(text: str, own: Endpoint) -> str:
    """`localhost:8000` as the instance itself means it; other ports of this machine stay."""

    def change(match: re.Match[str]) -> str:
        if match[3] is None:
            return own.address
        number = int(match[3])
        if number not in own.ports:
            return match[0]
        return f"{own.address}{match[2]}{own.port(number)}"

    return _LOOPBACK.sub(change, text)


def _masked(text: str, change: Callable[[str], str]) -> str:
    """Apply `change` with every secret's placeholder out of sight."""
    kept = _PLACEHOLDER.findall(text)
    if not kept:
        return change(text)
    numbers = iter(range(len(kept)))
    masked = _PLACEHOLDER.sub(lambda _: f"\ue000{next(numbers)}\ue001", text)
    return _MASK.sub(lambda m: kept[int(m[1])], change(masked))


def _tokens(key: str) -> list[str]:
    return [t for t in _TOKENS.split(key.upper()) if t] or [""]


def _ends_hostish(token: str) -> bool:
    return token.endswith(_HOST_ENDINGS) and token != "GHOST"


def _port_keys(key: str) -> list[str]:
    """Names of the variable that holds the port of the host in `key`: DB_HOST -> DB_PORT."""
    match = re.match(r"^(.*?)(HOSTNAME|HOST|SERVER|ADDRESS|ADDR|ENDPOINT)$", key, re.IGNORECASE)
    if match is None:
        return []
    lower = match[2].islower()
    return [match[1] + ("port" if lower else "PORT"), match[1] + "Port"]


def _names_a_service(key: str, net: Net) -> bool:
    """`DB_PORT` speaks of the service `db`, not of the own port."""
    prefix = "_".join(_tokens(key)[:-1])
    names = {name.upper().replace("-", "_").replace(".", "_") for name in net.endpoints}
    return bool(prefix) and prefix in names
