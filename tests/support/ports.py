"""Ports that a test keeps for itself, whether a server listens there at the moment or not."""

from __future__ import annotations

import functools
import socket
import weakref


class Port:
    """A port of this machine that nobody else gets, as long as this object lives.

    It is bound here, and not listened on: clients are refused until a server comes. With
    SO_REUSEADDR on both sockets Linux lets a server bind it too, again and again, which every
    server does; but it gives the port to nobody who asks for any free one. So a server under
    test opens its port by itself, as it does for its users, and finds it free each time.

    Source: net/ipv4/inet_connection_sock.c, ``inet_csk_bind_conflict``, ``relax``.
    """

    def __init__(self) -> None:
        bound = socket.socket()
        weakref.finalize(self, bound.close)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", 0))
        self.number: int = bound.getsockname()[1]


@functools.cache
def idle_port() -> Port:
    """One on which nobody listens, for all tests of this process."""
    return Port()
