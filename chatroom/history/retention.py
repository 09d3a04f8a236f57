"""Which of a room's messages to delete: the same rule for every history."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

STEP_BYTES = 1 << 20
"""Text deleted at once: a long message takes many pages, and each one has to be visited."""


class Aged(NamedTuple):
    """What decides whether a message is deleted."""

    seq: int
    sent_at: int
    size: int
    """Approximate characters."""


class Retention(NamedTuple):
    """What a room keeps, in addition to its newest message."""

    newest: int
    """That message's seq."""
    keep_messages: int
    """So many of the newest; 0: all."""
    keep_since: int
    """What was sent then or later, in Unix milliseconds; 0: all."""

    def lets_go(self, message: Aged) -> bool:
        """Whether to delete the message, given that all older ones are gone."""
        is_too_many = 0 < self.keep_messages <= self.newest - message.seq
        is_too_old = self.keep_since > 0 and message.sent_at < self.keep_since
        return message.seq < self.newest and (is_too_many or is_too_old)

    def to_go(self, oldest: Iterable[Aged]) -> tuple[int, int]:
        """The last seq to delete in this step, and how many, of the oldest messages.

        Stops at the first one that stays, whatever comes after it: a room is kept without
        gaps, even if the clock was set back.
        """
        last = count = size = 0
        for message in oldest:
            if not self.lets_go(message) or size >= STEP_BYTES:
                break
            last = message.seq
            count += 1
            size += message.size
        return last, count
