"""The part of the interface of a history in which rooms decide about themselves."""

from __future__ import annotations

from abc import abstractmethod

from chatroom.errors import HistoryUnavailable
from chatroom.history.effects import NO_EFFECTS, Effects
from chatroom.history.file_records import FileRecords
from chatroom.history.host_log import LogEntry
from chatroom.history.reaction_records import ReactionRecords
from chatroom.message import Evidence, Held, Message


class Decisions(FileRecords, ReactionRecords):
    """What rooms have decided, what hosts have done and removed, and what waits for them.

    ``rewrite``, ``enact``, ``hold``, ``settle``, ``erase`` and ``clean`` are called by the thread
    that owns the history; what only reads, by any thread.
    """

    @abstractmethod
    def hold(self, held: Held) -> None:
        """Commit what waits for a host's approval.

        Raises:
            CmidTaken: the room holds something with that user_id and cmid already; whether it has
                such a message, whoever asks knows by ``find``.
            HistoryUnavailable: it is not kept.
        """

    @abstractmethod
    def settle(self, held: Held, message: Message | None, entry: LogEntry | None) -> None:
        """Hold it no longer, all of this or none.

        Args:
            message: what it has become, with its room's next seq; None if it has become nothing.
            entry: for ``host_log``.

        Raises:
            CmidTaken: as ``append``.
            HistoryUnavailable: it is still held.
        """

    @abstractmethod
    def held(self, room: str) -> list[Held]:
        """What waits there for a host's approval, oldest first.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def held_before(self, moment: int, limit: int) -> list[Held]:
        """What waits since before a time, in Unix milliseconds, in whichever room: some of it.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def rewrite(
        self, message: Message, before: Evidence | None = None, entry: LogEntry | None = None
    ) -> None:
        """Commit a message's new state; it keeps its id. The owner's thread.

        Args:
            message: with the room's next rev: ``rev(room) + 1``.
            before: what it was, to be kept as evidence if it is removed. Otherwise whatever
                evidence there is of it is dropped.
            entry: for ``host_log``, if a host did it: see ``enact``.

        Raises:
            HistoryUnavailable: it is not changed; also if it is not stored any more.
        """

    @abstractmethod
    def enact(
        self, room: str, charter: str, entry: LogEntry | None, effects: Effects = NO_EFFECTS
    ) -> None:
        """Commit what a room has decided about itself, and who did it.

        Args:
            room: "" for the whole server.
            charter: as ``charter`` returns it; "" for a room that decides nothing.
            entry: for ``host_log``. Everywhere, some of what is older than ``host_log.KEEP_DAYS``
                by then is dropped, see also ``erase``; of this room, whatever exceeds
                ``host_log.MOST_ENTRIES``.
            effects: what else it brings about: all of it, or nothing.

        Raises:
            HistoryUnavailable: nothing is decided; also if something is not held any more.
        """

    @abstractmethod
    def charter(self, room: str) -> str:
        """What ``enact`` has committed last; "" if nothing.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def charters(self) -> dict[str, str]:
        """All of them, by room; "" for the whole server, if it has one.

        Raises:
            HistoryUnavailable: they cannot be read now.
        """

    @abstractmethod
    def decided(self) -> list[str]:
        """The rooms of which there is a charter; among them "", if the whole server has one.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def host_log(self, room: str) -> list[LogEntry]:
        """What hosts have done there, newest first: see ``host_log.MOST_ENTRIES``.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def evidence(self, room: str, seq: int) -> Evidence | None:
        """What a removed message was, if that is still kept.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def kept_evidence(self, room: str, upto: int, limit: int) -> list[int]:
        """The seqs of messages of which there is evidence: the last ``limit``, newest first.

        Args:
            upto: inclusive.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def taken_at(
        self, room: str, removed_at: int, upto: int, limit: int, max_bytes: int
    ) -> list[Message]:
        """What messages were that one act of a host has removed, as far as that is still kept: the
        last ``limit``, newest first, about ``max_bytes`` at most. Their rev is 0.

        Args:
            removed_at: as their evidence has it.
            upto: a seq, inclusive.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def deleted(self) -> dict[str, bytes]:
        """What tells each room that was ever deleted from the next one of its name, by
        ``deleted.mark``.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def erase(self, removed_before: int, step: int, noted_before: int = 0) -> int:
        """Drop the evidence of what was removed before a time, in Unix milliseconds, and what was
        noted in any ``host_log`` before another; ``step`` pieces at most. Returns how many. The
        owner's thread.

        Raises:
            HistoryUnavailable: none of it is dropped.
        """

    @abstractmethod
    def clean(self, *, takes_its_time: bool = False) -> None:
        """Make sure that no file has a text any more that was changed, removed or erased before:
        neither in unused parts nor in a log nor in an index. Quick if there is none; also after a
        restart. The owner's thread.

        Args:
            takes_its_time: nobody waits for the room meanwhile, however long it takes.

        Raises:
            HistoryUnavailable: there may still be some; try again later.
        """

    @property
    def is_cleaning_long(self) -> bool:
        """``clean`` may take long: who waits for its thread meanwhile has no reason to give up on
        the process. Any thread."""
        return False


def not_held(name: str, held: Held) -> HistoryUnavailable:
    """What ``settle`` raises if somebody else has done it."""
    cause = f"room {held.room!r} does not hold {held.id} any more"
    return HistoryUnavailable(name, cause, "look again what it holds")
