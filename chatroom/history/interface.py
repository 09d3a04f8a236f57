"""The interface of a history, which stores the messages of all rooms.

A history is written by one thread, the Server's, and read by any.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from chatroom.history.belongings import Belongings
from chatroom.history.decisions import Decisions
from chatroom.message import BEGINNING, Message, MessageId, RoomSummary


class History(Decisions, Belongings):
    """The committed messages of every room.

    Whatever writes, ``append``, ``rewrite``, ``trim``, ``erase``, ``clean``, ``delete`` and
    ``probe``, and ``open`` and ``close``, is called by the thread that owns the history;
    everything that only reads, by any thread.

    A room is stored without gaps: from ``first`` to ``head`` every seq is there, or none is now.
    What was removed is there, too, as an empty message: see ``Message.removed``.
    """

    name: str
    """The setting that made it, such as ``sqlite:chat.db``: for logs and errors."""
    is_new = False
    """There was none before it was opened."""

    @abstractmethod
    def check(self) -> None:
        """Check thoroughly whether ``open`` can work; changes nothing.

        Raises:
            HistoryRefused: it is corrupt, foreign, newer than this program, read-only,
                or in use by another process.
        """

    @abstractmethod
    def open(self, *, patience: float = 0.0) -> None:
        """Make it ready for reading and writing.

        Args:
            patience: seconds to wait for another process to release it.

        Raises:
            HistoryRefused: as ``check``.
        """

    @abstractmethod
    def append(
        self, messages: Sequence[Message], charters: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Commit the messages, all or none: when this returns, ``kill -9`` loses none.

        Args:
            charters: by room, those that are decided with its first message: see ``enact``.

        Raises:
            CmidTaken: the room has a message with that user_id and cmid already, or the
                batch has it twice; none of the batch is stored. An empty cmid is never taken.
            HistoryUnavailable: none of them is stored.
        """

    @abstractmethod
    def trim(self, room: str, keep_messages: int, keep_since: int, step: int) -> int:
        """Delete some of the room's oldest messages; its head stays, so that seq goes on.

        Args:
            keep_messages: how many of the newest stay; 0: all.
            keep_since: what was sent then or later stays, in Unix milliseconds; 0: all. What
                came before a message that goes also goes, however it is dated: no gaps.
            step: how many to look at, and to delete, at most; fewer if they are long.

        Returns:
            How many were deleted; 0 if nothing is left to delete.

        Raises:
            HistoryUnavailable: none of them is deleted.
        """

    @abstractmethod
    def delete(self, room: str) -> int:
        """Delete a room, if there is one, also from unused parts of a file; how many messages.

        Takes long. A room of that name begins at 1 again, with other nonces: no id is used twice.

        Raises:
            HistoryUnavailable: it is not deleted, or parts of a file may still have its texts.
        """

    @abstractmethod
    def probe(self) -> None:
        """Prove by a real write that ``append`` works again; stores no message.

        Raises:
            HistoryUnavailable: it does not.
        """

    @abstractmethod
    def head(self, room: str) -> MessageId:
        """The id of the room's last message, also if that one is deleted; else ``BEGINNING``.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def tail(self, room: str, limit: int, max_bytes: int) -> list[Message]:
        """The room's last messages, oldest first: ``limit`` at most, about ``max_bytes`` at most.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def pages(self, room: str, after: int, upto: int) -> Iterator[list[Message]]:
        """The room's messages with ``after < seq <= upto``, oldest first, a page at a time.

        A page is small (about 256 KiB, never empty), and nothing that could block the writer
        is held between two pages.

        Raises:
            HistoryUnavailable: it cannot be read now; also between two pages.
        """

    @abstractmethod
    def before(self, room: str, seq: int, limit: int, max_bytes: int) -> list[Message]:
        """The last messages below ``seq``, oldest first, within the same limits as ``tail``.

        Args:
            seq: exclusive; ``sys.maxsize`` asks for the newest.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def first(self, room: str) -> int:
        """The seq of the oldest message that is still stored; 0 if none is.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def has(self, room: str, seq: int, nonce: str) -> bool:
        """Whether exactly this message is stored.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    def reaches_back_to(self, room: str, id: MessageId) -> bool:
        """Whether everything after this message is still stored: only then is a cursor valid.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        if id == BEGINNING:
            # In this order: otherwise the room's first message might come in between.
            return self.head(room) == BEGINNING or self.first(room) == 1
        return self.has(room, *id) or self.head(room) == id

    @abstractmethod
    def rev(self, room: str) -> int:
        """How many changes of messages the room has seen; each message bears its last one's.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def changes(self, room: str, after: int) -> list[Message]:
        """Messages whose rev is above ``after``, by rev: a page of them, empty if there is none.

        A message that changed again is there once, as it is now; one that was trimmed isn't.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    def one(self, room: str, id: MessageId) -> Message | None:
        """The message with this id, also if it is removed; None if it isn't stored.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        page = next(self.pages(room, id.seq - 1, id.seq), [])
        return next((message for message in page if message.nonce == id.nonce), None)

    @abstractmethod
    def find(self, room: str, user_id: str, cmid: str) -> Message | None:
        """The user's message with this cmid, if it is still stored; None for an empty cmid.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def search(self, room: str, text: str, before: int, limit: int) -> list[Message]:
        """The newest ``limit`` messages below ``before`` that contain all words, oldest first.

        Every history finds the same: see ``words.tokens`` and ``words.words_of``; any text is just
        words. The last one also matches as a prefix. Without words, nothing is found.

        Raises:
            SearchTooLong: it was ended after ``searching.SEARCHING_SECONDS``.
            HistoryUnavailable: it cannot be searched now; the way out says when it can.
        """

    @abstractmethod
    def rooms(self) -> list[RoomSummary]:
        """Every room that ever had a message, by name.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def secret(self) -> bytes:
        """32 random bytes, created once and kept with the messages: the key that signs tokens.

        Raises:
            HistoryUnavailable: it isn't open.
        """

    @abstractmethod
    def close(self) -> None:
        """Release everything; idempotent. Later calls raise HistoryUnavailable."""
