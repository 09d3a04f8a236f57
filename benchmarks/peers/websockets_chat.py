"""The small chat with python-websockets: asyncio and its ``broadcast``."""

import asyncio
import sys

from websockets.asyncio.server import broadcast, serve

connections = set()


async def chat(connection):
    """One client's life."""
    connections.add(connection)
    try:
        async for message in connection:
            broadcast(connections, message)
    finally:
        connections.discard(connection)


async def main():
    async with serve(chat, "127.0.0.1", int(sys.argv[1])) as server:
        await server.serve_forever()


asyncio.run(main())
