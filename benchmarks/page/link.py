"""A phone's network between a browser and the server: far away, narrow, and shared by all."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Network:
    """What is between a phone and the server."""

    round_trip: float
    """Seconds."""
    down: float
    """Bytes a second, as ``up``."""
    up: float


SLOW_4G = Network(0.150, 1.6e6 / 8, 750e3 / 8)
"""As Lighthouse calls it."""

LAN = Network(0.005, 50e6 / 8, 50e6 / 8)
"""Somebody else's radio is in the same room."""

CHUNK = 2048
"""Bytes that a connection sends before the next one has its turn."""


class _Lane:
    """One direction: whoever comes waits for those before it."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._free = 0.0
        self.carried = 0

    async def carry(self, size: int) -> None:
        now = asyncio.get_running_loop().time()
        self._free = max(now, self._free) + size / self._rate
        self.carried += size
        await asyncio.sleep(self._free - now)


class Link:
    """A context: listens on a port of its own, and passes all on to the server's.

    Why not the throttling of DevTools: that holds each answer back by its latency, but makes
    connections at once and lets frames of a WebSocket go without any. Here the round trips of
    every connection count, and those of its handshake and first frames.

    Args:
        target: the server's port.
    """

    def __init__(self, target: int, network: Network = SLOW_4G) -> None:
        self._target = target
        self._network = network
        self._ports: queue.Queue[int] = queue.Queue()
        self._down = _Lane(network.down)
        self._up = _Lane(network.up)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="link")

    def __enter__(self) -> Link:
        self._thread.start()
        self.port = self._ports.get(timeout=10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    @property
    def received(self) -> int:
        """Bytes that have come from the server, heads and all."""
        return self._down.carried

    @property
    def sent(self) -> int:
        """Bytes that have gone to the server."""
        return self._up.carried

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        listener = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self._ports.put(listener.sockets[0].getsockname()[1])
        await self._stop.wait()
        # The ends of connections are still under way.
        await asyncio.sleep(2 * self._network.round_trip)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError):  # the link comes down before its users
            # Until the client would have the answer to its SYN.
            await asyncio.sleep(self._network.round_trip)
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
            ways = ((reader, far_writer, self._up), (far_reader, writer, self._down))
            await asyncio.gather(*(self._pump(*way) for way in ways))

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lane: _Lane
    ) -> None:
        under_way: deque[bytes] = deque()
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                await lane.carry(len(data))
                under_way.append(data)
                self._later(lambda: writer.write(under_way.popleft()))
        self._later(writer.close)

    def _later(self, arrive: Callable[[], None]) -> None:
        self._loop.call_later(self._network.round_trip / 2, arrive)
