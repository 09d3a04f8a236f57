"""One search: what it looks for, what it has found, and how long it may go on."""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterable, Iterator

from chatroom.errors import SearchTooLong
from chatroom.history.words import matcher, words_of
from chatroom.message import Message

SEARCHING_SECONDS = 5.0
"""How long a search may look for messages: in a room of a million, most take milliseconds."""


def seq_of(message: Message) -> int:
    """Its place in the room."""
    return message.seq


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
        self._matches = matcher(self.words) if self.words else lambda body: False
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
        for page in pages:
            for message in self._matching(page):
                self._newest_first.append(message)
                if self.is_over():
                    return

    def newest(self, messages: Iterable[Message]) -> list[Message]:
        """Of messages in any order, the newest that contain the words, newest first: at most as
        many as it may find.

        Raises:
            SearchTooLong: its time was not enough.
        """
        return heapq.nlargest(self._limit, self._matching(messages), key=seq_of)

    def _matching(self, messages: Iterable[Message]) -> Iterator[Message]:
        for message in messages:
            self.demand_time()
            if self._matches(message.body):
                yield message

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
