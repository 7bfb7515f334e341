"""Asyncio, with its own port and its neighbour's name in the code."""

import asyncio
import socket


async def answer(reader, writer):
    request = (await reader.readline()).decode().split()
    text = "back"
    if request[1] == "/front":
        theirs, mine = await asyncio.open_connection("front", 8000)
        mine.write(b"GET / HTTP/1.0\r\n\r\n")
        text = (await theirs.read()).decode().splitlines()[-1]
        mine.close()
    if request[1] == "/self":
        text = str(socket.create_connection(("127.0.0.1", 8000), timeout=2).getpeername()[1])
    writer.write(f"HTTP/1.0 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
    await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(answer, None, 8000)
    async with server:
        await server.serve_forever()


asyncio.run(main())
