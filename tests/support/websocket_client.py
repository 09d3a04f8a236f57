"""A WebSocket client on a bare socket: it can send what no honest client would."""

from __future__ import annotations

import http.client
import json
import os
import socket
import struct
from typing import Any, NamedTuple

from tests.support.deadline import DEADLINE

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
CONTINUATION = 0x0
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


class Refused(Exception):
    """The server's answer to a handshake is another than 101; ``args[0]`` is its head."""


class RawFrame(NamedTuple):
    """A frame from the server."""

    opcode: int
    payload: bytes


def handshake(
    room: str | None = None,
    *,
    line: str | None = None,
    without: tuple[str, ...] = (),
    **headers: str,
) -> bytes:
    """The bytes of a good handshake (RFC 6455, section 4.1), but for what the arguments change."""
    query = f"?room={room}" if room else ""
    fields = {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [line or f"GET /chat{query} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in fields.items() if name not in without]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def answer(port: int, request: bytes) -> tuple[int, dict[str, str], str]:
    """Status, headers in lower case, and body that raw bytes get."""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
        connection.sendall(request)
        reply = http.client.HTTPResponse(connection)
        with reply:
            reply.begin()
            headers = {name.lower(): value for name, value in reply.getheaders()}
            body = b"" if reply.status == 101 else reply.read()
            return reply.status, headers, body.decode(errors="replace")


def encode(
    opcode: int, payload: bytes = b"", *, final: bool = True, masked: bool = True, reserved: int = 0
) -> bytes:
    """A frame as a client sends it."""
    size = len(payload)
    head = bytes([final << 7 | reserved << 4 | opcode])
    flag = masked << 7
    if size < 126:
        head += bytes([flag | size])
    elif size < 65536:
        head += struct.pack("!BH", flag | 126, size)
    else:
        head += struct.pack("!BQ", flag | 127, size)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    pad = (mask * (size // 4 + 1))[:size]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")
    return head + mask + mixed.to_bytes(size, "big")


def line_of_chat(name: str, body: str) -> bytes:
    """The payload that says ``body``."""
    return json.dumps({"userName": name, "body": body, "timestamp": "10:42 AM"}).encode()


class RawClient:
    """A socket under ``/chat`` whose every byte is the test's own.

    Args:
        port: the server's, on 127.0.0.1.
        room: its name; None for the default one.
        receive_buffer: bytes that the kernel may take for a client who does not read.
        headers: of the handshake, besides its own.

    Raises:
        Refused: the answer is no socket.
    """

    def __init__(
        self, port: int, room: str | None = None, *, receive_buffer: int = 0, **headers: str
    ) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(DEADLINE)
        self._received = bytearray()
        try:
            if receive_buffer:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            self.socket.connect(("127.0.0.1", port))
            self.socket.sendall(handshake(room, **headers))
            while (end := self._received.find(b"\r\n\r\n")) < 0:
                self._read()
            head = bytes(self._received[:end])
            if not head.startswith(b"HTTP/1.1 101 "):
                raise Refused(head)
            del self._received[: end + 4]
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.socket.close()

    # -- out -----------------------------------------------------------------------------------

    def send(self, *frames: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(b"".join(frames))

    def join(self, name: str) -> None:
        """Join without a word."""
        self.send(encode(TEXT, json.dumps({"userName": name}).encode()))

    def say(self, name: str, *bodies: str) -> None:
        self.send(*(encode(TEXT, line_of_chat(name, body)) for body in bodies))

    def reset(self) -> None:
        """Go without a goodbye: the server gets a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    # -- in ------------------------------------------------------------------------------------

    def _read(self, size: int = 65536) -> None:
        data = self.socket.recv(size)
        if not data:
            raise EOFError("the server is gone")
        self._received += data

    def frame(self, read_size: int = 65536) -> RawFrame:
        """The next frame, checked for all that a server must not do.

        Raises:
            EOFError, OSError: there is none any more.
        """
        first, second = self._take(2, read_size)
        assert first & 0xF0 == 0x80, f"a fragment or reserved bits: {first:#04x}"
        assert not second & 0x80, "a masked frame from a server"
        assert first & 0x0F in (TEXT, CLOSE, PING, PONG), f"opcode of no frame: {first:#04x}"
        size = second
        if size == 126:
            (size,) = struct.unpack("!H", self._take(2, read_size))
            assert size > 125, "not the shortest length"
        elif size == 127:
            (size,) = struct.unpack("!Q", self._take(8, read_size))
            assert size > 65535, "not the shortest length"
        return RawFrame(first & 0x0F, self._take(size, read_size))

    def _take(self, size: int, read_size: int) -> bytes:
        while len(self._received) < size:
            self._read(read_size)
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken

    def message(self) -> dict[str, Any]:
        """The next message; pings are passed over."""
        while (frame := self.frame()).opcode == PING:
            pass
        assert frame.opcode == TEXT, frame
        message: dict[str, Any] = json.loads(frame.payload)
        return message

    def closed_with(self) -> tuple[int, str]:
        """Code and reason of the server's Close, whatever came before it."""
        while (frame := self.frame()).opcode != CLOSE:
            pass
        return struct.unpack("!H", frame.payload[:2])[0], frame.payload[2:].decode()

    def answer_close(self) -> tuple[int, str]:
        """As ``closed_with``; then say goodbye too, and hang up."""
        closed = self.closed_with()
        self.send(encode(CLOSE, struct.pack("!H", closed[0])))
        self.socket.close()
        return closed
