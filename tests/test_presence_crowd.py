"""A crowd comes and goes: what is told of it grows with the people, not with their square."""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from raw import handshake
from running import DEADLINE, Running, serving
from typed import SUBPROTOCOL, Frame, Tab, frames, typed

LIMIT = 20
"""presenceLimit: up to so many people are told by name."""
BYTES_EACH = 8_192
"""What one of a crowd may get besides the messages: a welcome, some names, some counts."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("crowd")
    settings = {"maxUsers": 2000, "presenceLimit": LIMIT, "leaveGrace": 0}
    with serving(folder, history="memory:", **settings) as running:
        yield running


@pytest.mark.parametrize("people", [300, 1500])
def test_presence_grows_with_the_people(server: Running, people: int) -> None:
    """Names up to the limit, then a count each second; in the end all know how many they are."""
    room = f"crowd-{people}"
    begin = time.monotonic()
    with crowd(server.port, room) as joiners:
        joiners.enter(people)
        joiners.hear_of(people)
        seconds = time.monotonic() - begin
        heard = joiners.heard()

        told = Counter(frame["type"] for frames in heard for frame in frames)
        assert told["joined"] <= LIMIT * LIMIT
        assert told["left"] == 0
        allowed = LIMIT * LIMIT + people * (seconds + 2)
        assert told["joined"] + told["count"] <= allowed
        assert allowed < people * people / 4, "too slow a machine for the claim to mean anything"
        assert max(joiners.sizes()) < BYTES_EACH

        begin = time.monotonic()
        with staying(server, room) as stayer:
            joiners.leave(people // 2)
            while stayer.hear_notice("count")["users"] > people - people // 2 + 1:
                pass
            assert len(stayer.notices) <= time.monotonic() - begin + 2


@contextmanager
def staying(server: Running, room: str) -> Iterator[Tab]:
    stayer = Tab(server.port, "Stayer", room).connect_and_catch_up()
    try:
        yield stayer
    finally:
        stayer.close()


class Crowd:
    """Many sockets of the typed protocol, one thread."""

    def __init__(self, port: int, room: str) -> None:
        self.port = port
        self.room = room
        self.received: dict[socket.socket, bytearray] = {}
        self.selector = selectors.DefaultSelector()

    def enter(self, count: int) -> None:
        """Let so many connect, shake hands, say hello, and hear that they are there."""
        for _ in range(count):
            user = socket.create_connection(("127.0.0.1", self.port))
            self.received[user] = bytearray()
            user.sendall(handshake(Sec_WebSocket_Protocol=SUBPROTOCOL))
            user.setblocking(False)
            self.selector.register(user, selectors.EVENT_READ)
        self._hear(b"\r\n\r\n")
        for number, user in enumerate(self.received):
            user.send(typed(type="hello", userName=f"One of many {number}", room=self.room))
        self._hear(b'"live"')

    def hear_of(self, people: int) -> None:
        """Until the last thing that each has heard is that so many are there."""
        self._hear(b'"users":%d}' % people)

    def _hear(self, what: bytes) -> None:
        waiting = {user for user, received in self.received.items() if what not in received}
        while waiting:
            ready = self.selector.select(DEADLINE)
            assert ready, f"{len(waiting)} of {len(self.received)} do not hear {what!r}"
            for key, _ in ready:
                user = key.fileobj
                assert isinstance(user, socket.socket)
                data = user.recv(65536)
                assert data, "one is thrown out"
                self.received[user] += data
                if what in self.received[user]:
                    waiting.discard(user)

    def heard(self) -> list[list[Frame]]:
        """What each has heard so far."""
        return [list(frames(data.partition(b"\r\n\r\n")[2])) for data in self.received.values()]

    def sizes(self) -> list[int]:
        return [len(data) for data in self.received.values()]

    def leave(self, count: int) -> None:
        """Let so many go."""
        for user in list(self.received)[:count]:
            user.close()


@contextmanager
def crowd(port: int, room: str) -> Iterator[Crowd]:
    joiners = Crowd(port, room)
    try:
        yield joiners
    finally:
        joiners.selector.close()
        joiners.leave(len(joiners.received))
