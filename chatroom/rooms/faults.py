"""What goes wrong on the Server thread or with a user: logged, and counted for ``/healthz``."""

from __future__ import annotations

import logging

from chatroom.errors import ChatError, HistoryError
from chatroom.tally import Tally

log = logging.getLogger(__name__)


class Faults:
    """Owned by the Server thread; any thread may read ``count``.

    Args:
        tally: counts messages; None where nobody reads it.
    """

    def __init__(self, tally: Tally | None = None) -> None:
        self.count = 0
        self._tally = tally or Tally()

    def note(self, error: ChatError) -> None:
        """A user failed or was dropped."""
        self.count += 1
        log.warning("error: %s", error)

    def note_failure(self, what: str, error: Exception) -> None:
        """An operation failed; an unexpected error is logged with its traceback."""
        self.count += 1
        unexpected = None if isinstance(error, HistoryError) else error
        log.error("error: %s: %s", what, error, exc_info=unexpected)

    def note_not_stored(self, messages: int, error: Exception) -> None:
        """So many messages are lost to those who said them."""
        self._tally.not_stored += messages
        self.note_failure(f"{messages} messages not stored", error)

    def note_bug(self) -> None:
        """Called in an ``except`` block; the Server goes on."""
        self.count += 1
        log.exception("error: the Server goes on")
