"""Real servers on loopback that answer as told."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

Handler = Callable[[socket.socket], None]
Serve = Callable[[Handler], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give it what to do with a connection; the port it then listens on."""
    with contextlib.ExitStack() as stack:
        yield lambda handler: stack.enter_context(_serving(handler))


@pytest.fixture
def answering(serve: Serve) -> Callable[[bytes], int]:
    """A server that reads a little, answers these bytes, and closes."""

    def start(data: bytes) -> int:
        def handle(connection: socket.socket) -> None:
            connection.recv(65536)
            connection.sendall(data)

        return serve(handle)

    return start


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is ours, and that nothing listens on."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextlib.contextmanager
def _serving(handler: Handler) -> Iterator[int]:
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.05)
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            connection.settimeout(20)
            with connection, contextlib.suppress(OSError):
                handler(connection)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        over.set()
        thread.join(timeout=60)
        server.close()
