"""Senders: with a window of messages under way each, or at the pace of a clock."""

from __future__ import annotations

import socket
import time

from benchmarks.load.adapters import Adapter
from benchmarks.load.messages import payload, tag
from benchmarks.load.receiving import Finder, Receiver
from benchmarks.load.wire import Masker


class Sender:
    """One user who speaks.

    Args:
        number: tells its messages from others'; below ``messages.PROBE``.
        sock: its connection, non-blocking.
        adapter: the server's.
        length: see ``messages.payload``.
    """

    def __init__(self, number: int, sock: socket.socket, adapter: Adapter, length: int) -> None:
        self.number = number
        self.sock = sock
        self.sent = 0
        self.returned = Finder(tag(number))
        """Its own messages that came back."""
        self._length = length
        self._adapter = adapter
        self._masker = Masker(len(adapter.wrap(payload(number, 0, 0, length))))
        self._unsent = b""

    @property
    def blocked(self) -> bool:
        """The server has not taken all that was said."""
        return bool(self._unsent)

    def watch(self, receiver: Receiver) -> None:
        """Look for its own messages from now on, when none is under way."""
        self.returned = Finder(tag(self.number), self.sent)
        receiver.watch([self.sock.fileno()], [self.returned])

    def say(self, count: int = 1) -> None:
        """Send the next messages, each stamped with the time."""
        frames = []
        for _ in range(count):
            json = payload(self.number, self.sent, time.monotonic_ns(), self._length)
            frames.append(self._masker.frame(self._adapter.wrap(json)))
            self.sent += 1
        self._unsent += b"".join(frames)
        self.flush()

    def flush(self) -> None:
        """Send what is left; a broken socket swallows it, and the receiver tells of it."""
        if self._unsent:
            try:
                self._unsent = self._unsent[self.sock.send(self._unsent) :]
            except BlockingIOError:
                pass
            except OSError:
                self._unsent = b""

    def fill(self, window: int) -> None:
        """Send as many as may be under way."""
        room = window - self.sent + self.returned.found
        if room > 0 and not self._unsent:
            self.say(room)
        else:
            self.flush()


class Pace:
    """When to say the next message: this process's share of the ticks of one clock.

    Args:
        start: of the clock, CLOCK_MONOTONIC in ns.
        rate: messages a second, of all processes.
        share: which of ``shares`` this process is.
    """

    def __init__(self, start: int, rate: float, share: int, shares: int) -> None:
        self._start = start
        self._interval = 1e9 / rate
        self._tick = share
        self._shares = shares
        self.lateness: list[int] = []
        """Nanoseconds by which each message was late."""

    @property
    def due(self) -> int:
        """When the next message is due."""
        return self._start + int(self._tick * self._interval)

    def take(self, now: int) -> bool:
        """Whether a message is due; then the next one is on."""
        if now < self.due:
            return False
        self.lateness.append(now - self.due)
        self._tick += self._shares
        return True
