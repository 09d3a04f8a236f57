"""One search: what it looks for, what it has found, and how long it may go on."""

from __future__ import annotations

import time
from collections.abc import Iterator

from chatroom.errors import SearchTooLong
from chatroom.history.words import matcher, words_of
from chatroom.message import Message

SEARCHING_SECONDS = 5.0
"""How long a search may look for messages: in a room of a million, most take milliseconds."""


class Hunt:
    """Collects the newest messages that contain the words. Used by one thread.

    Args:
        name: the history's, for errors.
        text: as in ``History.search``.
        limit: likewise.
    """

    def __init__(self, name: str, text: str, limit: int) -> None:
        self.words = words_of(text)
        self._name = name
        self._limit = limit if self.words else 0
        self._newest_first: list[Message] = []
        self._deadline = time.monotonic() + SEARCHING_SECONDS

    def is_over(self) -> bool:
        """Whether there is nothing more to look for."""
        return len(self._newest_first) >= self._limit

    def through(self, pages: Iterator[list[Message]]) -> None:
        """Look through the pages, which have the newest messages first, until it is over.

        Raises:
            SearchTooLong: its time was not enough.
        """
        if self.is_over():
            return
        matches = matcher(self.words)
        for page in pages:
            for message in page:
                self.demand_time()
                if matches(message.body):
                    self._newest_first.append(message)
                    if self.is_over():
                        return

    def found(self) -> list[Message]:
        """What it has found, oldest first."""
        return self._newest_first[::-1]

    def is_late(self) -> bool:
        """Whether its time is over."""
        return time.monotonic() >= self._deadline

    def demand_time(self) -> None:
        """Make sure that its time isn't over yet.

        Raises:
            SearchTooLong: it is.
        """
        if self.is_late():
            cause = f"the search took longer than {SEARCHING_SECONDS:g} s"
            raise SearchTooLong(self._name, cause, "search for more words, or for rarer ones")
