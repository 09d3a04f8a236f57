"""Which of a room's messages are to go: the same for every history."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

STEP_BYTES = 1 << 20
"""Text that goes at once: a long message takes many pages, and each is looked at as it goes."""


class Aged(NamedTuple):
    """What decides over a message."""

    seq: int
    sent_at: int
    size: int
    """Characters, about."""


class Retention(NamedTuple):
    """What a room keeps, besides its newest message."""

    newest: int
    """That message's seq."""
    keep_messages: int
    """So many of the newest; 0: all."""
    keep_since: int
    """What was sent then or later, in Unix milliseconds; 0: all."""

    def lets_go(self, message: Aged) -> bool:
        """Whether the message is to go, when all that are older are gone."""
        is_too_many = 0 < self.keep_messages <= self.newest - message.seq
        is_too_old = self.keep_since > 0 and message.sent_at < self.keep_since
        return message.seq < self.newest and (is_too_many or is_too_old)

    def to_go(self, oldest: Iterable[Aged]) -> tuple[int, int]:
        """The last seq that goes in this step, and how many do, of the oldest messages.

        It ends with the first that stays, whatever comes behind it, since a room is kept
        without holes: a clock that was set back doesn't make one.
        """
        last = count = size = 0
        for message in oldest:
            if not self.lets_go(message) or size >= STEP_BYTES:
                break
            last = message.seq
            count += 1
            size += message.size
        return last, count
