"""One client's socket: the only module that knows sockets and simple-websocket.

simple-websocket takes a ``Connection`` for its socket. It reads through ``recv``, on our
reader thread, and its control frames go through ``send`` into the same order as ours.
"""

from __future__ import annotations

import queue
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import simple_websocket

from chatroom.errors import HandshakeRefused
from chatroom.frames import FrameReader
from chatroom.protocol import PING, CloseCode, close_frame

STALL_TIMEOUT = 10.0
"""Seconds without the peer taking a byte, after which it is dead."""

SEND_PATIENCE = 1.0
"""Seconds that one blocking send may take, before the writer looks at the clock."""

CLOSE_TIMEOUT = 3.0
"""Seconds a peer has to answer our Close, and to take what was queued before it."""

LINGER_BYTES = 16 << 20
"""What a peer may still send after the end, before its socket is cut without regard."""

IDLE_RECV_BYTES = 476
"""What a reader asks for while its client is silent: Python sets the whole buffer aside before
it waits, for each user. With its 33 bytes of ``bytes`` object, the largest that pymalloc keeps."""

ITEM_COST = 200
"""Bytes that a queued item costs beside its frames."""

_CLOSE = 1  # queue mark: the Close frame is out; cut the peer off if it does not answer
_END = 2  # queue mark: the reader is done, so is the writer

Queued = bytes | memoryview | Iterator[bytes] | int

# Rule: whoever sends in place holds _turn, and so does whoever changes _closing, _queued or a
# queue. It is one lock for all sockets: a broadcast takes it once, where a lock a user costs more
# than all else that Python does for a delivery. It is only ever held for work that cannot wait.
_turn = threading.Lock()


def broadcast(connections: Iterable[Connection], frames: bytes) -> list[Connection]:
    """Send whole frames to each, now or by way of its queue; never waits. Any thread.

    Returns:
        Those that are too slow: for them the frames are dropped, and the caller is expected to
        ``end`` them.
    """
    slow = []
    size = len(frames)
    with _turn:
        for connection in connections:
            sent = 0
            # Nothing in between but this look: ten thousand times, and each time cold in the cache.
            if connection._queued == connection._sent and not connection._closing:
                try:
                    sent = connection._send(frames, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    pass
                except OSError as error:
                    connection._lose(error)
                if sent == size:
                    continue
            if not connection._queue_rest(frames, sent):
                slow.append(connection)
    return slow


class Connection:
    """Whole frames to one client, in order, from any thread, and bytes from it.

    A frame is written in place, by the thread that has it, while the socket takes it. What
    the socket does not take goes onto the queue, and from then on the writer thread owns the
    socket, until the queue is empty again. gunicorn owns the descriptor and closes it, when
    the reader thread has left; nobody uses it after ``finish``.

    Args:
        sock: a connected, blocking socket.
        queue_bytes: what may wait for the client, before it counts as slow.
        ping_interval: seconds of silence after which the client is pinged; after as many
            seconds more, it is dead.
        max_message_bytes: of one incoming message; a longer one is left to the library.

    Raises:
        HandshakeRefused: TLS ends in this process.
    """

    # Rule: while _queued and _sent differ, only the writer thread sends, and it needs no lock.
    # _sent is the writer's own; everything else that both sides use is under _turn, above.
    __slots__ = (
        "_closing",
        "_deadline",
        "_door",
        "_frames",
        "_handle",
        "_more",
        "_peer_gone",
        "_ping_interval",
        "_pinged",
        "_queue",
        "_queue_bytes",
        "_queued",
        "_send",
        "_sent",
        "_skipping",
        "_socket",
    )

    def __init__(
        self,
        sock: socket.socket,
        *,
        queue_bytes: int,
        ping_interval: int,
        max_message_bytes: int,
    ) -> None:
        if not type(sock) is socket.socket:  # noqa: E714 - SSLSocket is a subclass
            reason = "TLS ends in this process; let a proxy in front end it (docs/deployment.md)"
            raise HandshakeRefused(501, reason)
        self._socket = sock
        self._send = sock.send
        self._queue = _Outbox()
        self._queue_bytes = queue_bytes
        self._queued = 0  # bytes that ever went onto the queue, and were not dropped from it
        self._sent = 0  # bytes of these that the writer thread is done with
        self._closing: str | None = None
        self._deadline = 0.0
        self._skipping = False
        self._peer_gone = False
        self._pinged = False
        self._more = False
        self._frames = FrameReader(max_message_bytes)
        self._handle: Callable[[str | bytes], None]  # listen's, like _door
        self._door: Callable[[], str | None] | None = None
        self._ping_interval = ping_interval

    # -- out ------------------------------------------------------------------------------

    def write(self, frames: bytes) -> bool:
        """Send whole frames, now or by way of the queue; never waits. Any thread.

        Returns:
            False when the client is too slow: the frames are dropped, and the caller is
            expected to ``end`` the connection.
        """
        return not broadcast((self,), frames)

    def _queue_rest(self, frames: bytes, sent: int) -> bool:
        """Queue what the socket did not take; False when the client is too slow."""
        if self._closing:
            return True
        if self._queued != self._sent and self._backlog() + len(frames) > self._queue_bytes:
            return False
        self._enqueue(memoryview(frames)[sent:] if sent else frames)
        return True

    def _lose(self, error: OSError) -> None:
        assert _turn.locked()
        self._closing = f"lost ({error.strerror})"
        self.cut()  # so that the reader sees it too

    def _backlog(self) -> int:
        """Bytes that wait for the writer; approximate but to the holder of _turn, who may take
        it for too much only, and never take a busy writer for a free one."""
        return self._queued - self._sent

    def replay(self, pages: Iterator[bytes]) -> None:
        """Send page after page, each made when the one before is out; what is written later
        comes behind. Any thread; never waits."""
        with _turn:
            if not self._closing:
                self._enqueue(pages)

    def end(self, code: int, reason: str, *, drop: bool = False) -> None:
        """Send Close behind what is queued; cut the line later if the client does not answer.

        Any thread; never waits; only the first call counts.

        Args:
            drop: leave out what is queued, but for a frame that has been begun.
        """
        with _turn:
            if self._closing:
                return
            self._deadline = time.monotonic() + CLOSE_TIMEOUT  # first: the writer reads both
            self._closing = f"close {int(code)}: {reason}"
            if drop:
                self._drop_queue()
            self._write_close(close_frame(code, reason))

    def _write_close(self, frame: bytes) -> None:
        rest = memoryview(frame)
        if not self._backlog():
            try:
                rest = rest[self._send(frame, socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                pass
            except OSError:
                return  # the reader sees the same error and ends
        if rest:
            self._enqueue(rest)
            self._queue.put(_CLOSE)
        # Else the Close is out, and no thread was woken for it. A client that does not answer
        # ends with the reader's timer, or with what it sends too late.

    def _enqueue(self, item: Queued) -> None:
        assert _turn.locked()
        self._queued += _cost(item)
        self._queue.put(item)

    def _drop_queue(self) -> None:
        """Empty the queue but for the rest of a frame that the socket took the beginning of.

        Whole frames go, the first too: it may come after a replay that is broken off here.
        """
        assert _turn.locked()
        self._skipping = True
        waiting: list[Queued] = []
        while not self._queue.empty():
            waiting.append(self._queue.get_nowait())
        if waiting and isinstance(waiting[0], memoryview):
            self._queue.put(waiting.pop(0))
        self._queued -= sum(map(_cost, waiting))

    def hold(self) -> None:
        """Let the reader thread sleep through what the client sends, until ``release``.

        Any thread. ``setsockopt`` keeps the interpreter, so that a loop over ten thousand of
        these is over before any reader could interfere.
        """
        self._set_low_water(1 << 30)

    def release(self) -> None:
        """Wake the reader for what has come meanwhile. Any thread."""
        self._set_low_water(1)

    def _set_low_water(self, size: int) -> None:
        # Linux wakes a reader only when so many bytes are there, or the connection has ended.
        with suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)

    # -- the writer thread ----------------------------------------------------------------

    def flush(self) -> None:
        """Send what is queued, until the reader is done. The writer thread's whole life.

        Raises:
            OSError: the socket broke, or the client stopped reading.
            ChatError: a replay could not be read from the history.
        """
        while (item := self._queue.get()) is not _END:
            if item is _CLOSE:
                self._await_reader()
                return
            if isinstance(item, (bytes, memoryview)):
                self._send_all(item)
            elif not isinstance(item, int):
                self._send_pages(item)
            self._sent += _cost(item)  # the last thing: from here on others may send
            del item  # the next one may be days away, and this one a megabyte

    def _send_pages(self, pages: Iterator[bytes]) -> None:
        for page in pages:
            if self._skipping:
                return
            if self._is_overdue():
                raise TimeoutError("did not take the past in time")
            self._send_all(page)

    def _is_overdue(self) -> bool:
        return 0 < self._deadline < time.monotonic()

    def _await_reader(self) -> None:
        try:
            while self._queue.get(timeout=CLOSE_TIMEOUT) is not _END:
                pass
        except queue.Empty:
            self.cut()

    def _send_all(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        last_progress = time.monotonic()
        while rest:
            try:
                sent = self._send(rest)  # waits for SEND_PATIENCE at most
            except BlockingIOError:
                sent = 0
            now = time.monotonic()
            if sent:
                rest = rest[sent:]
                last_progress = now
            if rest and self._is_overdue():
                raise TimeoutError("did not take its last frames in time")
            if now - last_progress > STALL_TIMEOUT:
                raise TimeoutError(f"took nothing for {STALL_TIMEOUT:.0f} s")

    # -- what simple-websocket calls, on the reader thread -----------------------------------

    def send(self, data: bytes) -> int:
        """Take the library's 101, Pong or Close, whole. It ignores the count."""
        if not self.write(data):
            self.end(CloseCode.SLOW, "slow", drop=True)
        return len(data)

    def recv(self, size: int) -> bytes:
        """The next bytes for the library, b"" when there are no more.

        Ordinary text frames go to the handler from here, and the client is pinged in between.
        """
        theirs = self._hand_over(b"")
        while not theirs:
            data = self._recv(size)
            if not data:
                break
            theirs = self._hand_over(data)
        return theirs

    def _hand_over(self, data: bytes) -> bytes:
        texts, theirs = self._frames.read(data)
        for text in texts:
            self._handle(text)
        return theirs

    def _recv(self, size: int) -> bytes:
        while True:
            try:
                data = self._socket.recv(size if self._more else IDLE_RECV_BYTES)
            except BlockingIOError:  # the kernel's timer: ping_interval seconds of silence
                if self._door:
                    if self._is_turned_away():
                        return b""
                    continue
                if self._pinged or self._closing:
                    self.end(CloseCode.SERVER_ERROR, "no answer to a ping", drop=True)
                    self._peer_gone = True
                    return b""
                self._pinged = True
                self.send(PING)
                continue
            except OSError as error:
                self._closing = self._closing or f"lost ({error.strerror})"
                self._peer_gone = True
                raise
            self._pinged = False
            if self._door and self._is_turned_away():
                return b""
            if self._is_overdue():  # it ignores our Close and goes on talking
                data = b""
            self._peer_gone = not data
            self._more = len(data) >= IDLE_RECV_BYTES
            return data

    def _is_turned_away(self) -> bool:
        """Whether the client had its time to say who it is, and did not."""
        assert self._door
        reason = self._door()
        if reason is None:
            self._door = None
            self._set_receive_timer(self._ping_interval)
        elif reason:
            self.end(CloseCode.POLICY, reason)
        return bool(reason)

    def _set_receive_timer(self, seconds: float) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(seconds))

    def fileno(self) -> int:
        """The descriptor, for selectors."""
        return self._socket.fileno()

    def close(self) -> None:
        """Do nothing: the library has left its loop, and ``finish`` comes next."""

    # -- the reader thread ----------------------------------------------------------------

    def set_timers(self) -> None:
        """Let the kernel end the waits in ``recv`` and ``send``. Comes first, once the socket is
        ours: a request that is refused leaves it to gunicorn as it was.

        Not the writer's to do: this alone would cost its stack one more page, 4 KiB a user.
        """
        with suppress(OSError):  # macOS says so here when the peer is gone; recv says it again
            self._set_timers(self._socket)

    def _set_timers(self, sock: socket.socket) -> None:
        self._set_receive_timer(self._ping_interval)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(SEND_PATIENCE))
        if sock.family == socket.AF_UNIX:  # a proxy on the same machine
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            milliseconds = int(STALL_TIMEOUT * 1000)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)

    def listen(
        self,
        ws: simple_websocket.Server,
        handle: Callable[[str | bytes], None],
        door: Callable[[], str | None] | None = None,
    ) -> str:
        """Run the library's read loop here, and hand each message over at once.

        Args:
            ws: the library's side of the socket, its handshake done.
            handle: takes each message.
            door: asked every second and with all that comes: why the client has to go, "" if it
                may stay for now, None if it is in and need not be asked about again.

        Returns:
            Why it ended, in words for the log.

        Raises:
            Whatever ``handle`` raises; the loop ends with it.
        """

        def hand_over() -> None:
            while ws.input_buffer:
                handle(ws.input_buffer.pop(0))

        ws.event.set = hand_over
        ws.ws.handshake = _HANDSHAKE_IS_OVER
        self._handle = handle
        if door:
            self._door = door
            self._set_receive_timer(1)
        try:
            ws.thread.run()
        finally:
            del self._handle
            self._door = None
            _cut_cycles(ws)
        return self._closing or _cause(ws, self._peer_gone)

    def finish(self, writer: threading.Thread) -> None:
        """Let the writer send what is left, then say goodbye to the socket. Waits for seconds."""
        with _turn:
            self._deadline = self._deadline or time.monotonic() + CLOSE_TIMEOUT
            self._closing = self._closing or "closed"
        if self._peer_gone:
            self.cut()
        self._queue.put(_END)
        writer.join()
        if not self._peer_gone:
            self._linger()
        self.cut()

    def _linger(self) -> None:
        """Read until the client has closed too: closing with bytes unread would send a reset,
        which overtakes the Close frame (RFC 9112, section 9.6, says so of HTTP)."""
        deadline = time.monotonic() + CLOSE_TIMEOUT
        left = LINGER_BYTES
        try:
            self._socket.shutdown(socket.SHUT_WR)
            self._set_receive_timer(CLOSE_TIMEOUT)
            while left > 0 and time.monotonic() < deadline:
                data = self._socket.recv(65536)
                if not data:
                    return
                left -= len(data)
        except OSError:
            return

    def cut(self) -> None:
        """End the connection now, in both directions: frees a reader or writer that waits."""
        with suppress(OSError):  # it was gone already
            self._socket.shutdown(socket.SHUT_RDWR)


class _Outbox(queue.Queue[Queued]):
    """A ``queue.Queue`` for thousands that are nearly always empty: a fifth of the memory.

    It has no bound and nobody joins it, so one Condition serves for three; and a list, which
    weighs nothing while it is empty, serves for the deque. It never holds more than some
    thousand items.
    """

    def __init__(self) -> None:
        super().__init__()
        self.not_full = self.all_tasks_done = self.not_empty

    def _init(self, _maxsize: int) -> None:
        self.queue: list[Queued] = []

    def _get(self) -> Queued:
        return self.queue.pop(0)


class _ReaderLoop:
    """The library's ``thread_class``: keeps the read loop for ``Connection.listen`` to run."""

    name = "simple-websocket"

    def __init__(self, target: Callable[[], None]) -> None:
        self.run = target

    def start(self) -> None:
        """Do nothing: the reader thread runs the loop itself."""


class _HandOver:
    """The library's ``event_class``: ``listen`` puts its own ``set`` here, which the library
    calls after each message."""

    def set(self) -> None:
        """Do nothing until ``listen`` has taken over."""


class _NoHandshake:
    """Takes the place of wsproto's, whose HTTP parser would stay as long as the socket."""

    @staticmethod
    def events() -> tuple[()]:
        """What the library asks it for, with every byte that it gets."""
        return ()


_HANDSHAKE_IS_OVER = _NoHandshake()


def server_options(max_message_bytes: int, subprotocols: Sequence[str] = ()) -> dict[str, Any]:
    """Flask-Sock's ``SOCK_SERVER_OPTIONS``.

    Args:
        max_message_bytes: the library counts characters, so this bounds its memory; whoever
            handles a message counts its bytes.
        subprotocols: that the server speaks.
    """
    return {
        "thread_class": _ReaderLoop,
        "event_class": _HandOver,
        "max_message_size": max_message_bytes,
        "receive_bytes": 65536,
        "subprotocols": subprotocols,
        "ping_interval": None,  # recv pings: a kernel timer instead of a selector per socket
    }


def _cut_cycles(ws: simple_websocket.Server) -> None:
    """Free what a user held when it leaves, not at Python's next look at all objects: with ten
    thousand users that stops the room for half a second (``serving.GC_THRESHOLDS``)."""
    del ws.event.set, ws.thread.run
    with suppress(AttributeError):  # where another wsproto has no generator, it has no cycle
        ws.ws.connection._proto._parse_more.close()
    ws.sock = ws.ws = ws.environ = (
        None  # Flask-Sock makes a class that keeps ws; classes are cycles too
    )


def _cause(ws: simple_websocket.Server, peer_gone: bool) -> str:
    if peer_gone:
        return "gone without a Close"
    if ws.incoming_message_len > (ws.max_message_size or 0):
        return f"close {int(CloseCode.TOO_BIG)}: Message is too big"
    return f"close {int(ws.close_reason)}: {ws.close_message or ''}".rstrip(": ")


def _cost(item: Queued) -> int:
    return ITEM_COST + (len(item) if isinstance(item, (bytes, memoryview)) else 0)


def _timeval(seconds: float) -> bytes:
    """C's ``struct timeval``."""
    return struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
