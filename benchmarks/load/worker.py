"""One process of the load generator: its share of the clients, told by a pipe what to do."""

from __future__ import annotations

import select
import signal
import socket
import time
from multiprocessing.connection import Connection
from typing import Any

from benchmarks import proc
from benchmarks.load.adapters import Adapter
from benchmarks.load.arriving import Arrivals
from benchmarks.load.messages import PROBE, payload, probe_tag
from benchmarks.load.phase import Phase, Plan
from benchmarks.load.reacting import react
from benchmarks.load.receiving import Finder, Receiver
from benchmarks.load.returning import Crowd
from benchmarks.load.sending import Sender
from benchmarks.load.wire import CLOSE, client_frame

SLEEPER_BUFFER = 4096
"""Bytes of a receive buffer that nobody empties."""


class Worker:
    """The methods without an underscore are the commands.

    Args:
        index: of this process among the generator's.
        heard: see ``Phase``.
        port: the server's.
        adapter: how to speak to it.
        length: see ``messages.payload``.
    """

    def __init__(
        self, index: int, heard: memoryview, port: int, adapter: Adapter, length: int
    ) -> None:
        self._index = index
        self._heard = heard
        self._workers = len(heard) // 2
        self._adapter = adapter
        self._length = length
        self._port = port
        self._receiver = Receiver(adapter)
        self._senders: list[Sender] = []
        self._sleepers: list[socket.socket] = []
        self._phase: Phase | None = None
        self._crowd = Crowd(index, port, adapter)

    def connect(self, users: int, senders: int, past: int, seconds: float) -> dict[str, Any]:
        """Bring users in, and wait until each has ``past`` messages."""
        deadline = time.monotonic() + seconds
        source = f"127.0.1.{self._index + 1}"
        arrivals = Arrivals(self._port, self._adapter, source, self._receiver.add)
        try:
            for _ in arrivals.bring(users, deadline):
                self._receiver.pump(0)
        finally:
            arrivals.close()
        in_at = time.monotonic_ns()
        while min(self._receiver.counts.values(), default=past) < past:
            self._receiver.pump(0.05)
            if time.monotonic() > deadline or self._receiver.lost:
                break
        all_at = time.monotonic_ns()
        for sock in list(self._receiver.sockets.values())[:senders]:
            number = len(self._senders) * self._workers + self._index
            self._senders.append(Sender(number, sock, self._adapter, self._length))
        missing = sum(max(0, past - count) for count in self._receiver.counts.values())
        return {"in_at": in_at, "all_at": all_at, "missing": missing, **self._state()}

    def connect_sleepers(self, users: int, seconds: float) -> dict[str, Any]:
        """Bring users in who never read."""

        def keep(sock: socket.socket, _data: bytes, _name: str) -> None:
            self._sleepers.append(sock)

        source = f"127.0.2.{self._index + 1}"
        arrivals = Arrivals(self._port, self._adapter, source, keep, SLEEPER_BUFFER)
        try:
            for _ in arrivals.bring(users, time.monotonic() + seconds):
                self._receiver.pump(0)
        finally:
            arrivals.close()
        return self._state()

    def come(self, users: int, pace: float, seconds: float) -> dict[str, Any]:
        """Bring people in who can come back, or bring them back: see ``Crowd.come``."""
        return self._crowd.come(users, pace, seconds)

    def go(self) -> dict[str, Any]:
        """Let them go, and remember them."""
        self._crowd.go()
        return {}

    def gather(self, number: int, speak: bool, seconds: float) -> dict[str, Any]:
        """Wait until everybody has heard the probe; one process speaks it."""
        needle = probe_tag(number)
        finders = [Finder(needle) for _ in self._receiver.sockets]
        self._receiver.watch(list(self._receiver.sockets), finders)
        if speak:
            json = payload(PROBE, number, time.monotonic_ns())
            sock = next(iter(self._receiver.sockets.values()))
            sock.send(client_frame(self._adapter.wrap(json)))
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if all(finder.found for finder in finders):
                break
            self._receiver.pump(0.05)
        self._receiver.reset()
        return {"deaf": sum(not finder.found for finder in finders), **self._state()}

    def speak(self, count: int, window: int, seconds: float) -> dict[str, Any]:
        """The first sender says so many messages, and waits for each to come back."""
        sender = self._senders[0]
        goal = sender.sent + count
        sender.watch(self._receiver)
        deadline = time.monotonic() + seconds
        while sender.returned.found < goal and time.monotonic() < deadline:
            sender.fill(min(window, goal - sender.returned.found))
            self._receiver.pump(0.05)
        self._receiver.reset()
        return {"unheard": goal - sender.returned.found, **self._state()}

    def react(self, id: str, kind: str, people: int, seconds: float) -> dict[str, Any]:
        """Everybody reacts to this message in this way."""
        return react(self._receiver, id, kind, people, seconds) | self._state()

    def run(self, plan: Plan) -> dict[str, Any]:
        """One phase."""
        self._phase = Phase(plan, self._index, self._heard, self._receiver, self._senders)
        return self._phase.run() | self._state()

    def drain(self, expected: int, patience: float, seconds: float) -> dict[str, Any]:
        """See ``Phase.drain``."""
        assert self._phase
        return self._phase.drain(expected, patience, seconds) | self._state()

    def wake_sleepers(self, seconds: float) -> dict[str, Any]:
        """Read at last what was sent to those who never read, until it ends or for so long.

        Returns:
            ``dropped``: how many find a Close or the end there.
        """
        poll = select.poll()
        for sock in self._sleepers:
            poll.register(sock, select.POLLIN)
        asleep = {sock.fileno(): sock for sock in self._sleepers}
        deadline = time.monotonic() + seconds
        while asleep and time.monotonic() < deadline:
            for fd, _ in poll.poll(100):
                if fd in asleep and _ends(asleep[fd]):
                    del asleep[fd]
                    poll.unregister(fd)
        return {"dropped": len(self._sleepers) - len(asleep), **self._state()}

    def _state(self) -> dict[str, Any]:
        return {"users": len(self._receiver.sockets), "lost": self._receiver.lost[:5]}

    def listen(self, pipe: Connection) -> None:
        """Read what comes and answer pings, while no command does."""
        receivers = (self._receiver, self._crowd.receiver)
        ready, _, _ = select.select([pipe, *receivers], [], [], 1)
        for receiver in receivers:
            if receiver in ready:
                receiver.pump(0)

    def close(self) -> None:
        """Close all connections."""
        for sock in self._sleepers:
            sock.close()
        self._receiver.close()
        self._crowd.go()


def _ends(sock: socket.socket) -> bool:
    """Whether the next bytes are the last; only a Close has that byte, all else is ASCII."""
    try:
        data = sock.recv(1 << 20)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return not data or bytes((CLOSE,)) in data


def serve(pipe: Connection, *arguments: Any) -> None:
    """A process's whole life: commands from the pipe, until it closes."""
    proc.die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it, and closes the pipe
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    worker = Worker(*arguments)
    while True:
        while not pipe.poll():
            worker.listen(pipe)
        try:
            name, keywords = pipe.recv()
        except EOFError:
            return
        if name == "close":
            worker.close()
            return
        try:
            pipe.send(getattr(worker, name)(**keywords))
        except Exception as error:
            pipe.send(error)
