"""A Connection and the client at its other end, both in this process."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

import simple_websocket

from chatroom.sockets.adapter import server_options
from chatroom.sockets.connection import Connection
from tests.support.deadline import DEADLINE
from tests.support.websocket_client import KEY, TEXT, RawClient, RawFrame

FAMILIES = ["unix", "tcp"]


def pair(family: str = "unix", buffers: int = 0) -> tuple[socket.socket, socket.socket]:
    """Two connected sockets.

    Args:
        family: ``unix`` or ``tcp``. What is written to the first arrives at once.
        buffers: bytes that the kernel may hold in between, about; 0 for its default.
    """
    if family == "unix":
        ours, theirs = socket.socketpair()
        _shrink(ours, theirs, buffers)
        return ours, theirs
    with socket.socket() as listener:
        theirs = socket.socket()
        _shrink(listener, theirs, buffers)  # before they connect: a window does not shrink
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        theirs.connect(listener.getsockname())
        ours, _ = listener.accept()
    return ours, theirs


def _shrink(ours: socket.socket, theirs: socket.socket, buffers: int) -> None:
    if buffers:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffers)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffers)


class FarEnd(RawClient):
    """The client: past its handshake, and reading only when it is told to."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(DEADLINE)
        self.socket = sock
        self._received = bytearray()

    def arrived(self) -> list[RawFrame]:
        """Every whole frame that is here by now; waits for none."""
        with contextlib.suppress(EOFError):
            while select.select([self.socket], [], [], 0)[0]:
                self._read()
        frames = []
        while self._holds_a_frame():
            frames.append(self.frame())
        return frames

    def _holds_a_frame(self) -> bool:
        if len(self._received) < 2:
            return False
        size = self._received[1]
        more = {126: 2, 127: 8}.get(size, 0)
        if len(self._received) < 2 + more:
            return False
        if more:
            size = int.from_bytes(self._received[2 : 2 + more], "big")
        return len(self._received) >= 2 + more + size

    def take_the_handshake(self) -> bytes:
        """Read the 101 and what its headers say."""
        while (end := self._received.find(b"\r\n\r\n")) < 0:
            self._read()
        head = bytes(self._received[:end])
        del self._received[: end + 4]
        return head

    def is_cut_off(self) -> bool:
        """Whether the other end has closed, and nothing is left to be read. Waits."""
        try:
            return not self._received and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


def bodies(frames: Iterable[RawFrame]) -> list[str]:
    """What the messages among the frames say."""
    return [json.loads(frame.payload)["body"] for frame in frames if frame.opcode == TEXT]


class ConnectionPair:
    """A Connection and its FarEnd, with a reader and a writer thread where the test starts them.

    Args:
        family: ``unix`` or ``tcp``.
        buffers: bytes that the kernel may hold in between, about; 0 for its default.
        options: of the Connection.
    """

    def __init__(self, family: str = "unix", *, buffers: int = 0, **options: Any) -> None:
        self.socket, theirs = pair(family, buffers)
        self.peer = FarEnd(theirs)
        try:
            self.connection = Connection(
                self.socket,
                **{
                    "queue_bytes": 1 << 20,
                    "ping_interval": 25,
                    "max_message_bytes": 65536,
                    **options,
                },
            )
        except BaseException:
            self.close()
            raise
        self.failure: BaseException | None = None
        """What the writer thread raised."""
        self.cause = ""
        """Why the reader thread ended."""
        self._writer = threading.Thread(target=self._flush, name="writer of a test")
        self._reader: threading.Thread | None = None

    def __enter__(self) -> ConnectionPair:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.peer.socket.close()
        self.connection.cut()
        if self._reader:
            self._reader.join(DEADLINE)
        elif self._writer.ident is not None:
            self.connection.finish(self._writer)
        self.close()

    def close(self) -> None:
        self.peer.socket.close()
        self.socket.close()

    def accept(self, max_message_bytes: int = 65536) -> simple_websocket.Server:
        """Shake hands, as flask-sock does."""
        environ = {
            "werkzeug.socket": self.connection,
            "HTTP_HOST": "localhost",
            "HTTP_UPGRADE": "websocket",
            "HTTP_CONNECTION": "Upgrade",
            "HTTP_SEC_WEBSOCKET_KEY": KEY,
            "HTTP_SEC_WEBSOCKET_VERSION": "13",
        }
        ws = simple_websocket.Server.accept(environ, **server_options(max_message_bytes))
        assert self.peer.take_the_handshake().startswith(b"HTTP/1.1 101 ")
        return ws

    # -- threads -------------------------------------------------------------------------------

    def start_writer(self) -> threading.Thread:
        self.connection.set_timers()
        self._writer.start()
        return self._writer

    def _flush(self) -> None:
        try:
            self.connection.flush()
        except BaseException as error:
            self.failure = error

    def start_reader(
        self,
        handle: Callable[[str | bytes], None] = lambda data: None,
        ws: simple_websocket.Server | None = None,
        door: Callable[[], str | None] | None = None,
        **options: Any,
    ) -> threading.Thread:
        """Start both threads; the reader's life is that of ``User.listen_read``."""
        ws = ws or self.accept(**options)
        writer = self.start_writer()

        def read() -> None:
            try:
                self.cause = self.connection.listen(ws, handle, door)
            except Exception as error:
                self.cause = repr(error)
            finally:
                self.connection.finish(writer)

        self._reader = threading.Thread(target=read, name="reader of a test")
        self._reader.start()
        return self._reader
