"""Many clients at once, read by one thread: so many of them threads could not be."""

from __future__ import annotations

import json
import resource
import selectors
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from chatroom.serving.demands import LEAST_WAITING
from tests.support.deadline import DEADLINE
from tests.support.typed_client import SUBPROTOCOL, Fields, frames, typed_frame
from tests.support.websocket_client import TEXT, encode, handshake

CROWD = 2000
"""The most that a test lets in."""

SPARE = 288
"""Descriptors that a process needs besides one for each of many clients, be it theirs or the
server's, which keeps 256 for itself."""


def at_most(wanted: int) -> int:
    """So many clients, or as many as the hard limit on descriptors allows; raises the soft one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= wanted + SPARE:
        if soft != resource.RLIM_INFINITY and soft < wanted + SPARE:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted + SPARE, hard))
        return wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard - SPARE


class ManyClients:
    """Sockets under ``/chat``, and all that each has received."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.received: dict[socket.socket, bytearray] = {}
        self._selector = selectors.DefaultSelector()

    def enter(self, count: int) -> None:
        """Let so many more connect, shake hands and join in silence."""
        join = encode(TEXT, json.dumps({"userName": "One of many"}).encode())
        for _, client in self._connect(count, handshake()):
            client.send(join)

    def enter_typed(self, count: int, room: str) -> None:
        """Let so many more say hello in the typed protocol, and hear that they are there."""
        request = handshake(Sec_WebSocket_Protocol=SUBPROTOCOL)
        for number, client in self._connect(count, request):
            client.send(typed_frame(type="hello", userName=f"One of many {number}", room=room))
        self.hear(b'"live"')

    def _connect(self, count: int, request: bytes) -> Iterator[tuple[int, socket.socket]]:
        """Each with its number, as soon as it has shaken hands: a hello has to come soon."""
        for begin in range(0, count, LEAST_WAITING):  # of more, a busy server drops some
            more = [
                (number, self._ask(request))
                for number in range(begin, min(begin + LEAST_WAITING, count))
            ]
            self.hear(b"HTTP/1.1 101 ")
            self.hear(b"\r\n\r\n")
            yield from more

    def _ask(self, request: bytes) -> socket.socket:
        client = socket.socket()
        self.received[client] = bytearray()
        client.connect(("127.0.0.1", self.port))
        client.sendall(request)
        client.setblocking(False)
        self._selector.register(client, selectors.EVENT_READ)
        return client

    def hear(self, what: bytes) -> None:
        """Wait until each has received it."""
        waiting = {client for client, received in self.received.items() if what not in received}
        while waiting:
            ready = self._selector.select(DEADLINE)
            assert ready, f"{len(waiting)} of {len(self.received)} do not hear {what!r}"
            for key, _ in ready:
                client = key.fileobj
                assert isinstance(client, socket.socket)
                data = client.recv(65536)
                assert data, "one is thrown out"
                self.received[client] += data
                if what in self.received[client]:
                    waiting.discard(client)

    def frames(self) -> list[list[Fields]]:
        """The text frames that each has received so far."""
        return [list(frames(data.partition(b"\r\n\r\n")[2])) for data in self.received.values()]

    def sizes(self) -> list[int]:
        """The bytes that each has received so far."""
        return [len(data) for data in self.received.values()]

    def leave(self, count: int) -> None:
        """Let so many go."""
        for client in list(self.received)[:count]:
            client.close()

    def close(self) -> None:
        self._selector.close()
        self.leave(len(self.received))


@contextmanager
def many_clients(port: int) -> Iterator[ManyClients]:
    """Those who come in the course of a block, and have gone behind it."""
    clients = ManyClients(port)
    try:
        yield clients
    finally:
        clients.close()
