"""A User of channels that the test holds, and the client at the other end of its socket."""

from __future__ import annotations

import json
import threading
from typing import Any

from chatroom.message import Draft
from chatroom.user import Channels, Leaving, Said, User
from tests.support.connection_pair import Line, bodies
from tests.support.server_process import DEADLINE
from tests.support.websocket_client import TEXT, encode, line_of_chat


class Guest:
    """A user without threads, until ``sit_down``: then its reader and writer live.

    Args:
        channels: what the user puts on.
        limits: ``max_message_bytes`` and ``max_name_length``; the rest are of the Line.
    """

    def __init__(
        self,
        channels: Channels,
        name: str = "Ann",
        room: str = "lobby",
        *,
        max_message_bytes: int = 65536,
        max_name_length: int = 64,
        **line: Any,
    ) -> None:
        self.name = name
        self.channels = channels
        self.line = Line(**{"max_message_bytes": max_message_bytes, **line})
        self.peer = self.line.peer
        self.user = User(
            self.line.connection,
            room,
            "127.0.0.1",
            channels,
            max_message_bytes=max_message_bytes,
            max_name_length=max_name_length,
        )
        self.user.name = name
        self._max_message_bytes = max_message_bytes
        self.thread: threading.Thread | None = None
        self._writer: threading.Thread | None = None

    def __enter__(self) -> Guest:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.peer.socket.close()
        self.line.connection.cut()
        if self.thread:
            self.thread.join(DEADLINE)
            assert not self.thread.is_alive(), "the reader outlives its socket"
        if self._writer:
            self.line.connection.finish(self._writer)
        self.line.close()

    # -- with threads --------------------------------------------------------------------------

    def sit_down(self) -> Guest:
        """Shake hands, and start the reader thread, which starts the writer thread."""
        ws = self.line.accept(self._max_message_bytes)
        target = self.user.listen_read
        self.thread = threading.Thread(target=target, args=(ws,), name=f"reader {self.name}")
        self.thread.start()
        return self

    def send(self, **fields: object) -> None:
        """A frame with these fields."""
        self.peer.send(encode(TEXT, json.dumps(fields).encode()))

    def has_left(self) -> bool:
        """Whether its thread ends; waits for it."""
        assert self.thread
        self.thread.join(DEADLINE)
        return not self.thread.is_alive()

    # -- without -------------------------------------------------------------------------------

    def start_writer(self) -> Guest:
        """Start the writer thread alone: for what the socket does not take in place."""
        self._writer = threading.Thread(target=self.user.listen_write, name=f"writer {self.name}")
        self._writer.start()
        return self

    def join(self) -> Guest:
        """Ask to be let in, as the reader thread does with the first frame."""
        self.channels.add.put(self.user)
        return self

    def say(self, *texts: str) -> None:
        """Put messages on the way to the room."""
        for text in texts:
            cost = len(line_of_chat(self.name, text))
            draft = Draft(self.name, text, "10:42 AM")
            self.channels.broadcast.put(Said(self.user, draft, cost))

    def leave(self) -> None:
        """Go, as the reader thread does when the socket ends."""
        self.channels.delete.put(Leaving(self.user, "close 1000"))

    def heard(self) -> list[str]:
        """What has been said to it since the last look."""
        return bodies(self.peer.arrived())
