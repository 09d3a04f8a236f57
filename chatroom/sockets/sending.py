"""Sending to one client's socket: whole frames, in order, from any thread.

A frame is sent in place, by the calling thread, as long as the socket accepts it. The rest
goes onto a queue, and from then on the writer thread owns the socket, until the queue is
empty again.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TypeVar

from chatroom.wire.websocket import CloseCode, close_frame

STALL_TIMEOUT = 10.0
"""Seconds after which a peer that accepts nothing is considered dead."""

CLOSE_TIMEOUT = 3.0
"""Seconds a peer has to answer our Close, and to read what was queued before it."""

ITEM_COST = 200
"""Bytes that a queued item costs in addition to its frames."""

_CLOSE = 1  # queue mark: the Close frame is out; cut the peer off if it does not answer
ANSWERED = "closed"  # by the client, and the library has its Close
END = 2  # queue mark: the reader is done, so is the writer

S = TypeVar("S", bound="Sender")

Queued = bytes | memoryview | Iterator[bytes] | int

# Rule: hold turn to send in place, and to change _closing, _queued or a queue. It is one lock for
# all sockets: a broadcast takes it once, whereas a lock per user would cost more than everything
# else that Python does for a delivery. It is only ever held for work that cannot block.
turn = threading.Lock()


def broadcast(senders: Iterable[S], frames: bytes) -> list[S]:
    """Send whole frames to each, now or through its queue; never waits. Any thread.

    Returns:
        Those that are too slow: what was queued for them is dropped, and Close 4008 follows.
    """
    slow: list[S] = []
    size = len(frames)
    with turn:
        for sender in senders:
            sent = 0
            # Only this check in between: it runs ten thousand times, each time with a cold cache.
            if sender._queued == sender._sent and not sender._closing:
                try:
                    sent = sender._send(frames, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    pass
                except OSError as error:
                    sender._lose(error)
                if sent == size:
                    continue
            if not sender._queue_rest(frames, sent):
                slow.append(sender)
    for sender in slow:
        sender.end(CloseCode.SLOW, "slow", drop=True)
    return slow


class Sender:
    """One client's socket, as its writers see it.

    Args:
        sock: a connected, blocking socket.
        queue_bytes: bytes that may wait for the client, before it counts as slow.
    """

    # Rule: while _queued and _sent differ, only the writer thread sends, and it needs no lock.
    # _sent is the writer's own; everything else that both sides use is under turn, above.
    __slots__ = (
        "_closing",
        "_deadline",
        "_queue",
        "_queue_bytes",
        "_queued",
        "_send",
        "_sent",
        "_skipping",
        "_socket",
    )

    def __init__(self, sock: socket.socket, queue_bytes: int) -> None:
        self._socket = sock
        self._send = sock.send
        self._queue = _Outbox()
        self._queue_bytes = queue_bytes
        self._queued = 0  # bytes that ever went onto the queue, and were not dropped from it
        self._sent = 0  # bytes of these that the writer thread is done with
        self._closing: str | None = None
        self._deadline = 0.0
        self._skipping = False

    @property
    def is_closing(self) -> bool:
        """It was ended or is lost. What its client still sends is read away without a pause: a
        close with bytes unread would be a reset, which overtakes our Close."""
        return self._closing is not None

    @property
    def waiting_bytes(self) -> int:
        """About so many wait for the client. Any thread, without ``turn``: a moment old."""
        return max(0, self._backlog())

    def write(self, frames: bytes) -> bool:
        """Send whole frames, now or through the queue; never waits. Any thread.

        Returns:
            False if the client is too slow: see ``broadcast``.
        """
        return not broadcast((self,), frames)

    def _queue_rest(self, frames: bytes, sent: int) -> bool:
        """Queue what the socket did not accept; False if the client is too slow."""
        if self._closing:
            return True
        if self._queued != self._sent and self._backlog() + len(frames) > self._queue_bytes:
            return False
        self._enqueue(memoryview(frames)[sent:] if sent else frames)
        return True

    def _lose(self, error: OSError) -> None:
        assert turn.locked()
        self._closing = f"lost ({error.strerror})"
        self.cut()  # so that the reader sees it too

    def _backlog(self) -> int:
        """Bytes that wait for the writer. Approximate; under turn it can only be too high, so
        that a busy writer never looks idle."""
        return self._queued - self._sent

    def replay(self, pages: Iterator[bytes]) -> None:
        """Send page after page, each created once the previous one is sent; later writes come
        after them. Any thread; never waits."""
        with turn:
            if not self._closing:
                self._enqueue(pages)

    def end(self, code: int, reason: str, *, drop: bool = False) -> None:
        """Send a Close after what is queued; cut the connection later if there is no answer.

        Any thread; never waits; only the first call counts.

        Args:
            drop: discard what is queued, except for a frame that is partly sent.
        """
        self._end(f"close {int(code)}: {reason}", close_frame(code, reason), drop)

    def answer_close(self, frame: bytes) -> None:
        """Send the library's Close likewise: behind it, nothing may follow (RFC 6455, 5.5.1)."""
        self._end(ANSWERED, frame)

    def _end(self, cause: str, frame: bytes, drop: bool = False) -> None:
        with turn:
            if self._closing:
                return
            self._deadline = time.monotonic() + CLOSE_TIMEOUT  # first: the writer reads both
            self._closing = cause
            if drop:
                self._drop_queue()
            self._write_close(frame)

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
        # Otherwise the Close is sent, and no thread was woken for it. A client that does not
        # answer is ended by the reader's timer, or when it sends something after the deadline.

    def _enqueue(self, item: Queued) -> None:
        assert turn.locked()
        self._queued += _cost(item)
        self._queue.put(item)

    def _drop_queue(self) -> None:
        """Empty the queue, except for the rest of a frame that is partly sent.

        Whole frames go, even the first: it may come after a replay that is aborted here.
        """
        assert turn.locked()
        self._skipping = True
        waiting: list[Queued] = []
        while not self._queue.empty():
            waiting.append(self._queue.get_nowait())
        if waiting and isinstance(waiting[0], memoryview):
            self._queue.put(waiting.pop(0))
        self._queued -= sum(map(_cost, waiting))

    def cut(self) -> None:
        """End the connection now, in both directions: frees a blocked reader or writer."""
        with suppress(OSError):  # it was gone already
            self._socket.shutdown(socket.SHUT_RDWR)

    # -- the writer thread ----------------------------------------------------------------

    def flush(self) -> None:
        """Send what is queued, until the reader is done. The writer thread's whole life.

        Raises:
            OSError: the socket broke, or the client stopped reading.
            ChatError: a replay could not be read from the history.
        """
        while (item := self._queue.get()) is not END:
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
                raise TimeoutError("did not read the past messages in time")
            self._send_all(page)

    def _is_overdue(self) -> bool:
        return 0 < self._deadline < time.monotonic()

    def _await_reader(self) -> None:
        try:
            while self._queue.get(timeout=CLOSE_TIMEOUT) is not END:
                pass
        except queue.Empty:
            self.cut()

    def _send_all(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        last_progress = time.monotonic()
        is_late = False
        while rest:
            try:
                sent = self._send(rest, socket.MSG_DONTWAIT if is_late else 0)
            except BlockingIOError:  # the kernel's timer: it has waited for SEND_PATIENCE
                sent = 0
            now = time.monotonic()
            if sent:
                rest = rest[sent:]
                last_progress = now
            if rest and self._is_overdue():
                raise TimeoutError("did not read its last frames in time")
            if is_late and not sent:
                raise TimeoutError(f"took nothing for {STALL_TIMEOUT:.0f} s")
            # Not yet the end: this thread may have waited for the interpreter all that time.
            is_late = now - last_progress > STALL_TIMEOUT


class _Outbox(queue.Queue[Queued]):
    """A ``queue.Queue`` with a fifth of the memory: there are thousands, nearly always empty.

    It is unbounded and never joined, so one Condition serves for three; and a list, which
    costs next to nothing while empty, replaces the deque. It never holds more than a few
    thousand items.
    """

    def __init__(self) -> None:
        super().__init__()
        self.not_full = self.all_tasks_done = self.not_empty

    def _init(self, _maxsize: int) -> None:
        self.queue: list[Queued] = []

    def _get(self) -> Queued:
        return self.queue.pop(0)


def _cost(item: Queued) -> int:
    return ITEM_COST + (len(item) if isinstance(item, (bytes, memoryview)) else 0)
