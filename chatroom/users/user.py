"""One user: a reader thread, a writer thread, and the connection between them."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Mapping

import simple_websocket

from chatroom.errors import ChannelClosed, ChatError, FrameRefused, HistoryError, Refusal, UserError
from chatroom.log import printable
from chatroom.message import Held, Message
from chatroom.sockets.connection import Connection
from chatroom.users.proof import NOTHING, Doorstep
from chatroom.users.requests import ADDED_BYTES, Channels, Join, Leaving, Said
from chatroom.users.speaking_pace import SpeakingPace, whose
from chatroom.wire import plain
from chatroom.wire.websocket import CloseCode

log = logging.getLogger(__name__)

CLOSES = {
    "too-many-rooms": (CloseCode.POLICY, "too many rooms; use an existing one"),
    "wrong-key": (CloseCode.NO_ENTRY, "no entry"),
    "shut": (CloseCode.NO_ENTRY, "no entry"),
    "removed": (CloseCode.REMOVED, "removed by a host"),
}
"""How a plain user's socket is closed who is turned away, by the refusal's code."""

_ids = itertools.count(1)


class User:
    """Created when a socket opens; in the room from its first frame on. A ``Participant``.

    Args:
        connection: its socket; this object's threads are the only ones that wait on it.
        room: the name of the room that its first frame joins.
        address: the client's, for the log.
        channels: the Server's.
        max_message_bytes: of one frame.
        max_name_length: characters.
        first_frame_seconds: in which its first frame has to come, from the handshake on; 0 for any
            number.
        pace: of what it says; None for any.
        doorstep: shows what opens the room's door.
    """

    user_id = ""
    acknowledged = False
    operator_link = ""
    knocks = ""
    is_visiting = False

    __slots__ = (
        "_channels",
        "_doorstep",
        "_first_by",
        "_first_within",
        "_max_message_bytes",
        "_max_name_length",
        "_pace",
        "_writer",
        "address",
        "connection",
        "failed",
        "id",
        "inside",
        "is_paced",
        "joined",
        "name",
        "proof",
        "room",
        "write",
    )

    def __init__(
        self,
        connection: Connection,
        room: str,
        address: str,
        channels: Channels,
        *,
        max_message_bytes: int,
        max_name_length: int,
        first_frame_seconds: float = 0,
        pace: SpeakingPace | None = None,
        doorstep: Doorstep | None = None,
    ) -> None:
        self.id = next(_ids)
        self.name = ""
        self.room = room
        self.address = address
        self.joined = False
        """It has asked to come in. Owned by the reader thread."""
        self.inside = False
        self.failed = False
        self.connection = connection
        self.write = connection.write
        self._channels = channels
        self._max_message_bytes = max_message_bytes
        self._max_name_length = max_name_length
        self._pace = pace
        self._doorstep = doorstep or Doorstep()
        self.proof = NOTHING
        """What has let it in. Owned by the Server thread."""
        self.is_paced = True
        """Hosts are not. Set by the Server thread, read by the reader."""
        self._first_within = first_frame_seconds
        self._first_by = 0.0  # monotonic

    def __str__(self) -> str:
        return f'user {self.id} "{printable(self.name)}" ({self.address})'

    def end(self, code: int, reason: str, *, drop: bool = False) -> None:
        """Close the user's socket; see ``Connection.end``."""
        self.connection.end(code, reason, drop=drop)

    def begin(self) -> bool:
        """Start the writer thread; False if the machine is out of threads. On the thread of the
        request: this would cost the reader's stack one more page, 4 KiB for each user."""
        self.connection.set_timers()
        self._first_by = time.monotonic() + self._first_within
        name = f"writer-{self.id}"
        self._writer = threading.Thread(target=self.listen_write, name=name, daemon=True)
        try:
            self._writer.start()
        except (RuntimeError, MemoryError) as error:
            self.end(CloseCode.SERVER_ERROR, "out of threads")
            self.connection.cut()
            self._report(f"no writer: {error!r}")
        return self._writer.ident is not None

    def listen_read(self, ws: simple_websocket.Server) -> None:
        """Read frames until the socket ends. The reader thread's whole life."""
        try:
            cause = self._listen(ws)
            if self.joined:
                self._channels.delete.put(Leaving(self, cause))
        except ChannelClosed:
            pass  # the server has stopped, and notified the user
        finally:
            self.connection.finish(self._writer)

    def _listen(self, ws: simple_websocket.Server) -> str:
        """Why it ended."""
        try:
            door = self._door if self._first_within else None
            return self.connection.listen(ws, self._receive, door)
        except FrameRefused as refusal:
            self.end(refusal.code, refusal.reason)
            self._channels.refused.put(f"close-{int(refusal.code)}")
            log.info("refused: %s: %s", self, refusal)
            return str(refusal)
        except ChannelClosed:
            self.end(CloseCode.GOING_AWAY, "server shutting down")
            raise
        except HistoryError as error:
            log.error("error: %s: %s", self, error)
            self.end(CloseCode.SERVER_ERROR, "history unavailable")
            return "history unavailable"
        except Exception as error:
            self.end(CloseCode.SERVER_ERROR, "internal error")
            log.exception("error: %s: its reader failed", self)
            self._report(f"its reader failed: {error!r}")
            return "internal error"

    def _door(self) -> str | None:
        """See ``Connection.listen``."""
        if self.joined:
            return None
        return "" if time.monotonic() < self._first_by else "no first frame in time"

    # -- the Server thread: see Speaker and Participant ------------------------------------------

    def turn_away(self, refusal: Refusal) -> None:
        """The plain protocol has no error frames: close the socket."""
        self._channels.refused.put(refusal.code)
        self.failed = True  # its first frame may say something, and others may follow
        self.end(*CLOSES.get(refusal.code, (CloseCode.POLICY, refusal.code)))

    def refuse(self, refusal: Refusal) -> None:
        """Do not tell the client: what does not come back was not stored."""
        self._channels.refused.put(refusal.code)

    def not_stored(self, cmid: str, reason: str) -> User:
        """Close the socket: nothing that follows the message may be stored."""
        self.end(CloseCode.SERVER_ERROR, reason)
        return self

    def committed(self, message: Message) -> None:
        """Do nothing: the message comes back."""

    recognised = committed

    def held_back(self, held: Held) -> None:
        """Do nothing: it comes back once it is approved."""

    def altered(self, cmid: str, message: Message) -> None:
        """Never called: the plain protocol changes nothing."""

    def ruled(self, cmid: str, told: Mapping[str, object]) -> None:
        """Never called: plain users are no hosts."""

    def send_acks(self) -> None:
        """Do nothing: there are none."""

    # -- the reader thread ------------------------------------------------------------------------

    def _receive(self, data: str | bytes) -> None:
        size = self._admit(data)
        assert isinstance(data, str)
        frame = plain.decode(data, max_name_length=self._max_name_length)
        if not self.joined:
            self.name = frame.draft.user_name
            self._channels.add.put(Join(self, self._doorstep.prove(self.room)))
            self.joined = True
            if frame.silent:
                return
        self._await_turn()
        self._channels.broadcast.put(Said(self, frame.draft, size + ADDED_BYTES))

    def _await_turn(self) -> None:
        """Wait until it may say one more."""
        if self._pace and self.is_paced:
            who = whose(self.user_id, self.address, self.room)
            self._pace.wait(who, lambda: self.connection.is_closing)

    def _admit(self, data: str | bytes) -> int:
        """The frame's size in bytes, once its sender may go on (see ``Pace``)."""
        if isinstance(data, bytes):
            raise FrameRefused(CloseCode.BINARY, "binary frame; wanted: text frames with JSON")
        size = len(data) if data.isascii() else len(data.encode())
        if size > self._max_message_bytes:
            wanted = f"wanted: {self._max_message_bytes} at most"
            raise FrameRefused(CloseCode.TOO_BIG, f"frame of {size} bytes; {wanted}")
        if not self.connection.is_closing:
            self.connection.pace.await_bytes(size)
        return size

    def listen_write(self) -> None:
        """Send what the socket did not accept in place. The writer thread's whole life."""
        try:
            self._flush()
        except Exception as error:
            self.connection.cut()  # frees the reader
            if not isinstance(error, OSError):
                log.exception("error: %s: its writer failed", self)
            self._report(f"its writer failed: {error}")

    def _flush(self) -> None:
        try:
            self.connection.flush()
        except ChatError as error:
            self._report(str(error))
            self.end(CloseCode.SERVER_ERROR, "history unavailable", drop=True)
            self.connection.flush()  # the Close

    def _report(self, cause: str) -> None:
        try:
            self._channels.error.put(UserError(self.id, cause))
        except ChannelClosed:
            log.warning("error: %s: %s", self, cause)
