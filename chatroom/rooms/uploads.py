"""Who may upload, and how much there is. Owned by the Server thread."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from chatroom.errors import Refusal
from chatroom.files.stored import StoredFile
from chatroom.history import History
from chatroom.rooms.active_rooms import ActiveRooms
from chatroom.rooms.policy import Policy
from chatroom.sockets.budget import Budgets
from chatroom.users.http_speaker import HttpSpeaker

MOST_OF_ONE, IN_SECONDS = 20, 600
"""Uploads that one person can begin in so many seconds."""


class Uploads:
    """What is uploaded is known to the history from its first byte on: so whatever happens, it is
    deleted by what the history knows, and nothing else ever is.

    Args:
        history: the Server's.
        rooms: the Server's.
        policy: says who may speak.
        files_bytes: of all files together, at most.
    """

    def __init__(
        self, history: History, rooms: ActiveRooms, policy: Policy, files_bytes: int
    ) -> None:
        self._history = history
        self._rooms = rooms
        self._policy = policy
        self._files_bytes = files_bytes
        self._bytes: int | None = None  # of all files; read on first use
        self.completed = 0
        """Files since the start; any thread may read it."""
        self._budgets = Budgets(MOST_OF_ONE / IN_SECONDS, MOST_OF_ONE + 0.001)

    def begin(self, speaker: HttpSpeaker, file: StoredFile) -> None:
        """Somebody wants to upload a file of at most ``file.size`` bytes.

        Raises:
            Refusal: ``no-space``, ``too-many-files``; what the room's rules say.
            HistoryUnavailable: it cannot be noted now.
        """
        self._judge(speaker)
        total = self._total()
        if total + file.size > self._files_bytes:
            detail = (
                "No more files can be stored here (filesBytes). Messages can; and once some with "
                "files are removed, there is room again."
            )
            raise Refusal("no-space", detail)
        budget = self._budgets.of_key(speaker.user_id)
        if not budget.try_to_spend(1):
            seconds = max(1, math.ceil(budget.seconds_until(1)))
            detail = f"That were {MOST_OF_ONE} files in {IN_SECONDS // 60} minutes; wait a little."
            raise Refusal("too-many-files", detail, retryAfter=seconds)
        self._history.add_file(file)
        self._bytes = total + file.size

    def _judge(self, speaker: HttpSpeaker) -> None:
        room = self._rooms.look_into(speaker.room)
        try:
            now = time.time_ns() // 1_000_000
            if refusal := self._policy.may_upload(speaker, room.standing_of(speaker, now)):
                raise refusal
        finally:
            self._rooms.forget_if_empty(speaker.room)

    def complete(self, file: StoredFile, reserved: int) -> None:
        """It is whole.

        Args:
            reserved: the size with which it began.

        Raises:
            HistoryUnavailable: that is not noted.
        """
        self._history.complete_file(file)
        self.completed += 1
        self._bytes = self._total() - reserved + file.size

    def drop(self, ids: Sequence[str]) -> None:
        """The bytes of these files are gone.

        Raises:
            HistoryUnavailable: that is not noted.
        """
        total = self._total()
        self._bytes = total - self._history.drop_files(ids)

    def _total(self) -> int:
        if self._bytes is None:
            self._bytes = self._history.files_bytes()
        return self._bytes
