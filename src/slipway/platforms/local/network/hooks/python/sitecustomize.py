"""Runs first in every Python process of a service: keeps it on its instance's own address.

Slipway puts this folder on PYTHONPATH. A program that binds every interface, or that names
its neighbours in its code, then works beside another revision of itself: a TCP listener on
0.0.0.0 (or on localhost, with a port of the service) goes to the instance's own address, and
services' names resolve to their instances. Nothing else changes; another `sitecustomize`
further down the path runs as well. SLIPWAY_NET holds the facts; without it, nothing is done.

This runs in the service's Python, not in ours: no imports of ours, any Python from 3.7 on.
"""

from __future__ import annotations

import os
import sys
from typing import Any

_WILDCARDS = ("", "0.0.0.0", "::")
_LOOPBACKS = ("localhost", "127.0.0.1", "::1")


class _Net:
    """The facts: the own address and ports, and each neighbour's (container port -> real one)."""

    def __init__(self, facts: Any) -> None:
        self.own, self.ports = facts["own"]
        self.hosts = facts["hosts"]

    def known(self, host: Any) -> bool:
        return _text(host) in self.hosts

    def place(self, host: Any, port: Any) -> Any:
        """Where a name of ours really is: (address, port), else None."""
        host = _text(host)
        if host in self.hosts:
            address, ports = self.hosts[host]
            return address, ports.get(str(port), port)
        if host in _LOOPBACKS and str(port) in self.ports:
            return self.own, self.ports[str(port)]
        return None

    def listening(self, host: Any, port: Any) -> Any:
        """Where a listener of ours goes: (address, port), else None."""
        host = _text(host)
        own_loopback = host in _LOOPBACKS and str(port) in self.ports
        if not port or not (host in _WILDCARDS or own_loopback):
            return None
        return self.own, self.ports.get(str(port), port)


def _text(host: Any) -> Any:
    return host.decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else host


def _patch_sockets(net: _Net) -> None:
    import socket

    kind: Any = socket.socket
    base: Any = kind.__mro__[1]

    def is_stream(sock: Any) -> bool:
        inet = sock.family in (socket.AF_INET, socket.AF_INET6)
        return bool(inet and sock.type == socket.SOCK_STREAM)

    def mapped(sock: Any, found: Any) -> Any:
        """An IPv4 address as this socket's family writes it."""
        if sock.family != socket.AF_INET6:
            return found
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        return "::ffff:" + found[0], found[1]

    def bind(self: Any, address: Any) -> Any:
        found = net.listening(address[0], address[1]) if is_stream(self) else None
        if found is None:
            return base.bind(self, address)
        if self.family == socket.AF_INET6 and address[0] != "::1":
            only = self.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
            if only:  # it has an IPv4 twin, and that is the one which is used
                return base.bind(self, ("::1", 0))
        return base.bind(self, mapped(self, found))

    def connecting(sock: Any, address: Any) -> Any:
        found = net.place(address[0], address[1]) if is_stream(sock) else None
        return address if found is None else mapped(sock, found)

    kind.bind = bind
    kind.connect = lambda self, address: base.connect(self, connecting(self, address))
    kind.connect_ex = lambda self, address: base.connect_ex(self, connecting(self, address))


def _patch_names(net: _Net) -> None:
    import socket

    module: Any = socket
    real = module.getaddrinfo

    def getaddrinfo(host: Any, port: Any, family: int = 0, *args: Any, **kwargs: Any) -> Any:
        if net.known(host):
            host, port = net.place(host, port)
            if family == socket.AF_INET6:
                host = "::ffff:" + host
        return real(host, port, family, *args, **kwargs)

    def by_name(look_up: Any) -> Any:
        return lambda host: look_up(net.place(host, None)[0] if net.known(host) else host)

    module.getaddrinfo = getaddrinfo
    module.gethostbyname = by_name(socket.gethostbyname)
    module.gethostbyname_ex = by_name(socket.gethostbyname_ex)


def _patch_uvloop(net: _Net, loop: Any) -> None:
    """uvloop binds and connects below Python: its loop's methods are told instead."""
    create_server, create_connection = loop.create_server, loop.create_connection

    async def server(self: Any, factory: Any, host: Any = None, port: Any = None, **kw: Any) -> Any:
        found = net.listening("" if host is None else host, port) if not kw.get("sock") else None
        host, port = found or (host, port)
        return await create_server(self, factory, host, port, **kw)

    async def connect(
        self: Any, factory: Any, host: Any = None, port: Any = None, **kw: Any
    ) -> Any:
        host, port = (net.place(host, port) if host else None) or (host, port)
        return await create_connection(self, factory, host, port, **kw)

    loop.create_server, loop.create_connection = server, connect


def _watch_uvloop(net: _Net) -> None:
    """Patch uvloop when it is imported; import nothing by ourselves."""

    class Finder:
        def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
            del path, target
            if name != "uvloop":
                return None
            import importlib.util

            sys.meta_path.remove(self)
            spec: Any = importlib.util.find_spec(name)
            if spec is not None and spec.loader is not None:
                run = spec.loader.exec_module

                def exec_module(module: Any) -> None:
                    run(module)
                    _patch_uvloop(net, module.Loop)

                spec.loader.exec_module = exec_module
            return spec

    finder: Any = Finder()
    sys.meta_path.insert(0, finder)


def _chain() -> None:
    """Run the `sitecustomize` that this one hides, if there is one."""
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    for folder in sys.path:
        path = os.path.join(folder or ".", "sitecustomize.py")  # noqa: PTH118
        if os.path.abspath(folder or ".") != here and os.path.isfile(path):  # noqa: PTH100, PTH113
            import runpy

            runpy.run_path(path, run_name="sitecustomize")
            return


def _main() -> None:
    facts = os.environ.get("SLIPWAY_NET")
    if facts:
        import json

        try:
            net = _Net(json.loads(facts))
            _patch_sockets(net)
            _patch_names(net)
            _watch_uvloop(net)
        except Exception as error:  # noqa: BLE001  a service starts also where this cannot help
            sys.stderr.write(f"slipway: network hook is off: {error!r}\n")
    _chain()


_main()
