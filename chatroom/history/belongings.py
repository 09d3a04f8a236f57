"""The part of the interface of a history that is about one person, by user id."""

from __future__ import annotations

from abc import ABC, abstractmethod

from chatroom.message import Message


class Belongings(ABC):
    """What somebody has left in rooms."""

    @abstractmethod
    def written_by(self, room: str, user_id: str, after: int) -> list[Message]:
        """The person's messages in a room with a seq above ``after``, also what is left of those
        that were removed, oldest first: a page of them, empty if there is none. Any thread.

        Looks at all the room's messages: of a large one, that takes a second.

        Args:
            user_id: not empty, which would be every plain user's.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    @abstractmethod
    def forget_in_log(self, room: str, user_id: str, stranger: str) -> None:
        """A person is gone from the room's host log: what they were called, and their id. What was
        done stays, also who has done it to whom as far as those are others. The owner's thread.

        Args:
            room: "" for the whole server.
            stranger: an id that nobody has, for the place of theirs.

        Raises:
            HistoryUnavailable: they are still there.
        """
