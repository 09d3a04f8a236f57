"""Scenario 8: files come in while people talk. The others must not feel it."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import threading
import time
from functools import partial
from statistics import median

from benchmarks import proc
from benchmarks.load.generator import Generator
from benchmarks.load.sink import Sink
from benchmarks.load.wire import client_frame, handshake
from benchmarks.scenarios.case import Case, Figures, Outcome, Size
from benchmarks.scenarios.rooms import SENDERS, plan_phase
from benchmarks.server import Server
from benchmarks.subjects import Subject

USERS = 90
PACE = 100
LARGE = 16 * 1024 * 1024
"""Bytes: the largest that the default allows."""
PICTURE = 400_000
"""Bytes: a photo as the page sends it, at most 1,600 pixels wide."""
LAN = 12_000_000
"""Bytes a second: 100 Mbit/s."""
MOST = 18
"""Files: a person may send 20 in ten minutes."""
PIECE = 65536
TIMES = 2
"""As long as other scenarios: of 400 messages, chance makes the four that are the latest."""


def cases(size: Size, wanted: set[str]) -> list[Case]:
    """What a phone sends, and the largest that may come, as fast as it may."""
    if "upload" not in wanted:
        return []
    kinds = (
        ("pictures of 400 kB at 12 MB/s", PICTURE, LAN),
        ("files of 16 MiB at 12 MB/s", LARGE, LAN),
        ("files of 16 MiB, unbounded", LARGE, 0),
    )
    return [
        Case(
            ("upload",),
            name,
            partial(measure, size, name, length, bytes_a_second),
            size.rounds,
            ("us-full", "us-normal"),
        )
        for name, length, bytes_a_second in kinds
    ]


def measure(
    size: Size, name: str, length: int, bytes_a_second: int, subject: Subject
) -> list[Outcome]:
    """People talk: alone, while somebody sends one file after the other to a process that throws
    them away, and while the files come to their own server."""
    length_of_talk = TIMES * size.slow
    with (
        Server(subject) as server,
        Generator(server.port, adapter=subject.adapter) as load,
        Sink() as sink,
    ):
        load.connect(USERS, senders=SENDERS)
        load.gather()

        def talk(uploader: _Uploader | None = None) -> Figures:
            load.start(plan_phase(server, size.warm_up, length_of_talk, rate=PACE))
            if uploader:
                uploader.start()
            figures = load.finish()
            if uploader:
                uploader.join()
            return figures

        token = _token(server.port)
        seconds = size.warm_up + length_of_talk
        alone = talk()
        uploader = _Uploader(server.port, token, length, bytes_a_second, seconds)
        uploader.send_one()  # so that all of it is loaded
        proc.forget_peak(server.pids)
        before = proc.peak_memory(server.pids)
        figures = talk(uploader) | uploader.figures()
        figures["peak_mb"] = (proc.peak_memory(server.pids) - before) / 1e6
        # At the pace at which the server takes them: it does not take more than so much.
        pace = bytes_a_second or int(length / figures["seconds"])
        elsewhere = talk(_Uploader(sink.port, token, length, pace, seconds))
    figures["p99_ms_alone"] = alone["p99_ms"]
    figures["p50_ms_alone"] = alone["p50_ms"]
    figures["p99_ms_elsewhere"] = elsewhere["p99_ms"]
    figures["p99_ratio"] = figures["p99_ms"] / alone["p99_ms"]
    figures["p99_ratio_elsewhere"] = figures["p99_ms"] / elsewhere["p99_ms"]
    return [Outcome("upload", name, subject.name, figures)]


class _Uploader(threading.Thread):
    """Sends files until the time is up, or as many as one person may.

    Args:
        token: of somebody who has been in the room.
        length: bytes of each.
        bytes_a_second: of its line; 0: as fast as the server takes them.
        seconds: after which nothing more is begun.
    """

    def __init__(
        self, port: int, token: str, length: int, bytes_a_second: int, seconds: float
    ) -> None:
        super().__init__(name="uploader", daemon=True)
        self._port = port
        self._token = token
        self._data = os.urandom(length)
        self._rate = bytes_a_second
        self._length = seconds
        self._seconds: list[float] = []

    def run(self) -> None:
        """The thread's whole life."""
        until = time.monotonic() + self._length
        while time.monotonic() < until and len(self._seconds) < MOST:
            begun = time.monotonic()
            self.send_one()
            self._seconds.append(time.monotonic() - begun)

    def send_one(self) -> None:
        """One file, whole."""
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        line.putrequest("PUT", "/api/rooms/lobby/files/photo.jpg")
        line.putheader("Authorization", f"Bearer {self._token}")
        line.putheader("Content-Length", str(len(self._data)))
        line.endheaders()
        begun = time.monotonic()
        for start in range(0, len(self._data), PIECE):
            line.send(self._data[start : start + PIECE])
            if self._rate:
                time.sleep(max(0.0, begun + start / self._rate - time.monotonic()))
        with line.getresponse() as response:
            answer = response.read()
        line.close()
        if response.status != 201:
            raise RuntimeError(f"the file was not taken: {response.status} {answer!r}")

    def figures(self) -> Figures:
        """Of all that were sent."""
        return {"seconds": median(self._seconds), "files": len(self._seconds)}


def _token(port: int) -> str:
    """Of somebody who comes, and goes again."""
    hello = json.dumps({"type": "hello", "userName": "uploader"}).encode()
    request = handshake("/chat", port, "chatroom.v1")
    with socket.create_connection(("127.0.0.1", port), 10) as line:
        line.sendall(request + client_frame(hello))
        heard, token = b"", None
        while not token:
            data = line.recv(65536)
            if not data:
                raise RuntimeError(f"no welcome: {heard[-200:]!r}")
            heard += data
            token = re.search(rb'"token": ?"([^"]+)"', heard)
    return token[1].decode()
