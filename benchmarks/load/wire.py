"""A WebSocket client's bytes, made by hand: RFC 6455, sections 4.1 and 5.2."""

from __future__ import annotations

import base64
import os
import struct

TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A


def handshake(path: str, port: int, subprotocol: str = "") -> bytes:
    """The request that opens a socket; it offers no extension and has no Origin."""
    key = base64.b64encode(os.urandom(16)).decode()
    offer = (f"Sec-WebSocket-Protocol: {subprotocol}",) if subprotocol else ()
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        *offer,
        "",
        "",
    )
    return "\r\n".join(lines).encode()


def get(path: str, port: int) -> bytes:
    """The request for a response that goes on and on."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()


class Masker:
    """Frames of payloads that all have the same length: the header and the mask are made once.

    Args:
        length: bytes of each payload.
        opcode: the first byte of each frame.
    """

    def __init__(self, length: int, opcode: int = TEXT) -> None:
        key = os.urandom(4)
        self.length = length
        self._mask = int.from_bytes((key * (length // 4 + 1))[:length], "little")
        if length < 126:
            self._head = struct.pack("!BB", opcode, 0x80 | length) + key
        elif length < 65536:
            self._head = struct.pack("!BBH", opcode, 0x80 | 126, length) + key
        else:
            self._head = struct.pack("!BBQ", opcode, 0x80 | 127, length) + key

    def frame(self, payload: bytes) -> bytes:
        """The whole frame."""
        masked = int.from_bytes(payload, "little") ^ self._mask
        return self._head + masked.to_bytes(self.length, "little")


def client_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One masked frame."""
    return Masker(len(payload), opcode).frame(payload)


def server_frame(payload: bytes) -> bytes:
    """One unmasked text frame of less than 64 KiB, as a server makes it."""
    size = len(payload)
    head = bytes((TEXT, size)) if size < 126 else struct.pack("!BBH", TEXT, 126, size)
    return head + payload
