"""People who come, go when their server does, and come back as whom they were."""

from __future__ import annotations

import json
import re
import socket
import time
from array import array
from collections.abc import Iterator
from typing import Any

from benchmarks.load.adapters import Adapter
from benchmarks.load.arriving import Arrivals
from benchmarks.load.messages import LENGTH, STAMP, STAMP_LENGTH
from benchmarks.load.receiving import Receiver
from benchmarks.load.sending import Sender
from benchmarks.load.wire import client_frame

LIVE = b'"type":"live"'
RECOVERED = b'"recovered":true'
TOKEN = re.compile(rb'"token":"([^"]+)"')
ID = re.compile(rb'"(?:id|last)":"([0-9]+-[0-9a-f]+)"')
LONGEST = 2048
"""Bytes of a welcome or message, or fewer: what is looked for may lie across two chunks."""
AFTERWARDS = 1.0
"""Seconds in which whatever was said last arrives."""


class Person:
    """One of them: a ``Watcher`` of its socket.

    Args:
        name: who it is.
        is_typed: the server tells who it is, and says when it is live; else it is so at once.
    """

    def __init__(self, name: str, *, is_typed: bool) -> None:
        self.name = name
        self.delays = array("q")
        """Of what was said while it was there, in nanoseconds."""
        self.is_back = False
        self.live_at = 0
        """CLOCK_MONOTONIC in ns; 0: not yet."""
        self._is_typed = is_typed
        self._token = self._last = ""
        self._rest = b""

    def come(self) -> None:
        """It is on its way in."""
        self._rest = b""
        self.is_back = False
        self.live_at = 0 if self._is_typed else time.monotonic_ns()

    def hello(self) -> bytes:
        """Its first frame: as somebody new, or with what it knows from before."""
        fields = {"type": "hello", "userName": self.name}
        if self._token:
            fields |= {"token": self._token, "since": self._last}
        return client_frame(json.dumps(fields).encode())

    def feed(self, data: bytes) -> None:
        """Learn what lets it come back, and how late everything was."""
        now = time.monotonic_ns()
        whole = self._rest + data
        for match in STAMP.finditer(whole, max(0, len(self._rest) - STAMP_LENGTH + 1)):
            sent = int(match[3])
            if 0 < self.live_at < sent:  # what it was told of the past is late for no fault
                self.delays.append(now - sent)
        if self._is_typed:
            for found in ID.finditer(whole):
                self._last = found[1].decode()
            if not self.live_at:
                if found := TOKEN.search(whole):
                    self._token = found[1].decode()
                self.is_back = self.is_back or RECOVERED in whole
                self.live_at = now if LIVE in whole else 0
        self._rest = whole[-LONGEST:]


class Crowd:
    """Those of one process.

    Args:
        index: of this process among the generator's; the first one's first person speaks.
        port: the server's.
        adapter: how to speak to it.
    """

    def __init__(self, index: int, port: int, adapter: Adapter) -> None:
        self._index = index
        self._port = port
        self._is_typed = bool(adapter.subprotocol)
        self._adapter = adapter
        self._people: dict[str, Person] = {}
        self._speaker: Sender | None = None
        self.receiver = Receiver(adapter)

    def come(self, users: int, pace: float, seconds: float) -> dict[str, Any]:
        """Bring so many in, those who were there before as themselves, and wait until all are live.

        Args:
            users: how many.
            pace: messages a second that one of them says meanwhile, from when it is in; 0 for none.
            seconds: in which they have to be live.
        """
        self._people = self._people or dict(self._new(users))
        deadline = time.monotonic() + seconds
        steps = ((b"", self._hello),) if self._is_typed else self._adapter.steps
        adapter = Adapter("/chat", steps, self._adapter.subprotocol)
        source = f"127.0.3.{self._index + 1}"
        arrivals = Arrivals(self._port, adapter, source, self._take, names=self._people)
        said = _Clock(pace if self._index == 0 else 0)
        try:
            for _ in arrivals.bring(users, deadline):
                self._go_on(said, 0)
        finally:
            arrivals.close()
        while not all(person.live_at for person in self._people.values()):
            self._go_on(said, 0.02)
            if time.monotonic() > deadline or self.receiver.lost:
                break
        until = time.monotonic() + AFTERWARDS
        while pace and time.monotonic() < until:
            self.receiver.pump(0.02)
        people = self._people.values()
        return {
            "all_at": max(person.live_at for person in people),
            "absent": sum(not person.live_at for person in people),
            "back": sum(person.is_back for person in people),
            "delays": [delay for person in people for delay in person.delays],
            "said": said.count,
            "lost": self.receiver.lost[:5],
        }

    def go(self) -> None:
        """Close every connection."""
        self.receiver.close()
        self.receiver = Receiver(self._adapter)
        self._speaker = None

    def _new(self, users: int) -> Iterator[tuple[str, Person]]:
        for number in range(users):
            name = f"person {self._index} {number}"
            yield name, Person(name, is_typed=self._is_typed)

    def _hello(self, name: str) -> bytes:
        person = self._people[name]
        person.come()
        return person.hello()

    def _take(self, sock: socket.socket, data: bytes, name: str) -> None:
        person = self._people[name]
        if not self._is_typed:
            person.come()
        self.receiver.watchers[sock.fileno()] = [person]
        self.receiver.add(sock, data)
        self._speaker = self._speaker or Sender(self._index, sock, self._adapter, LENGTH)

    def _go_on(self, said: _Clock, wait: float) -> None:
        self.receiver.pump(wait)
        if self._speaker and said.is_due():
            self._speaker.say()


class _Clock:
    """Ticks so often a second, from the first look on."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._begun = 0.0
        self.count = 0

    def is_due(self) -> bool:
        """Whether it ticks now."""
        now = time.monotonic()
        self._begun = self._begun or now
        if not self._rate or now < self._begun + self.count / self._rate:
            return False
        self.count += 1
        return True
