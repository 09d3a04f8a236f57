"""Notices that the client of an event stream is gone, while there is nothing to send to it.

Only sending shows that a TCP peer is gone, and in a silent room that is every 15 seconds. Until
then its place would be taken. So one thread waits for all these sockets at once: that costs nothing
while nothing happens, and one descriptor for all of them.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from chatroom.web.api.listener import Listener

GONE = "client gone"
"""Why its stream ends."""


class Departures:
    """Watches sockets from any thread; starts its own with the first one, so never before a fork.

    A client that closes its socket looks at first like one that only says nothing more, which is
    what ``printf … | nc`` does, and goes on reading. So it is sent a comment. If the socket is
    closed, the answer is a reset, and then it is gone.

    Without epoll, which only Linux has, the next comment of the stream shows it.
    """

    # Rule: _lock guards _poll and _watched.

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: dict[int, Listener] = {}
        self._poll: select.epoll | None = None

    @contextmanager
    def watch(self, listener: Listener) -> Iterator[None]:
        """End the listener's stream, within this block, as soon as its client is gone."""
        descriptor = listener.descriptor
        if descriptor < 0 or not hasattr(select, "epoll"):
            yield
            return
        with self._lock:
            if not self._poll:
                self._poll = select.epoll()
                threading.Thread(target=self._listen, name="departures", daemon=True).start()
            self._poll.register(descriptor, select.EPOLLRDHUP | select.EPOLLONESHOT)
            self._watched[descriptor] = listener
        try:
            yield
        finally:
            with self._lock:
                del self._watched[descriptor]
                with suppress(OSError):  # closed already
                    self._poll.unregister(descriptor)

    def _listen(self) -> None:
        """The thread's whole life."""
        assert self._poll
        while True:
            for descriptor, event in self._poll.poll():
                with self._lock:
                    # Another client's by now, if its stream ended since: then a comment too many.
                    if listener := self._watched.get(descriptor):
                        self._react(descriptor, listener, event)

    def _react(self, descriptor: int, listener: Listener, event: int) -> None:
        assert self._poll
        if event & (select.EPOLLHUP | select.EPOLLERR) and listener.is_cut():
            listener.end(0, GONE)
        else:
            listener.nudge()
            with suppress(OSError):
                self._poll.modify(descriptor, select.EPOLLONESHOT)  # a reset is always reported
