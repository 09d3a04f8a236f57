"""One client's socket, in both directions, and its place in simple-websocket.

simple-websocket uses a ``Connection`` as its socket. It reads through ``recv``, on our reader
thread, and its control frames go out through ``send``, in one order with ours.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable

import simple_websocket

from chatroom.errors import HandshakeRefused
from chatroom.sockets import sending
from chatroom.sockets.adapter import HANDSHAKE_IS_OVER, cause_of, cut_cycles
from chatroom.sockets.kernel import is_readable_soon, set_low_water, set_receive_timer, set_timers
from chatroom.sockets.pace import Pace
from chatroom.sockets.sending import ANSWERED, END, Sender, turn
from chatroom.wire.frame_reader import PONG, TEXTS_AT_ONCE, FrameReader
from chatroom.wire.websocket import CLOSE, PING, CloseCode

LINGER_BYTES = 16 << 20
"""Bytes that a peer may still send after the end, before its socket is cut regardless."""

IDLE_RECV_BYTES = 476
"""Bytes that a reader asks for while its client is silent: Python allocates the whole buffer
before it waits, for each user. With a ``bytes`` header of 33, the largest that pymalloc serves."""


class Connection(Sender):
    """Whole frames to one client, and bytes from it.

    gunicorn owns the descriptor and closes it once the reader thread has returned; nobody uses
    it after ``finish``.

    Args:
        sock: a connected, blocking socket.
        queue_bytes: bytes that may wait for the client, before it counts as slow.
        ping_interval: seconds of silence after which the client is pinged; after as many
            more, it is considered dead.
        max_message_bytes: of one incoming message; a longer one is left to the library.
        early: the client's first bytes, if they came with its handshake.

    Raises:
        HandshakeRefused: this process terminates TLS.
    """

    __slots__ = (
        "_door",
        "_frames",
        "_handle",
        "_more",
        "_peer_gone",
        "_ping_interval",
        "_pinged",
        "pace",
    )

    def __init__(
        self,
        sock: socket.socket,
        *,
        queue_bytes: int,
        ping_interval: int,
        max_message_bytes: int,
        early: bytes = b"",
    ) -> None:
        if isinstance(sock, ssl.SSLSocket):
            raise HandshakeRefused(501, "this process terminates TLS; let a proxy in front do so")
        super().__init__(sock, queue_bytes)
        self._peer_gone = False
        self._pinged = False
        self._more = False
        self._frames = FrameReader(max_message_bytes, early)
        self.pace = Pace(sock, max_message_bytes)
        self._handle: Callable[[str | bytes], None]  # set by listen, like _door
        self._door: Callable[[], str | None] | None = None
        self._ping_interval = ping_interval

    def hold(self) -> None:
        """Keep the reader thread asleep, whatever the client sends, until ``release``. Any thread.

        ``setsockopt`` keeps the GIL: ten thousand are held before any reader can interfere. With a
        door, since a ``recv`` that began now would wait for a full buffer, released or not."""
        self._door = lambda: ""
        set_low_water(self._socket, 1 << 30)

    def release(self) -> None:
        """Wake the reader for what has arrived meanwhile. Any thread."""
        set_low_water(self._socket, 1)
        self._door = lambda: None

    # -- what simple-websocket calls, on the reader thread -----------------------------------

    def send(self, data: bytes) -> int:
        """Send the library's 101, Pong or Close, whole. It ignores the returned count."""
        (self.answer_close if data[0] == CLOSE else self.write)(data)
        return len(data)

    def recv(self, size: int) -> bytes:
        """The next bytes for the library, b"" when there are no more.

        Ordinary text frames go to the handler from here, and the client is pinged in between.
        """
        data: bytes = b""
        while True:
            texts, theirs = self._frames.read(data)
            for text in texts:
                self._handle(text)
            self.pace.await_turn(len(texts), len(data), len(theirs), self._frames.is_behind)
            if theirs and self.pace.admits(theirs):
                if theirs[0] != PONG or self._frames.gave_up:
                    return theirs
                data = b""  # the library would do nothing about it, and take long for that
                continue
            if theirs:
                self.end(CloseCode.POLICY, "too many pings, pongs or tiny fragments")
                return b""
            if len(texts) == TEXTS_AT_ONCE:  # there may be more
                data = b""
            elif not (data := self._recv(size)):
                return b""

    def _recv(self, size: int) -> bytes:
        while True:
            overdue = self._overdue_at_the_door() if self._door else ""
            if self._door and not overdue and not is_readable_soon(self._socket):
                continue
            flags = socket.MSG_DONTWAIT if self._door else 0
            try:
                data = self._socket.recv(size if self._more else IDLE_RECV_BYTES, flags)
            except BlockingIOError:  # the kernel's timer: ping_interval seconds of silence
                if overdue:
                    self.end(CloseCode.POLICY, overdue)
                    return b""
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
            if self._is_overdue():  # it ignores our Close and keeps sending
                data = b""
            self._peer_gone = not data
            self._more = len(data) >= IDLE_RECV_BYTES
            return data

    def _overdue_at_the_door(self) -> str:
        """Why the client has to go, if it did not identify itself in time. Until nothing more of it
        has arrived, it stays: a busy server may have no time to read what came long before."""
        assert self._door
        reason = self._door()
        if reason is None:
            self._door = None
        return reason or ""

    def fileno(self) -> int:
        """The descriptor, for selectors."""
        return self._socket.fileno()

    def close(self) -> None:
        """Do nothing: the library has left its loop, and ``finish`` comes next."""

    # -- the reader thread ----------------------------------------------------------------

    def set_timers(self) -> None:
        """Set kernel timeouts for ``recv`` and ``send``. Called first, once the socket is ours:
        a refused request leaves it to gunicorn unchanged. On the thread of the request."""
        set_timers(self._socket, self._ping_interval)

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
            door: called every second and before every read: why the client has to go unless
                something has arrived, "" if it may stay for now, None once it is in, after which it
                is not called again.

        Returns:
            Why it ended, in words for the log.

        Raises:
            Whatever ``handle`` raises; the loop ends with it.
        """

        def hand_over() -> None:
            while ws.input_buffer:
                handle(ws.input_buffer.pop(0))

        ws.event.set = hand_over
        ws.ws.handshake, ws.environ = HANDSHAKE_IS_OVER, None
        self._handle = handle
        self._door = self._door or door  # unless it is held
        try:
            ws.thread.run()
        finally:
            del self._handle
            self._door = None
            cut_cycles(ws)
        ours = self._closing if self._closing != ANSWERED else None
        return ours or cause_of(ws, self._peer_gone)

    def finish(self, writer: threading.Thread) -> None:
        """Let the writer send what is left, then close the connection. Takes seconds."""
        with turn:
            self._deadline = self._deadline or time.monotonic() + sending.CLOSE_TIMEOUT
            self._closing = self._closing or ANSWERED
        if self._peer_gone:
            self.cut()
        self._queue.put(END)
        writer.join()
        if not self._peer_gone:
            self._linger()
        self.cut()

    def _linger(self) -> None:
        """Read until the client has closed too: closing with bytes unread would send a reset,
        which overtakes the Close frame (RFC 9112, section 9.6, describes it for HTTP)."""
        deadline = time.monotonic() + sending.CLOSE_TIMEOUT
        left = LINGER_BYTES
        try:
            self._socket.shutdown(socket.SHUT_WR)
            set_receive_timer(self._socket, sending.CLOSE_TIMEOUT)
            while left > 0 and time.monotonic() < deadline:
                data = self._socket.recv(65536)
                if not data:
                    return
                left -= len(data)
        except OSError:
            return
