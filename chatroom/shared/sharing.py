"""What a process has that shares its rooms with others: made before a fork, started after it."""

from __future__ import annotations

import time

from chatroom.history.shared import SharedHistory
from chatroom.rooms.policy import Policy
from chatroom.rooms.rules import Rules
from chatroom.rooms.server import Server
from chatroom.shared.keeper import Keeper
from chatroom.shared.order import PATIENCE, SharedOrder
from chatroom.tally import Tally


class Sharing:
    """The threads besides the Server's.

    Args:
        history: the Engine's; whatever is said is written through it.
        keeping: another one of the same database, through which what others do is read, and which
            keeps it in order.
        policy: the Server's, like the next two.
    """

    def __init__(
        self,
        history: SharedHistory,
        keeping: SharedHistory,
        policy: Policy,
        rules: Rules,
        tally: Tally,
    ) -> None:
        self._history = history
        self._keeping = keeping
        self.keeper = Keeper(keeping, rules)
        self.order = SharedOrder(history, policy, tally, keeping.missed, lambda news: None)

    def start(self, server: Server, *, patience: float) -> None:
        """Start them, before the Server's, once the history is open."""
        self._keeping.open(patience=patience)
        self._history.patience = PATIENCE
        self.keeper.start(server.heard.put)
        self.order.start(server.house, server.heard.put)

    def hurry(self, seconds: float) -> None:
        """The room is about to stop: nothing is tried any longer than this."""
        self._history.hurry(time.monotonic() + seconds)
        self._keeping.hurry(time.monotonic() + seconds)

    def stop(self) -> None:
        """End them, after the Server's. Idempotent."""
        self.order.stop()
        self.keeper.stop()
        self._keeping.close()
