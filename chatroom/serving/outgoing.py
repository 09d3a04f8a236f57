"""A client's socket, through which gunicorn sends responses: it is given up if it takes too little.

TCP's own timeout ends a client that takes nothing; one that takes a byte now and then, or sits
behind a Unix socket, would hold its thread, and one of the few places for long responses, for good.
"""

from __future__ import annotations

import errno
import fcntl
import select
import socket
import struct
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

RESPONSE_SECONDS, RESPONSE_PIECE = 20.0, 10_000
"""Whoever waits to send a response goes on as long as the client takes so many bytes in so many
seconds. The same rate as for bodies (``body_input.BODY_PIECE``); but a kernel may report 64 KB as
taken only when all of it is."""

TOO_SLOW = f"a client took less than {RESPONSE_PIECE} bytes in {RESPONSE_SECONDS:.0f} s"


class Outgoing(socket.socket):
    """A socket with a least rate for ``sendall``."""

    __slots__ = ("lull", "reader", "settle")
    reader: Callable[[], None] | None
    """What reads it to its end, on a thread of its own, once the thread of the request is done with
    it. That thread's; None if the request is answered."""
    settle: Callable[[], None] | None
    """To be called once the handshake is over: see ``Doorway``. Any thread."""
    lull: float
    """Seconds in which ``BODY_PIECE`` bytes of a body have to come, if whoever reads it has time;
    else 0. The request's thread's."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.reader = self.settle = None
        self.lull = 0.0

    @classmethod
    def of(cls, sock: socket.socket) -> Outgoing:
        """The same socket; ``sock`` itself is closed."""
        return cls(sock.family, sock.type, sock.proto, fileno=sock.detach())

    def setblocking(self, flag: bool) -> None:
        """gunicorn says it three times before each request; the kernel is told of changes alone."""
        if flag != self.getblocking():
            super().setblocking(flag)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all of it.

        Raises:
            TimeoutError: the client takes it too slowly.
        """
        if not self.getblocking():
            super().sendall(data, flags)
            return
        rest = memoryview(data)
        noted, since = 0, 0.0
        while True:
            with suppress(BlockingIOError):
                rest = rest[self.send(rest, flags | socket.MSG_DONTWAIT) :]
            if not rest:
                return
            # Without what the kernel still has: its buffer takes megabytes at once, and then
            # nothing until a third of it is free.
            taken, now = len(data) - len(rest) - self._unsent(), time.monotonic()
            if not since or taken - noted >= RESPONSE_PIECE:
                noted, since = taken, now
            elif now - since >= RESPONSE_SECONDS:
                raise TimeoutError(errno.ETIMEDOUT, TOO_SLOW)
            self._await_room(since + RESPONSE_SECONDS - now)

    def _unsent(self) -> int:
        """Bytes that the client's machine hasn't acknowledged yet; 0 if the kernel doesn't say."""
        with suppress(OSError):
            answer = fcntl.ioctl(self.fileno(), termios.TIOCOUTQ, b"\0" * 4)
            return int(struct.unpack("i", answer)[0])
        return 0

    def _await_room(self, seconds: float) -> None:
        poll = select.poll()
        poll.register(self, select.POLLOUT)
        poll.poll(max(1, int(seconds * 1000)))
