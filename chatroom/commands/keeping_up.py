"""What ``tail --json`` has missed of people's reactions, while it was away or before it came."""

from __future__ import annotations

from chatroom.client import ChatClient
from chatroom.client.events import Event, ReactionCounts
from chatroom.message import Message


class KeepingUp:
    """Knows how far the reactions of a room are known, and asks for the others. On one thread.

    What is said while the client is away comes without reactions, once it is back; reactions to
    what it has come as far as it asks for them. See docs/protocol.md.

    Args:
        chat: whose events these are.
    """

    def __init__(self, chat: ChatClient) -> None:
        self.is_waiting = False
        """For an answer."""
        self._chat = chat
        self._mark: int | None = None  # known up to here; None before anything is
        self._room_mark = 0  # of the newest change that was told, or that the welcome had
        self._is_level = False  # what is told is all that was not known
        self._first = ""  # the first message since the connection began

    @property
    def has_any(self) -> bool:
        """Somebody has reacted to something."""
        return self._room_mark > 0

    def take(self, item: Message | Event) -> None:
        """Everything that the client hears, in order."""
        if isinstance(item, Message):
            self._first = self._first or item.id
        elif isinstance(item, ReactionCounts):
            self._room_mark = max(self._room_mark, item.mark)
            if self._is_level or (self.is_waiting and item.is_answer):
                self.know()
        elif item.type == "welcome":
            mark = item.fields.get("reactions")
            self._room_mark = mark if type(mark) is int else 0
            self._is_level = self.is_waiting = False
            self._first = ""
            if item.fields.get("recovered") is False:
                self._mark = None

    def know(self) -> None:
        """All that there is by now is known."""
        self._mark, self._is_level, self.is_waiting = self._room_mark, True, False

    def catch_up(self) -> None:
        """Ask, if there is something to ask for; once the past is complete."""
        if self._mark is None and self._first and self._room_mark:
            self._ask(first=self._first)
        elif self._mark is not None and self._mark < self._room_mark:
            self._ask(since=self._mark)
        else:
            self.know()

    def _ask(self, since: int = 0, first: str | None = None) -> None:
        self.is_waiting = True
        self._chat.ask_reactions(since, first)
