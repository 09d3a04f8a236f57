"""Which message another one answers, where both are lines of text."""

from __future__ import annotations

from chatroom.client.inbox import REMEMBERED
from chatroom.message import Message


class Answered:
    """When the last messages were said, and by whom; never their texts. Used on one thread."""

    def __init__(self) -> None:
        self._starts: dict[str, str] = {}  # id -> how its line begins

    def __contains__(self, id: str) -> bool:
        return id in self._starts

    def add(self, id: str, start: str) -> None:
        """Remember how a message's line begins, or begins now."""
        self._starts[id] = start
        if len(self._starts) > REMEMBERED:
            del self._starts[next(iter(self._starts))]

    def start(self, id: str) -> str:
        """How the line of a message begins that is among these; the id of any other one."""
        return self._starts.get(id, id)

    def line_above(self, message: Message) -> str:
        """A line for above a message that answers another one; otherwise nothing.

        Two spaces before it: no line of a message begins so, whatever is said in it.
        """
        return f"  in reply to {self.start(message.reply_to)}\n" if message.reply_to else ""
