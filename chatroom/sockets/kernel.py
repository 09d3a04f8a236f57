"""What the kernel is told of a client's socket: how long to wait, and for how many bytes."""

from __future__ import annotations

import select
import socket
import struct
from contextlib import suppress

from chatroom.sockets import sending

SEND_PATIENCE = 1.0
"""Seconds that one blocking send may take, before the writer checks the clock."""


def set_timers(sock: socket.socket, receive_seconds: float) -> None:
    """Timeouts for ``recv`` and ``send``."""
    with suppress(OSError):  # macOS raises here when the peer is gone; recv will raise again
        set_receive_timer(sock, receive_seconds)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(SEND_PATIENCE))
        if sock.family == socket.AF_UNIX:  # a proxy on the same machine
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            stalled = int(sending.STALL_TIMEOUT * 1000)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, stalled)


def set_receive_timer(sock: socket.socket, seconds: float) -> None:
    """How long ``recv`` waits, before it raises BlockingIOError."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(seconds))


def is_readable_soon(sock: socket.socket) -> bool:
    """Whether ``recv`` would return within a second. On the reader thread: to set a timer for that
    would cost its stack one more page, 4 KiB for each user."""
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(1000))


def set_low_water(sock: socket.socket, size: int) -> None:
    """Linux wakes a reader only when this many bytes are there, or the connection has ended."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)


def _timeval(seconds: float) -> bytes:
    """C's ``struct timeval``."""
    return struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
