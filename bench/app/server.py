"""What the load is sent to: a page (`web`) in front of an API (`api`), of one version each.

Every answer says which version gave it: `GET /` and `POST /` the page's own, `GET /both` the
page's and that of the API it asked, `GET /slow` the same after 2 s, `GET /ws` a websocket that
answers each message with the version. On SIGTERM it takes no more connections, finishes what
it began, and gives websockets until their grace period is over. Standard library only.
"""

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import signal
import sys
from pathlib import Path

VERSION = Path(__file__).with_name("version.txt").read_text().strip()
API = os.environ.get("API", "api:8000")
PORT = int(os.environ.get("PORT", "8000"))
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Server:
    """`busy` counts requests and websockets in progress; `ending` says that SIGTERM came."""

    def __init__(self):
        self.busy = 0
        self.ending = False
        self.idle = {}

    async def serve(self, reader, writer):
        task = asyncio.current_task()
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                self.idle[task] = writer
                head = await reader.readuntil(b"\r\n\r\n")
                self.idle.pop(task, None)
                self.busy += 1
                try:
                    if not await self.answer(head, reader, writer):
                        break
                finally:
                    self.busy -= 1
        self.idle.pop(task, None)
        writer.close()

    async def answer(self, head, reader, writer):
        """One request; True to keep the connection."""
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
        method, path, _ = first.split(" ", 2)
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if path == "/ws":
            await self.websocket(head, reader, writer)
            return False
        data = {"version": VERSION}
        if path == "/slow":
            await asyncio.sleep(2)
        if path in ("/both", "/slow") and sys.argv[1] == "web":
            data["api"] = await ask_api()
        if method == "POST":
            data["sent"] = body.decode()
        keep = not self.ending
        self.write(writer, json.dumps(data).encode(), keep)
        await writer.drain()
        return keep

    @staticmethod
    def write(writer, body, keep):
        connection = "keep-alive" if keep else "close"
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: {connection}\r\n\r\n"
        writer.write(head.encode() + body)

    async def websocket(self, head, reader, writer):
        """Echo text frames until the other side closes."""
        key = next(
            line.split(b": ", 1)[1]
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key:")
        )
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        while True:
            opcode, length = await reader.readexactly(2)
            mask = await reader.readexactly(4)
            payload = await reader.readexactly(length & 0x7F)
            text = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
            if opcode & 0x0F == 8:
                writer.write(bytes([0x88, len(text)]) + text)
                await writer.drain()
                return
            answer = f"{text.decode()} {VERSION}".encode()
            writer.write(bytes([0x81, len(answer)]) + answer)
            await writer.drain()

    async def run(self):
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        server = await asyncio.start_server(self.serve, "0.0.0.0", PORT, backlog=512)
        print(f"listening on {PORT}, {VERSION}", flush=True)
        await stop.wait()
        server.close()
        self.ending = True
        while self.busy:
            await asyncio.sleep(0.02)
        for writer in list(self.idle.values()):
            writer.close()


async def ask_api():
    host, port = API.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET / HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    body = await reader.readuntil(b"}")
    writer.close()
    return json.loads(body)["version"]


if __name__ == "__main__":
    asyncio.run(Server().run())
