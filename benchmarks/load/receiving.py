"""Reading, as fast as Python can: one recv and one count for each chunk of bytes."""

from __future__ import annotations

import select
import socket
import time
import zlib
from array import array
from collections.abc import Callable, Iterable
from typing import Protocol

from benchmarks.load.adapters import Adapter
from benchmarks.load.messages import MARKER, STAMP, STAMP_LENGTH
from benchmarks.load.wire import CLOSE, PING, PONG, TEXT, client_frame

BUFFER = 256 * 1024
CARRY = len(MARKER) - 1


class Watcher(Protocol):
    """Looks at all that a socket receives."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""


class Finder:
    """Counts a needle in a stream; ``found`` so far.

    Args:
        needle: the bytes to count.
        found: where to begin.
    """

    def __init__(self, needle: bytes, found: int = 0) -> None:
        self._needle = needle
        self._rest = b""
        self.found = found

    def feed(self, data: bytes) -> None:
        """Count on; a needle may lie across two chunks."""
        whole = self._rest + data
        self.found += whole.count(self._needle)
        self._rest = whole[1 - len(self._needle) :]  # too short to hold a whole one


class Sampler:
    """Times each delivery on a socket, and keeps a sum of their order."""

    def __init__(self) -> None:
        self.sent = array("q")
        self.delays = array("q")
        self.senders = array("H")
        self.order = 0
        """Equal for two sockets that have heard the same messages in the same order."""
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Read the stamps."""
        now = time.monotonic_ns()
        whole = self._rest + data
        end = 0
        for match in STAMP.finditer(whole):
            sent = int(match[3])
            self.sent.append(sent)
            self.delays.append(now - sent)
            self.senders.append(int(match[1]))
            self.order = zlib.crc32(match[0], self.order)
            end = match.end()
        self._rest = whole[max(end, len(whole) - STAMP_LENGTH + 1) :]


class Receiver:
    """The connections of one process: counts what each has heard, answers pings."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self._epoll = select.epoll()
        self._buffer = bytearray(BUFFER)
        self._carry: dict[int, bytes] = {}
        self.sockets: dict[int, socket.socket] = {}
        self.counts: dict[int, int] = {}
        self.watchers: dict[int, list[Watcher]] = {}
        self.lost: list[str] = []
        """Why connections ended."""
        self._recv_into: dict[int, Callable[[bytearray], int]] = {}

    def add(self, sock: socket.socket, data: bytes = b"", _name: str = "") -> None:
        """Read this socket from now on; ``data`` came before."""
        fd = sock.fileno()
        self.sockets[fd] = sock
        self._recv_into[fd] = sock.recv_into
        self.counts[fd] = 0
        self._buffer[: len(data)] = data
        if data:
            self._count(fd, len(data))
        self._epoll.register(fd, select.EPOLLIN)

    def fileno(self) -> int:
        """Readable when a socket is: select() waits with microseconds, epoll with milliseconds."""
        return self._epoll.fileno()

    def pump(self, timeout: float) -> int:
        """Read once from each socket that has something; return how many those were."""
        events = self._epoll.poll(timeout)
        recv_into, buffer = self._recv_into, self._buffer
        for fd, _ in events:
            try:
                size = recv_into[fd](buffer)
            except BlockingIOError:
                continue
            except OSError as error:
                self._end(fd, error.strerror or "broken")
                continue
            if size:
                self._count(fd, size)
            else:
                self._end(fd, "closed by the server")
        return len(events)

    def _count(self, fd: int, size: int) -> None:
        buffer = self._buffer
        count = buffer.count(MARKER, 0, size)
        if carry := self._carry.pop(fd, None):
            count += (carry + buffer[: min(size, CARRY)]).count(MARKER)
        self.counts[fd] += count
        if buffer[size - 1] != self._adapter.end:
            self._carry[fd] = ((carry or b"") + bytes(buffer[max(0, size - CARRY) : size]))[-CARRY:]
        if watchers := self.watchers.get(fd):
            data = bytes(memoryview(buffer)[:size])
            for watcher in watchers:
                watcher.feed(data)
        if buffer[0] != TEXT or size == len(self._adapter.ping):
            self._control(fd, bytes(memoryview(buffer)[: min(size, 160)]))

    def _control(self, fd: int, data: bytes) -> None:
        """Answer a ping that comes alone, as it does while nobody speaks."""
        answer = b""
        if data == self._adapter.ping:
            answer = self._adapter.pong
        elif data[0] == PING and len(data) >= 2 and data[1] <= 125:
            answer = client_frame(data[2 : 2 + data[1]], PONG)
        elif data[0] == CLOSE and len(data) >= 4:
            self.lost.append(f"Close {int.from_bytes(data[2:4], 'big')}")
        if answer:
            try:
                self.sockets[fd].send(answer)
            except OSError as error:
                self.lost.append(f"pong: {error.strerror}")

    def _end(self, fd: int, why: str) -> None:
        self.lost.append(why)
        self._epoll.unregister(fd)
        self.sockets.pop(fd).close()
        del self._recv_into[fd]

    def reset(self) -> None:
        """Count from 0; nobody watches any more. Only while nothing is under way."""
        self.counts = dict.fromkeys(self.counts, 0)
        self.watchers.clear()

    def watch(self, fds: Iterable[int], watchers: Iterable[Watcher]) -> None:
        """Let each socket's bytes be seen by one more watcher."""
        for fd, watcher in zip(fds, watchers, strict=True):
            self.watchers.setdefault(fd, []).append(watcher)

    def spread(self, number: int) -> list[int]:
        """``number`` of the sockets, evenly over the order in which they came."""
        fds = list(self.sockets)
        number = min(number, len(fds))
        return [fds[int((i + 0.5) * len(fds) / number)] for i in range(number)]

    def close(self) -> None:
        """Close every connection."""
        for sock in self.sockets.values():
            sock.close()
        self._epoll.close()
