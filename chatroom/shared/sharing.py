"""What a process has that shares its rooms with others: made before a fork, started after it."""

from __future__ import annotations

import secrets
import time
from typing import NamedTuple

from chatroom.channel import Channel
from chatroom.history.shared import SharedHistory
from chatroom.rooms.bus import CrowdNews, IsTyping, ReactionNews, RoomNews
from chatroom.rooms.charter import House
from chatroom.rooms.elsewhere import Missing, Word
from chatroom.rooms.mirrors import AboutPeople
from chatroom.rooms.order import Later
from chatroom.rooms.policy import Policy
from chatroom.rooms.rules import Rules
from chatroom.rooms.verdicts import Outcome
from chatroom.shared.crier import Crier
from chatroom.shared.ear import Ear
from chatroom.shared.folder_mark import demand_mark
from chatroom.shared.hints import Hint, key_from
from chatroom.shared.keeper import Keeper
from chatroom.shared.order import PATIENCE, SharedOrder
from chatroom.shared.register import SharedRegister
from chatroom.tally import Tally

MOST_HINTS = 5_000
"""That wait for the Server thread, of 8 kB at most, while it stands still; the rest is left out."""


class Figures(NamedTuple):
    """What this process has told others, and heard of them, since the start."""

    told: int
    dropped: int
    heard: int
    forged: int
    reconnects: int
    looks: int
    forks: int
    lag: float
    """Seconds. See ``Keeper``."""


class Sharing:
    """The threads besides the Server's.

    Args:
        url: of the database.
        history: the Engine's; whatever is said is written through it.
        keeping: another one of the same database, through which what others do is read, and which
            keeps it in order.
        policy: the Server's, like the next two.
    """

    def __init__(
        self,
        url: str,
        history: SharedHistory,
        keeping: SharedHistory,
        policy: Policy,
        rules: Rules,
        tally: Tally,
    ) -> None:
        self._history = history
        self._keeping = keeping
        self._heard: Channel[Outcome | Later | AboutPeople | Word]
        self.bus = Crier(url)
        self._ear = Ear(
            url,
            self.bus,
            self._hear,
            lambda: self._heard.put(Missing()),
            is_full=lambda: self._heard.qsize() >= MOST_HINTS,
        )
        self.keeper = Keeper(keeping, rules, self._ear.taken)
        self.register = SharedRegister(
            policy,
            rules.max_name_length,
            rules.leave_grace,
            self.bus,
            self.bus.tell,
            everybody_makes_rooms=rules.everybody_makes_rooms,
        )
        self.order = SharedOrder(history, policy, tally, keeping.missed, self.bus.tell)

    def demand_folder(self) -> None:
        """Make sure that the folder of files is the one that all processes have, once the history
        is open, before ``start``.

        Raises:
            HistoryRefused: it is another one, or cannot be used.
        """
        folder = self._history.files_folder()
        assert folder
        demand_mark(self._history, folder)

    def start(
        self, house: House, heard: Channel[Outcome | Later | AboutPeople | Word], *, patience: float
    ) -> None:
        """Start them, before the Server's, once the history is open.

        Args:
            house: the Server's, like ``heard``.
            patience: as of ``History.open``.

        Raises:
            HistoryRefused: nothing can be heard from other processes.
        """
        self._heard = heard
        self.register.start(heard)
        process, key = secrets.randbits(62), key_from(self._history.secret())
        self._ear.open(process, key)
        self._keeping.open(patience=patience)
        self._history.patience = PATIENCE
        self.bus.start(process, key)
        self._ear.start()
        self.keeper.start(heard.put)
        self.order.start(house, heard.put)

    def figures(self) -> Figures:
        """Any thread; as in ``tally.py``."""
        crier, ear, keeper = self.bus, self._ear, self.keeper
        told = crier.told, crier.dropped, ear.heard, ear.forged, ear.reconnects
        return Figures(*told, keeper.looks, keeper.forks, keeper.lag)

    def depart(self) -> None:
        """The room is about to be left by everybody here: they are waited for elsewhere."""
        self.register.depart()

    def hurry(self, seconds: float) -> None:
        """The room is about to stop: nothing is tried any longer than this."""
        self._history.hurry(time.monotonic() + seconds)
        self._keeping.hurry(time.monotonic() + seconds)

    def stop(self, timeout: float) -> None:
        """End them, after the Server's. Idempotent.

        Args:
            timeout: seconds that telling others may take.
        """
        self.order.stop()
        self.keeper.stop()
        self._ear.stop(timeout)
        self.bus.stop(timeout)
        self._keeping.close()

    def _hear(self, process: int, hint: Hint) -> None:
        if isinstance(hint, RoomNews | IsTyping | CrowdNews | ReactionNews):
            self._heard.put(hint)
