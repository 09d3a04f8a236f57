"""What a history keeps for the hosts of its rooms: the part of its interface that is about them."""

from __future__ import annotations

from abc import ABC, abstractmethod

from chatroom.history.effects import NO_EFFECTS, Effects
from chatroom.history.host_log import LogEntry
from chatroom.message import Evidence


class HostRecords(ABC):
    """What rooms have decided, what hosts have done, and what they have removed."""

    @abstractmethod
    def enact(
        self, room: str, charter: str, entry: LogEntry | None, effects: Effects = NO_EFFECTS
    ) -> None:
        """Commit what a room has decided about itself, and who did it. The owner's thread.

        Args:
            room: "" for the whole server.
            charter: as ``charter`` returns it; "" for a room that decides nothing.
            entry: for ``host_log``. Everywhere, what is older than ``host_log.KEEP_DAYS`` by then
                is dropped; of this room, whatever exceeds ``host_log.MOST_ENTRIES``.
            effects: what else it brings about: all of it, or nothing.

        Raises:
            HistoryUnavailable: nothing is decided.
        """

    @abstractmethod
    def charter(self, room: str) -> str:
        """What ``enact`` has committed last; "" if nothing.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def decided(self) -> list[str]:
        """The rooms of which there is a charter; among them "", if the whole server has one.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def host_log(self, room: str) -> list[LogEntry]:
        """What hosts have done there, newest first: ``host_log.MOST_ENTRIES`` at most.

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
    def erase(self, removed_before: int, step: int) -> int:
        """Drop the evidence of what was removed before a time, in Unix milliseconds; ``step``
        pieces at most. Returns how many. The owner's thread.

        Raises:
            HistoryUnavailable: none of it is dropped.
        """

    @abstractmethod
    def clean(self) -> None:
        """Make sure that no file has a text any more that was changed, removed or erased before:
        neither in unused parts nor in a log nor in an index. Quick if there is none; also after a
        restart. The owner's thread.

        Raises:
            HistoryUnavailable: there may still be some; try again later.
        """
