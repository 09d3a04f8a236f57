"""Scripts that say something over HTTP, each as soon as the last one was answered."""

from __future__ import annotations

import select
import socket
import threading
import time
from array import array
from collections.abc import Callable

from benchmarks.load.generator import LoadError
from benchmarks.load.messages import payload

SENDER = 900
"""The number that the first of them speaks with; no user in the room has it."""


class Poster(threading.Thread):
    """Connections that are kept, and one thread for all of them.

    Args:
        port: the server's.
        connections: how many messages are under way at once.
        until: CLOCK_MONOTONIC in ns, after which nothing more is said.
    """

    def __init__(self, port: int, connections: int, until: int) -> None:
        super().__init__(name="posters", daemon=True)
        self._port = port
        self._until = until
        self._scripts = [_Script(port, SENDER + number) for number in range(connections)]
        self.answers = array("q")
        """CLOCK_MONOTONIC in ns at which each came, then how long it took, in ns; by turns."""
        self.failure = ""

    @property
    def said(self) -> int:
        """How many messages were stored."""
        return len(self.answers) // 2

    def run(self) -> None:
        """The thread's whole life."""
        try:
            self._talk()
        except (OSError, LoadError) as error:
            self.failure = str(error)
        for script in self._scripts:
            script.close()

    def _talk(self) -> None:
        poll = select.epoll()
        by_fd = {script.fileno(): script for script in self._scripts}
        for fd, script in by_fd.items():
            poll.register(fd, select.EPOLLIN)
            script.say()
        while by_fd:
            for fd, _ in poll.poll(5):
                script = by_fd[fd]
                if script.hear(self._note):
                    if time.monotonic_ns() < self._until:
                        script.say()
                    else:
                        poll.unregister(fd)
                        del by_fd[fd]

    def _note(self, took: int) -> None:
        self.answers.extend((time.monotonic_ns(), took))

    def between(self, begin: int, end: int) -> list[int]:
        """How long those took that were answered then, in ns."""
        moments, took = self.answers[::2], self.answers[1::2]
        return [ns for at, ns in zip(moments, took, strict=True) if begin <= at < end]


class _Script:
    """One connection, with one request under way."""

    def __init__(self, port: int, number: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), 10)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._number = number
        self._said = 0
        self._sent = 0
        self._heard = b""
        self._head = (
            f"POST /api/rooms/lobby/messages HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        )

    def fileno(self) -> int:
        """Of its socket."""
        return self._sock.fileno()

    def say(self) -> None:
        """The next message."""
        self._sent = time.monotonic_ns()
        body = payload(self._number, self._said, self._sent)
        self._said += 1
        self._sock.sendall((self._head % len(body)).encode() + body)

    def hear(self, note: Callable[[int], None]) -> bool:
        """Read on; whether the answer is whole.

        Raises:
            LoadError: it is another one than 201.
        """
        data = self._sock.recv(65536)
        self._heard += data
        head, blank, rest = self._heard.partition(b"\r\n\r\n")
        if not data or (blank and b" 201 " not in head.split(b"\r\n")[0]):
            raise LoadError(f"not taken: {self._heard[:200]!r}")
        at = head.lower().find(b"content-length:")
        if not blank or len(rest) < int(head[at:].split(b"\r\n")[0].split(b":")[1]):
            return False
        note(time.monotonic_ns() - self._sent)
        self._heard = b""
        return True

    def close(self) -> None:
        """Close it."""
        self._sock.close()
