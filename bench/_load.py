"""Load that checks every answer; started by `zero_downtime.py` and `traffic.py` as processes.

    bench/_load.py KIND HOST:PORT RATE CONNECTIONS SECONDS OUTPUT

KIND `requests`: GET, POST and GET of page and API together, RATE a second, over CONNECTIONS
kept open, with a new connection now and then. KIND `slow`: requests of 2 s, RATE a second.
KIND `websocket`: one after another for 3 s each, CONNECTIONS at a time. It ends after
SECONDS, or when its standard input is closed; what is begun then is finished. OUTPUT gets
one JSON line for each: [start, seconds, kind, version, error], times in seconds since the
epoch; `error` is null if the answer was right. Nothing is ever sent twice.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TextIO

DEADLINE = 15.0
NEW_CONNECTION_EVERY = 40
SOCKET_SECONDS = 3.0
CYCLE = ("get", "get", "post", "get", "both", "get", "post", "get", "get", "get")


class WrongAnswerError(Exception):
    """An answer came, and it is not the right one."""


class Connection:
    """One client connection, opened when needed, and again where the server closed it idle."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is not None and self._streams[0].at_eof():
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address)
        return self._streams

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def ask(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        """Status 200 and a JSON object, or WrongAnswerError, OSError, EOFError."""
        reader, writer = await self._open()
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._address[0]}\r\n"
        if body:
            head += f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
        writer.write(head.encode() + b"\r\n" + body)
        found = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(found.partition("content-length: ")[2].partition("\r\n")[0] or 0)
        content = await reader.readexactly(length)
        if "connection: close" in found:
            self.close()
        if not found.startswith("http/1.1 200"):
            raise WrongAnswerError(f"{found.partition(chr(13))[0]} {content[:80]!r}")
        data = json.loads(content)
        if not isinstance(data, dict) or "version" not in data:
            raise WrongAnswerError(f"body {content[:80]!r}")
        return data


class Load:
    """What all kinds share: the end, and the lines that are written."""

    def __init__(self, address: str, output: TextIO, seconds: float) -> None:
        host, port = address.rsplit(":", 1)
        self.host, self.port = host, int(port)
        self._output = output
        self._until = time.monotonic() + seconds
        self.stopped = asyncio.Event()

    @property
    def goes_on(self) -> bool:
        return time.monotonic() < self._until and not self.stopped.is_set()

    async def record(self, kind: str, action: Callable[[], Awaitable[str]]) -> bool:
        """Run one, write its line; True if it was right. `action` returns the version."""
        start, began = time.time(), time.perf_counter()
        version = error = None
        try:
            version = await asyncio.wait_for(action(), DEADLINE)
        except (OSError, EOFError, TimeoutError, ValueError, WrongAnswerError) as failure:
            error = f"{type(failure).__name__}: {failure}"
        line = [start, round(time.perf_counter() - began, 6), kind, version, error]
        self._output.write(json.dumps(line) + "\n")
        return error is None


async def one_request(connection: Connection, kind: str, number: int) -> str:
    """GET, POST, or page and API; the version that answered, checked to be one."""
    sent = f"message {number}" if kind == "post" else ""
    path = {"both": "/both", "slow": "/slow"}.get(kind, "/")
    data = await connection.ask("POST" if sent else "GET", path, sent.encode())
    if data.get("sent", "") != sent:
        raise WrongAnswerError(f"sent {sent!r}, came back {data.get('sent')!r}")
    if path != "/" and data.get("api") != data["version"]:
        raise WrongAnswerError(f"page {data['version']} with API {data.get('api')}")
    return str(data["version"])


async def requests(load: Load, rate: float, connections: int) -> None:
    """A constant rate, each connection at its own times; a late one does not ask faster."""
    pause = connections / rate

    async def client(index: int) -> None:
        connection = Connection(load.host, load.port)
        number, due = index, time.monotonic() + pause * index / connections
        while load.goes_on:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due = max(due + pause, time.monotonic())
            kind = CYCLE[number % len(CYCLE)]
            good = await load.record(kind, lambda k=kind, n=number: one_request(connection, k, n))
            number += 1
            if not good or number % NEW_CONNECTION_EVERY == 0:
                connection.close()
        connection.close()

    async with asyncio.TaskGroup() as group:
        for index in range(connections):
            group.create_task(client(index))


async def slow(load: Load, rate: float, connections: int) -> None:
    """Requests of 2 s on connections of their own."""
    del connections

    async def client(number: int) -> None:
        connection = Connection(load.host, load.port)
        await load.record("slow", lambda: one_request(connection, "slow", number))
        connection.close()

    async with asyncio.TaskGroup() as group:
        number = 0
        while load.goes_on:
            group.create_task(client(number))
            number += 1
            await asyncio.sleep(1 / rate)


async def websockets(load: Load, rate: float, connections: int) -> None:
    """Sockets one after another, staggered, with a message every 1/RATE seconds."""

    async def client(index: int) -> None:
        await asyncio.sleep(SOCKET_SECONDS * index / connections)
        while load.goes_on:
            await load.record("websocket", lambda: one_socket(load, 1 / rate))

    async with asyncio.TaskGroup() as group:
        for index in range(connections):
            group.create_task(client(index))


async def one_socket(load: Load, pause: float) -> str:
    """Every message must be answered, by one and the same version, until we close."""
    reader, writer = await asyncio.open_connection(load.host, load.port)
    try:
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET /ws HTTP/1.1\r\nHost: {load.host}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise WrongAnswerError(head.split(b"\r\n")[0].decode())
        version, end, number = "", time.monotonic() + SOCKET_SECONDS, 0
        while time.monotonic() < end:
            text = f"m{number}"
            writer.write(_frame(1, text.encode()))
            answer = (await _read_frame(reader)).decode().split(" ")
            if answer[0] != text or (version and answer[1] != version):
                raise WrongAnswerError(f"sent {text} to {version}, came back {answer}")
            version, number = answer[1], number + 1
            await asyncio.sleep(pause)
        writer.write(_frame(8, b"\x03\xe8"))
        await _read_frame(reader)
        return version
    finally:
        writer.close()


def _frame(opcode: int, payload: bytes) -> bytes:
    """A client's frame; the mask may be anything, zeros too."""
    return bytes([0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload


async def _read_frame(reader: asyncio.StreamReader) -> bytes:
    _, length = await reader.readexactly(2)
    return await reader.readexactly(length)


async def main(
    kind: str, address: str, rate: str, connections: str, seconds: str, output: str
) -> None:
    """One process of load."""
    kinds = {"requests": requests, "slow": slow, "websocket": websockets}
    with Path(output).open("w") as file:
        load = Load(address, file, float(seconds))
        loop = asyncio.get_running_loop()

        def closed() -> None:
            if not os.read(0, 100):
                load.stopped.set()
                loop.remove_reader(0)

        with contextlib.suppress(PermissionError):  # a standard input that is a plain file
            loop.add_reader(0, closed)
        await kinds[kind](load, float(rate), int(connections))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
