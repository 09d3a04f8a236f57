"""The way in: TCP, handshake, and what the adapter's server wants before it listens."""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from collections.abc import Callable, Iterable, Iterator

from benchmarks.load.adapters import Adapter
from benchmarks.load.wire import get, handshake

IP_BIND_ADDRESS_NO_PORT = 24  # linux/in.h; Python has no name for it before 3.13
BURST = 48
"""Handshakes under way at once: below the shortest backlog of the peers, asyncio's 100."""


class ArrivalError(Exception):
    """A server did not let a client in; says why, in words for the report."""


class _Newcomer:
    """One connection on its way in."""

    def __init__(self, sock: socket.socket, name: str) -> None:
        self.sock = sock
        self.name = name
        self.received = bytearray()
        self.step = -1  # the handshake's answer is outstanding


class Arrivals:
    """Brings ``count`` connections in, ``BURST`` at a time.

    Args:
        port: on 127.0.0.1.
        adapter: the server's.
        source: the clients' own address, so that 28,000 ports suffice for each group.
        done: takes each socket that is in, the bytes that came behind its handshake, and its name.
        receive_buffer: bytes, for clients that are to stop reading; 0 for the kernel's own.
        names: of those who come; at random where there are none.
    """

    def __init__(
        self,
        port: int,
        adapter: Adapter,
        source: str,
        done: Callable[[socket.socket, bytes, str], None],
        receive_buffer: int = 0,
        names: Iterable[str] = (),
    ) -> None:
        self._port = port
        self._adapter = adapter
        self._source = source
        self._done = done
        self._receive_buffer = receive_buffer
        self._names = iter(names)
        self._epoll = select.epoll()
        self._newcomers: dict[int, _Newcomer] = {}
        self.arrived = 0

    def bring(self, count: int, deadline: float) -> Iterator[None]:
        """Go on with it, and yield now and then, so that the caller serves those who are in.

        Raises:
            ArrivalError: refused, or not all in by ``deadline`` (``time.monotonic()``).
        """
        goal, started = self.arrived + count, self.arrived
        while self.arrived < goal:
            while len(self._newcomers) < BURST and started < goal:
                self._start()
                started += 1
            if time.monotonic() > deadline:
                raise ArrivalError(f"{self.arrived} of {goal} users were in at the deadline")
            for fd, _ in self._epoll.poll(0.005):
                self._go_on(fd)
            yield

    def close(self) -> None:
        """Give up on those who are not in."""
        for newcomer in self._newcomers.values():
            newcomer.sock.close()
        self._epoll.close()

    def _start(self) -> None:
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        if self._receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        sock.bind((self._source, 0))
        failed = sock.connect_ex(("127.0.0.1", self._port))
        if failed not in (0, errno.EINPROGRESS):
            sock.close()
            raise ArrivalError(f"connect: {errno.errorcode[failed]}")
        name = next(self._names, "") or f"listener {os.urandom(6).hex()}"
        self._newcomers[sock.fileno()] = _Newcomer(sock, name)
        self._epoll.register(sock.fileno(), select.EPOLLOUT)

    def _go_on(self, fd: int) -> None:
        newcomer = self._newcomers[fd]
        try:
            if newcomer.step == -1 and not newcomer.received:
                newcomer.received += b" "  # it is sent once; the answer comes behind this
                newcomer.sock.send(self._request())
                self._epoll.modify(fd, select.EPOLLIN)
                return
            data = newcomer.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            raise ArrivalError(f"handshake: {error.strerror}") from None
        newcomer.received += data
        if not data:
            raise ArrivalError(f"refused: {_first_line(newcomer.received)}")
        self._take_steps(newcomer)

    def _request(self) -> bytes:
        if not self._adapter.is_socket:
            return get(self._adapter.path, self._port)
        return handshake(self._adapter.path, self._port, self._adapter.subprotocol)

    def _take_steps(self, newcomer: _Newcomer) -> None:
        received = newcomer.received
        if newcomer.step == -1:
            head, blank, rest = bytes(received).partition(b"\r\n\r\n")
            if not blank:
                return
            welcome = b" 101 " if self._adapter.is_socket else b" 200 "
            if welcome not in head.split(b"\r\n")[0]:
                raise ArrivalError(f"refused: {_first_line(received)}")
            received[:] = rest
            newcomer.step = 0
        while newcomer.step < len(self._adapter.steps):
            wanted, answer = self._adapter.steps[newcomer.step]
            at = received.find(wanted)
            if at < 0:
                return
            del received[: at + len(wanted)]
            if callable(answer):
                answer = answer(newcomer.name)
            if answer:
                newcomer.sock.send(answer)
            newcomer.step += 1
        self._epoll.unregister(newcomer.sock.fileno())
        del self._newcomers[newcomer.sock.fileno()]
        self.arrived += 1
        self._done(newcomer.sock, bytes(received), newcomer.name)


def _first_line(received: bytes | bytearray) -> str:
    lines = bytes(received).strip().split(b"\r\n")
    return lines[0].decode(errors="replace") or "closed without a word"
