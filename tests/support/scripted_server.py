"""A server that plays a script: each connection gets the next function, and does what it says.

So a test of the client decides what breaks, and when.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from tests.support.deadline import DEADLINE
from tests.support.websocket_client import TEXT, encode

SUBPROTOCOL = "chatroom.v1"
NONCE = "0123456789abcdef"

Script = Callable[["ServerEnd"], None]


def line(seq: int, body: str = "", **more: Any) -> dict[str, Any]:
    """A message as the server sends it: the one frame without a type."""
    return {
        "userName": "Bob",
        "body": body or f"message {seq}",
        "timestamp": "10:42 AM",
        "id": f"{seq}-{NONCE}",
        "room": "lobby",
        "sentAt": "2026-01-31T09:05:00.123Z",
        **more,
    }


def welcome(**more: Any) -> dict[str, Any]:
    return {
        "type": "welcome",
        "room": "lobby",
        "userId": "ann-id",
        "userName": "Ann",
        "token": "ann-token",
        "users": [{"userId": "ann-id", "userName": "Ann"}],
        "last": "0-0",
        "limits": {"maxMessageBytes": 1000, "maxNameLength": 64},
        **more,
    }


class ServerEnd:
    """The server's end of one connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.hello: dict[str, Any] = {}

    def send(self, *frames: dict[str, Any]) -> None:
        for frame in frames:
            self.connection.send(json.dumps(frame))

    def hear(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(self.connection.recv(DEADLINE))
        return frame

    def greet(self, *frames: dict[str, Any], **more: Any) -> None:
        """Take the hello, say welcome, send the past, and go live."""
        self.hello = self.hear()
        self.send(welcome(**more), *frames, {"type": "live"})

    def store(self, seq: int) -> dict[str, Any]:
        """Take a message, and say that it is stored."""
        frame = self.hear()
        self.send(line(seq, frame["body"], userId="ann-id", cmid=frame["cmid"]))
        with contextlib.suppress(ConnectionClosed):  # the line tells the client enough to go
            self.send({"type": "ack", "cmid": frame["cmid"], "id": f"{seq}-{NONCE}"})
        return frame

    def close(self, code: int, reason: str = "") -> None:
        self.connection.close(code, reason)

    def cut(self) -> None:
        """Hang up without a goodbye."""
        self.connection.socket.shutdown(socket.SHUT_RDWR)

    def stay(self) -> None:
        """Read on until the client has gone."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.connection.recv(DEADLINE)


class ScriptedServer:
    """Plays ``scripts``, one to a connection; the last one again and again."""

    def __init__(
        self,
        *scripts: Script,
        subprotocol: str | None = SUBPROTOCOL,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._scripts = scripts
        self.peers: list[ServerEnd] = []
        self.errors: list[BaseException] = []
        self._playing: list[threading.Thread] = []
        self._server = serve(
            self._play,
            "127.0.0.1",
            0,
            subprotocols=[Subprotocol(subprotocol)] if subprotocol else None,
            compression=None,
            ssl=tls,
            ping_interval=None,
            max_size=None,
            close_timeout=DEADLINE,
        )
        self.port: int = self._server.socket.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="fake server")

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join(DEADLINE)
        for peer in self.peers:
            with contextlib.suppress(OSError):
                peer.cut()
        for thread in self._playing:  # what a script notes last is there when the block ends
            thread.join(DEADLINE)
        assert kind or not self.errors, self.errors

    @property
    def hellos(self) -> list[dict[str, Any]]:
        return [peer.hello for peer in self.peers]

    def _play(self, connection: ServerConnection) -> None:
        self._playing.append(threading.current_thread())
        peer = ServerEnd(connection)
        script = self._scripts[min(len(self.peers), len(self._scripts) - 1)]
        self.peers.append(peer)
        try:
            script(peer)
        except ConnectionClosed:
            return
        except BaseException as error:
            self.errors.append(error)


class SilentServer:
    """A server that says welcome and falls silent: it reads nothing, and answers no ping."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.sockets: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, name="silent server")

    def __enter__(self) -> SilentServer:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(DEADLINE)
        for accepted in self.sockets:
            accepted.close()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            self.sockets.append(accepted)
            with contextlib.suppress(OSError):  # a client that has gone again
                self._welcome(accepted)

    def _welcome(self, accepted: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            if not (data := accepted.recv(65536)):
                return
            request += data
        start = request.lower().index(b"sec-websocket-key: ") + 19
        key = request[start : start + 24]
        digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        head = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Protocol: chatroom.v1\r\n"
            f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}\r\n\r\n"
        )
        # In one piece: what comes together with the answer must not wait for more.
        frame = encode(TEXT, json.dumps(welcome()).encode(), masked=False)
        accepted.sendall(head.encode() + frame)
