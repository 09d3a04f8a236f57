"""How fast one client's input is read, so that no client keeps the others waiting.

A client that sends more than it may is kept waiting itself: its reader sleeps, its bytes stay in
the kernel, and TCP slows it down. Nothing is lost. Only frames that say nothing have an end.
"""

from __future__ import annotations

import socket
import time

from chatroom.sockets.budget import Budget
from chatroom.wire.frame_reader import FrameCounter

TURN = 64
"""Messages, or what costs as much, after which a reader pauses: about a millisecond."""

PAUSE = 0.00005
"""Seconds: enough for a thread that waits for the GIL to wake up and take it. A mere release is
not: a reader whose next bytes have arrived takes it back at once (``SWITCH_INTERVAL``)."""

FRAMES, FRAMES_PER_SECOND = 256, 1000
"""Frames for the library that are read at once, and per second. Parsing one costs it up to 50 µs;
so one client takes a twentieth of the interpreter, however often it comes back."""

IDLE_FRAMES, IDLE_FRAMES_PER_SECOND = 1000, 100
"""Frames that say nothing (see ``FrameCounter``) that a client may send at once, and per second."""

FREE_BYTES = 512
"""Of each message: a line of chat is never paced, however many there are."""

BYTES_PER_SECOND = 256 * 1024
"""Of messages beyond ``FREE_BYTES``; twice as many at once."""

LARGEST_PER_SECOND = 4
"""Messages of ``maxMessageBytes`` per second, if that is more."""


def byte_limits(max_message_bytes: int) -> tuple[float, float]:
    """Rate and burst of the bytes of messages, for a ``Budget``."""
    rate = max(BYTES_PER_SECOND, LARGEST_PER_SECOND * max_message_bytes)
    return rate, 2 * rate


class Pace:
    """Owned by the reader thread, which it puts to sleep.

    Args:
        sock: the client's.
        max_message_bytes: of one message.
    """

    __slots__ = ("_bytes", "_counter", "_frames", "_idle_frames", "_socket", "_work")

    def __init__(self, sock: socket.socket, max_message_bytes: int) -> None:
        self._socket = sock
        self._bytes = Budget(*byte_limits(max_message_bytes))
        self._counter = FrameCounter()
        self._frames = Budget(FRAMES_PER_SECOND, FRAMES)
        self._idle_frames = Budget(IDLE_FRAMES_PER_SECOND, IDLE_FRAMES)
        self._work = 0

    def await_turn(self, texts: int, arrived: int, theirs: int, is_behind: bool) -> None:
        """Pause if others have waited long enough, and reading on would not let them in.

        Args:
            texts: messages that were handled just now.
            arrived: bytes that were read.
            theirs: bytes for the library, which spends more on them.
            is_behind: some of what was read is not handled yet.
        """
        self._work += 1 + texts + (arrived >> 8) + (theirs >> 2)
        if self._work > TURN:
            self._work = 0
            if is_behind or self._has_more():  # a sleep costs as much as several messages
                time.sleep(PAUSE)

    def _has_more(self) -> bool:
        try:
            return bool(self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except OSError:
            return False

    def admits(self, theirs: bytes) -> bool:
        """Wait until the library may parse these bytes; False if they hold too many idle frames."""
        frames, idle = self._counter.count(theirs)
        if idle and not self._idle_frames.try_to_spend(idle):
            return False
        if frames and (seconds := self._frames.spend(frames)):
            time.sleep(seconds)
        return True

    def await_bytes(self, size: int) -> None:
        """Wait until a message of this size may follow the previous ones."""
        if size > FREE_BYTES and (seconds := self._bytes.spend(size - FREE_BYTES)):
            time.sleep(seconds)
