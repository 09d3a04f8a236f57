"""How each peer wants to be spoken to: the way in, and how a message is wrapped."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.load.messages import BODY, NUMBER
from benchmarks.load.wire import client_frame


@dataclass(frozen=True)
class Adapter:
    """One way to speak to a server.

    Whatever a server sends, a delivery is one ``MARKER``, and ``end`` is the last byte of a
    frame of messages: a chunk of bytes that ends with it ends in no marker's middle.
    """

    path: str
    steps: tuple[tuple[bytes, bytes | Callable[[str], bytes]], ...] = ()
    """After the 101: wait for the first, answer the second (either may be empty). Where names have
    to differ, it is made from one."""
    subprotocol: str = ""
    prefix: bytes = b""
    suffix: bytes = b""
    end: int = ord("}")
    ping: bytes = b""
    """The application's own ping, a whole frame; WebSocket's are answered anyway."""
    pong: bytes = b""
    is_socket: bool = True
    """The way in is a WebSocket's; else it is a GET, whose response goes on and on."""

    def wrap(self, said: bytes) -> bytes:
        """The payload of a text frame that says this JSON of ``messages.payload``."""
        return self.prefix + said + self.suffix


class _Typed(Adapter):
    """Who speaks was said in the hello; each message has a number of the client's own."""

    def wrap(self, said: bytes) -> bytes:
        return b'{"type":"message","cmid":"%s",%s' % (said[NUMBER], said[BODY:])


def _hello(name: str) -> bytes:
    return client_frame(json.dumps({"type": "hello", "userName": name}).encode())


PLAIN = Adapter("/chat")
"""Whoever connects is in."""

CHAT = Adapter("/chat", steps=((b"", client_frame(b'{"userName":"listener"}')),))
"""The chat room: the first frame joins; without a body, it does so in silence."""

TYPED = _Typed("/chat", steps=((b"", _hello),), subprotocol="chatroom.v1")
"""The chat room as its page speaks to it."""

EVENTS = Adapter(
    "/api/rooms/lobby/events",
    steps=((b"event: live", b""),),
    end=ord("\n"),
    is_socket=False,
)
"""The chat room's messages as Server-Sent Events. Whoever is live hears what comes."""

SOCKETIO = Adapter(
    "/socket.io/?EIO=4&transport=websocket",
    steps=((b"0{", client_frame(b"40")), (b"40{", b"")),
    prefix=b'42["message",',
    suffix=b"]",
    end=ord("]"),
    ping=b"\x81\x012",
    pong=client_frame(b"3"),
)
"""Engine.IO 4 and Socket.IO 5: packet 0 opens, 40 connects, 42 is an event, 2 and 3 are ping
and pong. Source: socket.io/docs/v4/engine-io-protocol and socket-io-protocol."""
