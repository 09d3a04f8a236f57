"""A process that takes files and throws them away: what their bytes alone cost everybody else."""

from __future__ import annotations

import multiprocessing
import socket

from benchmarks import proc

BUFFER = 65536


class Sink:
    """A context: listens on ``port`` of 127.0.0.1, and takes one upload after the other."""

    def __enter__(self) -> Sink:
        listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = listener.getsockname()[1]
        context = multiprocessing.get_context("fork")
        self._process = context.Process(target=_take_all, args=(listener,), daemon=True)
        self._process.start()
        listener.close()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()


def _take_all(listener: socket.socket) -> None:
    proc.die_with_parent()
    buffer = memoryview(bytearray(BUFFER))
    while True:
        line, _ = listener.accept()
        with line:
            request = b""
            while b"\r\n\r\n" not in request:
                request += line.recv(BUFFER)
            head, _, body = request.partition(b"\r\n\r\n")
            left = int(head.lower().partition(b"content-length: ")[2].split()[0]) - len(body)
            while left > 0:
                left -= line.recv_into(buffer, min(left, BUFFER))
            line.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
