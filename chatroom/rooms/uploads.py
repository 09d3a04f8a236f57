"""Who may upload, and how much there is. Owned by the Server thread."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial

from chatroom.errors import Refusal
from chatroom.files.stored import StoredFile
from chatroom.history import History
from chatroom.rooms.active_rooms import ActiveRooms
from chatroom.rooms.order import Order
from chatroom.rooms.policy import Policy
from chatroom.sockets.budget import Budget, Budgets
from chatroom.users.http_speaker import HttpSpeaker

MOST_OF_ONE, IN_SECONDS = 20, 600
"""Uploads that one person can begin in so many seconds; of several processes, in each."""

MOST_OF_ADDRESS = 400
"""Likewise, all people at one address: whoever says hello again is another person, and each upload
costs the Server thread a look at all files that there are."""

MOST_OF_FILE = 5
"""Thumbnails likewise, of one picture: they are no files of their own."""

FULL = (
    "No more files can be stored here (filesBytes). Messages can; and once some with files are "
    "removed, there is room again."
)


class Uploads:
    """What is uploaded is known to the history from its first byte on: so whatever happens, it is
    deleted by what the history knows, and nothing else ever is.

    Args:
        order: the Server's: who writes its history.
        rooms: the Server's.
        policy: says who may speak.
        files_bytes: of all files together, at most.
    """

    def __init__(self, order: Order, rooms: ActiveRooms, policy: Policy, files_bytes: int) -> None:
        self._order = order
        self._rooms = rooms
        self._policy = policy
        self._files_bytes = files_bytes
        self.completed = 0
        """Files since the start; any thread may read it."""
        self._of_people, self._of_addresses, self._of_files = (
            Budgets(most / IN_SECONDS, most + 0.001)
            for most in (MOST_OF_ONE, MOST_OF_ADDRESS, MOST_OF_FILE)
        )

    def begin(self, speaker: HttpSpeaker, file: StoredFile) -> Future[None]:
        """Somebody wants to upload a file of at most ``file.size`` bytes.

        Returns:
            It is noted; or a Refusal, ``no-space``; or a HistoryUnavailable, if that cannot be.

        Raises:
            Refusal: ``too-many-files``; what the room's rules say.
        """
        own = self._of_people.of_key(speaker.user_id), f"{MOST_OF_ONE} files"
        shared = self._of_addresses.of(speaker.address), f"{MOST_OF_ADDRESS} files from one address"
        for budget, many in (own, shared):
            _demand_turn(budget, many)
        self._judge(speaker)  # may read the room: so it comes last
        for budget, _ in (own, shared):
            budget.spend(1)
        return self._order.write(partial(self._add, file))

    def begin_thumbnail(self, speaker: HttpSpeaker, id: str) -> None:
        """Somebody wants to add a thumbnail to a picture of theirs.

        Args:
            id: the picture's.

        Raises:
            Refusal: as ``begin``.
        """
        budget = self._of_files.of_key(id)
        _demand_turn(budget, f"{MOST_OF_FILE} thumbnails of one picture")
        self._judge(speaker)
        budget.spend(1)

    def _add(self, file: StoredFile, history: History) -> None:
        if not history.add_file(file, self._files_bytes):
            raise Refusal("no-space", FULL)

    def _judge(self, speaker: HttpSpeaker) -> None:
        room = self._rooms.look_into(speaker.room)
        try:
            now = time.time_ns() // 1_000_000
            if refusal := self._policy.may_upload(speaker, room.standing_of(speaker, now)):
                raise refusal
        finally:
            self._rooms.forget_if_empty(speaker.room)

    def complete(self, file: StoredFile) -> Future[None]:
        """It is whole.

        Returns:
            That is noted; or a HistoryUnavailable, if it is not.
        """
        return self._order.write(partial(self._complete, file))

    def _complete(self, file: StoredFile, history: History) -> None:
        history.complete_file(file)
        self.completed += 1

    def drop(self, ids: Sequence[str]) -> Future[int]:
        """The bytes of these files are gone.

        Returns:
            That is noted; or a HistoryUnavailable, if it is not.
        """
        return self._order.write(lambda history: history.drop_files(ids))


def _demand_turn(budget: Budget, many: str) -> None:
    if not budget.covers(1):
        seconds = max(1, math.ceil(budget.seconds_until(1)))
        detail = f"That were {many} in {IN_SECONDS // 60} minutes; wait a little."
        raise Refusal("too-many-files", detail, retryAfter=seconds)
