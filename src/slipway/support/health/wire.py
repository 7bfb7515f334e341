"""A connection with one deadline over all of it, so that a server that drips cannot hold a probe.

A socket's own timeout starts anew with every byte; here each wait gets only what is left.
What goes wrong is said as one line for a person (`NoAnswer`), never as an OSError.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from types import TracebackType
from typing import Any, Self


class NoAnswer(Exception):  # noqa: N818 (it is an outcome of a probe, turned into an Answer)
    """There was no usable answer; the text says what was seen instead."""


class Deadline:
    """A moment by which something has to be over. `seconds` is how long it was given."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._start = time.monotonic()

    def elapsed(self) -> float:
        return time.monotonic() - self._start

    def remaining(self) -> float:
        """Seconds left, more than 0. Raises TimeoutError when it is over."""
        left = self.seconds - self.elapsed()
        if left <= 0:
            raise TimeoutError
        return left

    def __str__(self) -> str:
        return f"{self.seconds:g} s"


class Wire:
    """One TCP connection, to be used as a context manager. Every call may raise NoAnswer."""

    def __init__(self, host: str, port: int, deadline: Deadline) -> None:
        self._deadline = deadline
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            self._socket = _connect(host, port, deadline)
        except TimeoutError:
            raise NoAnswer(f"no connection to {self.address} within {deadline}") from None
        except ConnectionRefusedError:
            raise NoAnswer(f"connection refused: nothing listens on {self.address}") from None
        except (OSError, UnicodeError) as error:
            raise NoAnswer(f"cannot connect to {self.address}: {reason(error)}") from None

    def start_tls(self, host: str, *, verify: bool) -> None:
        """Speak TLS from here on. Without `verify` any certificate will do."""
        import ssl

        context = ssl.create_default_context()
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        try:
            self._socket.settimeout(self._deadline.remaining())
            self._socket = context.wrap_socket(self._socket, server_hostname=host)
        except TimeoutError:
            raise NoAnswer(f"no TLS handshake within {self._deadline}") from None
        except (OSError, ValueError) as error:
            raise NoAnswer(f"no TLS with {self.address}: {reason(error)}") from None

    def send(self, data: bytes) -> None:
        try:
            self._socket.settimeout(self._deadline.remaining())
            self._socket.sendall(data)
        except OSError as error:
            raise self._failure(error) from None

    def receive_into(self, buffer: Any) -> int:
        """Fill some of `buffer`; 0 at the end of the stream."""
        try:
            self._socket.settimeout(self._deadline.remaining())
            return self._socket.recv_into(buffer)
        except OSError as error:
            raise self._failure(error) from None

    def receive(self, size: int) -> bytes:
        """Exactly `size` bytes, or fewer if the stream ends before."""
        buffer = bytearray(size)
        filled = 0
        while filled < size:
            count = self.receive_into(memoryview(buffer)[filled:])
            if count == 0:
                break
            filled += count
        return bytes(buffer[:filled])

    def _failure(self, error: OSError) -> NoAnswer:
        if isinstance(error, TimeoutError):
            return NoAnswer(f"connected, but no answer within {self._deadline}")
        if isinstance(error, ConnectionError):
            return NoAnswer("the connection was closed without an answer")
        return NoAnswer(f"the connection broke: {reason(error)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()


def reason(error: Exception) -> str:
    """The system's words, without its number."""
    return str(getattr(error, "strerror", None) or error)


def _connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """To the first of the host's addresses that accepts."""
    failure: OSError | None = None
    for family, address in _resolve(host, port, deadline):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(deadline.remaining())
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure or OSError("the name has no address")


def _resolve(host: str, port: int, deadline: Deadline) -> list[tuple[int, Any]]:
    """The addresses of `host`. The system's resolver knows no deadline: it gets a thread."""
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        pass
    else:
        return [(socket.AF_INET6 if version == 6 else socket.AF_INET, (host, port))]
    outcome: list[list[tuple[int, Any]] | Exception] = []

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            outcome.append(error)
        else:
            outcome.append([(entry[0], entry[4]) for entry in found])

    resolver = threading.Thread(target=ask, name=f"resolve {host}", daemon=True)
    resolver.start()
    resolver.join(deadline.remaining())
    if not outcome:
        raise TimeoutError
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0]
