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
    """What a room keeps."""

    newest: int
    """The seq of its newest message."""
    keep_messages: int
    """So many of the newest; 0: all."""
    keep_since: int
    """What was sent then or later, in Unix milliseconds; 0: all."""

    def lets_go(self, message: Aged) -> bool:
        """Whether to delete the message, and with it all that came before."""
        is_too_many = 0 < self.keep_messages <= self.newest - message.seq
        is_too_old = self.keep_since > 0 and message.sent_at < self.keep_since
        return is_too_many or is_too_old

    def to_go(self, oldest: Iterable[Aged]) -> tuple[int, int]:
        """The last seq to delete in this step, and how many, of the oldest messages.

        Nothing counts as younger than what came after it: one that a wrong clock dated in the
        future goes with the others. As far as this step looks: if all its messages stay, so do
        those behind them.
        """
        last = count = size = 0
        for number, message in enumerate(oldest, 1):
            if size >= STEP_BYTES:
                break
            if self.lets_go(message):
                last, count = message.seq, number
            size += message.size
        return last, count
