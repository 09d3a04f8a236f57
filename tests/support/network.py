"""A bad network: a TCP proxy that delays, cuts, freezes and resets what goes through it."""

from __future__ import annotations

import errno
import selectors
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from tests.support.deadline import DEADLINE

CHUNK = 65536
PIPE_BYTES = 256 * 1024
"""What one direction holds; beyond it the proxy does not read, and TCP pushes back."""


@dataclass(frozen=True)
class Fate:
    """What happens to one direction of a connection."""

    delay: float = 0.0
    """Seconds that each chunk stays in the proxy."""
    cut_after: int | None = None
    """Bytes that get through; then both directions end."""
    reset: bool = False
    """How a cut ends: with a reset, or as if both sides had closed."""
    freeze_after: int | None = None
    """Bytes that get through; after them this direction stands still, and nobody is told."""


FINE = Fate()


class Pipe:
    """One direction. The proxy's thread owns it; ``passed`` and ``frozen`` any thread may read."""

    def __init__(self, source: socket.socket, sink: socket.socket, fate: Fate) -> None:
        self.source = source
        self.sink = sink
        self.fate = fate
        self.passed = 0
        self.frozen = fate.freeze_after == 0
        self.read_end = False  # the source has said its last
        self.wrote_end = False
        self.size = 0
        self._chunks: deque[tuple[float, bytes]] = deque()  # when it is due, and what

    def wants_to_read(self) -> bool:
        return not (self.frozen or self.read_end) and self.size < PIPE_BYTES

    def due(self) -> float | None:
        """When there is something to write; None: not before more is read."""
        if self.frozen or self.wrote_end:
            return None
        if self._chunks:
            return self._chunks[0][0]
        return 0.0 if self.read_end else None

    def read(self) -> None:
        data = self.source.recv(CHUNK)
        if data:
            self._chunks.append((time.monotonic() + self.fate.delay, data))
            self.size += len(data)
        else:
            self.read_end = True

    def write(self) -> None:
        """Write one chunk, or the end of the stream."""
        if not self._chunks:
            self.sink.shutdown(socket.SHUT_WR)
            self.wrote_end = True
            return
        due, data = self._chunks.popleft()
        sent = self._send(data)
        if sent < len(data):
            self._chunks.appendleft((due, data[sent:]))
        self.passed += sent
        self.size -= sent
        if self.passed == self.fate.freeze_after:
            self.frozen = True

    def _send(self, data: bytes) -> int:
        """How many bytes the sink took; no limit of this fate is passed over."""
        limits = (self.fate.cut_after, self.fate.freeze_after)
        allowed = min((n - self.passed for n in limits if n and n > self.passed), default=CHUNK)
        try:
            return self.sink.send(data[:allowed])
        except BlockingIOError:
            return 0

    def is_cut(self) -> bool:
        return self.passed == self.fate.cut_after


class Link:
    """One client's connection through the proxy.

    Every method takes effect in the proxy's thread; when it returns, it has.
    """

    def __init__(
        self,
        proxy: Proxy,
        client: socket.socket,
        address: tuple[str, int],
        server: socket.socket,
        up: Fate,
        down: Fate,
    ) -> None:
        self._proxy = proxy
        self.address = address
        self.client = client
        self.server = server
        self.up = Pipe(client, server, up)
        self.down = Pipe(server, client, down)
        self.over = False

    def freeze(self, *pipes: Pipe) -> None:
        """Let these directions stand still (``link.up``, ``link.down``; both when none is said).

        Whoever sends into one notices nothing until its buffers are full, and a peer that
        goes away is not seen by the other: its connection is half-open.
        """
        self._proxy.do(lambda: self._set_frozen(pipes, True))

    def thaw(self, *pipes: Pipe) -> None:
        """Let them flow again, from where they stood."""
        self._proxy.do(lambda: self._set_frozen(pipes, False))

    def reset(self) -> None:
        """End both sides with a reset."""
        self._proxy.do(lambda: self._proxy.end(self, reset=True))

    def close(self) -> None:
        """End both sides with a plain end of stream, in the middle of whatever there was."""
        self._proxy.do(lambda: self._proxy.end(self, reset=False))

    def _set_frozen(self, pipes: tuple[Pipe, ...], frozen: bool) -> None:
        for pipe in pipes or (self.up, self.down):
            pipe.frozen = frozen


class Proxy:
    """Listens on ``port`` and passes everything on to ``target``, another port of 127.0.0.1.

    Args:
        target: the server's port. A server that is away means a reset.
        fates: called in the proxy's thread for each connection: the fates of what the client
            sends and of what it gets. May be set at any time.
        buffer: bytes that the kernel keeps of each direction at either end; otherwise it may be
            megabytes.
    """

    def __init__(
        self,
        target: int,
        fates: Callable[[], tuple[Fate, Fate]] | None = None,
        buffer: int | None = None,
    ) -> None:
        self.target = target
        self.buffer = buffer
        self.fates = fates or (lambda: (FINE, FINE))
        self.accepted = 0
        self.links: dict[tuple[str, int], Link] = {}
        """The connections that live, by their client's address. The proxy's thread's."""
        self._orders: deque[tuple[Callable[[], None], threading.Event]] = deque()
        self._wakened, self._waker = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port: int = self._listener.getsockname()[1]
        for listening in (self._listener, self._wakened):
            listening.setblocking(False)
            self._selector.register(listening, selectors.EVENT_READ)
        self._watched: dict[socket.socket, int] = {}
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="proxy")

    # -- any thread ----------------------------------------------------------------------------

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Reset every connection and end the thread; idempotent."""
        self._stopped = True
        with suppress(OSError):  # closed already
            self._waker.send(b"!")
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive(), "the proxy does not end"

    def do(self, order: Callable[[], None]) -> None:
        """Have the proxy's thread do it, and wait until it has."""
        done = threading.Event()
        self._orders.append((order, done))
        self._waker.send(b"!")
        assert done.wait(DEADLINE), "the proxy does not answer"

    def link(self, client: socket.socket) -> Link:
        """The connection that this client's socket has through the proxy."""
        address = client.getsockname()
        found: list[Link] = []
        self.do(lambda: found.extend(filter(None, [self.links.get(address)])))
        assert found, f"no connection of {address}"
        return found[0]

    def each(self, act: Callable[[Link], None]) -> None:
        """Have the proxy's thread do it with every connection that lives."""

        def act_on_each() -> None:
            for link in list(self.links.values()):
                act(link)

        self.do(act_on_each)

    def close_all(self) -> None:
        """End every connection."""
        self.each(lambda link: self.end(link, reset=False))

    # -- the proxy's thread --------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._stopped:
                self._step()
        finally:
            for link in list(self.links.values()):
                self.end(link, reset=True)
            for last in (self._listener, self._wakened, self._waker, self._selector):
                last.close()

    def _step(self) -> None:
        ready = dict(self._selector.select(self._watch()))
        for key, events in ready.items():
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is self._wakened:
                self._obey()
            elif not key.data.over:
                self._serve(key.data, key.fileobj, events)

    def _watch(self) -> float | None:
        """Register what each socket is waited for; seconds until the next chunk is due."""
        now = time.monotonic()
        soonest: float | None = None
        for link in self.links.values():
            wanted = {link.client: 0, link.server: 0}
            for pipe in (link.up, link.down):
                if pipe.wants_to_read():
                    wanted[pipe.source] |= selectors.EVENT_READ
                if (due := pipe.due()) is None:
                    continue
                if due <= now:
                    wanted[pipe.sink] |= selectors.EVENT_WRITE
                elif soonest is None or due < soonest:
                    soonest = due
            for end, events in wanted.items():
                self._register(end, events, link)
        return None if soonest is None else soonest - now

    def _register(self, end: socket.socket, events: int, link: Link) -> None:
        before = self._watched.get(end, 0)
        if events == before:
            return
        if not events:
            self._selector.unregister(end)
            del self._watched[end]
            return
        if before:
            self._selector.modify(end, events, link)
        else:
            self._selector.register(end, events, link)
        self._watched[end] = events

    def _accept(self) -> None:
        with suppress(BlockingIOError):
            while True:
                client, address = self._listener.accept()
                server = socket.socket()
                for end in (client, server):
                    end.setblocking(False)
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    if self.buffer:
                        for which in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                            end.setsockopt(socket.SOL_SOCKET, which, self.buffer)
                if old := self.links.get(address):
                    # Frozen, so nobody saw its client go, whose port another client has now.
                    self.end(old, reset=True)
                link = Link(self, client, address, server, *self.fates())
                self.links[address] = link
                self.accepted += 1
                # EINPROGRESS: the kernel takes what is written once it is connected
                if server.connect_ex(("127.0.0.1", self.target)) not in (0, errno.EINPROGRESS):
                    self.end(link, reset=True)

    def _obey(self) -> None:
        self._wakened.recv(4096)
        while self._orders:
            order, done = self._orders.popleft()
            order()
            done.set()

    def _serve(self, link: Link, end: object, events: int) -> None:
        pipes = (link.up, link.down)
        try:
            for pipe in pipes:
                if events & selectors.EVENT_READ and end is pipe.source and pipe.wants_to_read():
                    pipe.read()
                if events & selectors.EVENT_WRITE and end is pipe.sink and self._is_due(pipe):
                    pipe.write()
        except OSError:  # one side is gone: so it is for the other
            self.end(link, reset=True)
        for pipe in pipes:
            if pipe.is_cut():
                self.end(link, reset=pipe.fate.reset)
        if all(pipe.wrote_end for pipe in pipes):
            self.end(link, reset=False)

    @staticmethod
    def _is_due(pipe: Pipe) -> bool:
        due = pipe.due()
        return due is not None and due <= time.monotonic()

    def end(self, link: Link, *, reset: bool) -> None:
        """Take one connection down. The proxy's thread only."""
        if link.over:
            return
        link.over = True
        del self.links[link.address]
        for end in (link.client, link.server):
            self._register(end, 0, link)
            if reset:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            end.close()
