"""The part of the interface of a history that keeps reactions."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence

from chatroom.errors import HistoryUnavailable
from chatroom.message import MessageId
from chatroom.reactions import EVERYTHING, Click, Reacted, Span


class ReactionRecords(ABC):
    """Who has reacted to what. A history that keeps no reactions need not do anything.

    They go with their message, in the same transaction, whether it is removed, trimmed, evicted or
    deleted. One that is removed has none, with a new mark, if it had any: so if it is restored,
    whoever was away all the while hears that they are gone.
    """

    name: str
    keeps_reactions = False
    """It does all of this."""

    def react(self, clicks: Sequence[Click]) -> list[bool]:
        """Commit them, all or none, in order. The owner's thread.

        Returns:
            Of each, whether its message is there.

        Raises:
            HistoryUnavailable: none of them is stored.
        """
        raise HistoryUnavailable(self.name, "it keeps no reactions", "use a history in SQLite")

    def reacted(
        self, room: str, span: Span = EVERYTHING, *, people: int = 0, user_id: str = ""
    ) -> list[Reacted]:
        """The reactions to the room's messages in the span, also to those that have none any more,
        oldest message first: of the newest ``reactions.MOST_TOLD`` at most. Any thread.

        Args:
            people: how many are named with each kind; where they would be more than
                ``reactions.MOST_NAMED`` in all, only with the newest messages.
            user_id: whoever asks.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        return []

    def last_mark(self, room: str) -> int:
        """The highest mark among the room's messages; 0 if nobody has reacted to any. Any thread.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        return 0

    def reactions_of(self, room: str, user_id: str) -> list[tuple[MessageId, str]]:
        """A person's reactions in a room: to which message, and the kind. Any thread.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        return []

    def forget_reactions(self, room: str, user_id: str) -> int:
        """Commit that the person has no reactions in the room any more; how many they were. The
        owner's thread.

        Raises:
            HistoryUnavailable: they are still there.
        """
        return 0
