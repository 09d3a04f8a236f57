"""What somebody at a terminal can answer: the last message of each name."""

from __future__ import annotations

from chatroom.commands.formats import shown_name
from chatroom.message import Message
from chatroom.names import folded

NAMES = 1000
"""That are remembered: those who have spoken last."""


class LatelySaid:
    """By name, as it is on the screen. One thread writes, another one may read."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}  # name -> id of the last message; the latest at the end

    def add(self, message: Message) -> None:
        """It is on the screen."""
        name = shown_name(message)
        self._ids.pop(name, None)
        self._ids[name] = message.id
        if len(self._ids) > NAMES:
            del self._ids[next(iter(self._ids))]

    def forget(self, id: str) -> None:
        """The message is removed."""
        for name in [name for name, its in self._ids.items() if its == id]:
            del self._ids[name]

    @property
    def last(self) -> str:
        """The id of the last message of all; "" if there is none."""
        return next(reversed(list(self._ids.values())), "")

    def addressed(self, text: str) -> tuple[str, str]:
        """The id of the last message of whoever the text begins with, and the rest of the text; ""
        and the text if that is nobody. Of several names, the longest: names may have spaces.
        """
        for name in sorted(self._ids.copy(), key=len, reverse=True):
            start, rest = text[: len(name)], text[len(name) :]
            if folded(start) == folded(name) and rest[:1].strip(": ,") == "":
                return self._ids.get(name, ""), rest.lstrip(": ,")
        return "", text
