"""What runs behind the web side: the history, the Server and the gate, and their order."""

from __future__ import annotations

import logging
import threading
import time

from chatroom import __version__
from chatroom.configuration import Configuration
from chatroom.errors import ChatError, HistoryError
from chatroom.history import History, make_history
from chatroom.history.shared import SharedHistory
from chatroom.rooms.bus import Alone
from chatroom.rooms.doors import KeyRing
from chatroom.rooms.order import OwnOrder
from chatroom.rooms.policy import Policy
from chatroom.rooms.register import OwnRegister
from chatroom.rooms.rules import Rules
from chatroom.rooms.server import Server
from chatroom.shared.sharing import Sharing
from chatroom.sockets.gate import Gate
from chatroom.tally import Counts, Tally
from chatroom.users.speaking_pace import ACTS_PER_SECOND, SpeakingPace
from chatroom.users.tokens import Tokens

log = logging.getLogger(__name__)

STOP_TIMEOUT = 4.0
"""Seconds that users have to receive what is queued for them and to answer the Close."""


TELLING_TIMEOUT = 0.5
"""Seconds to tell other processes of the last things said; they would find out anyway."""

NOT_STARTED = "not started; serve with python app.py, chatroom serve, or gunicorn app:app"


class Engine:
    """Created before a fork, started after it.

    Args:
        configuration: checked.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.history = make_history(
            configuration.history, configuration.folder, configuration.history_sync
        )
        rules = Rules.of(configuration)
        self._password = configuration.password
        self.policy = Policy(rules.max_rooms, rules.edit_minutes, bool(self._password))
        self.tally = Tally()
        self._sharing = _sharing(self.history, configuration, self.policy, rules, self.tally)
        self.server = Server(
            self.history,
            rules,
            self.policy,
            self._sharing.order
            if self._sharing
            else OwnOrder(self.history, self.policy, self.tally),
            OwnRegister(self.policy, rules.max_name_length),
            self._sharing.bus if self._sharing else Alone(),
            self.tally,
            self._sharing.keeper if self._sharing else None,
        )
        self.posts = Counts("stored", "known", "held")
        """Messages that came over HTTP, by what became of them."""
        per_second = configuration.messages_per_second
        self.pace = SpeakingPace(per_second) if per_second else None
        """Of what people say; None for any."""
        self.act_pace = SpeakingPace(max(ACTS_PER_SECOND, per_second)) if per_second else None
        """Of what they change and decide, also as hosts."""
        self.tokens: Tokens
        """Created once the history, which holds the key, is open; like the next one."""
        self.doors: KeyRing
        """Know what opens which room."""
        self.gate = Gate(configuration.max_users, configuration.max_users_per_address)
        self.was_started = False
        """Also when it has stopped again."""
        self.started_at = 0.0
        """Unix seconds; 0 until then."""
        self._started = False
        self._stopping = threading.Lock()

    def start(self, *, patience: float = 0.0) -> None:
        """Open the history and start the Server thread.

        Args:
            patience: seconds to wait for another process to release the history.

        Raises:
            HistoryRefused: see ``History.open``.
            HistoryUnavailable: see ``Server.start``.
        """
        self.history.open(patience=patience)
        self.tokens = Tokens(self.history.secret(), self._password)
        self.doors = KeyRing(self.history, self.tokens, self._password)
        if self._sharing:
            self._sharing.start(self.server.house, self.server.heard, patience=patience)
        try:
            self.server.start()
        except HistoryError:
            if self._sharing:
                self._sharing.stop(0.0)
            raise
        self.was_started = self._started = True
        self.started_at = time.time()
        what = f"chatroom {__version__}, history {self.history.name}"
        log.info("started: %s, at most %d users", what, self.gate.capacity)

    def check(self, timeout: float) -> None:
        """Prove that messages can be accepted.

        Raises:
            ChatError: with the reason why not.
        """
        if not self._started:
            raise ChatError(NOT_STARTED)
        self.server.check(timeout)

    def stop(self, cause: str = "on request") -> None:
        """Notify every user, commit what they said, close the history. Idempotent; takes seconds.

        Args:
            cause: for the log; only the first call's is logged.
        """
        with self._stopping:
            if not self._started:
                return
            log.info("stopping: %s", cause)
            users = len(self.gate)
            self.gate.shut(STOP_TIMEOUT)
            if self._sharing:
                self._sharing.hurry(STOP_TIMEOUT)
            self.server.stop()
            if self._sharing:
                self._sharing.stop(TELLING_TIMEOUT)
            self.history.close()
            self._started = False
            log.info("stopped: %d users notified, every message stored", users)


def _sharing(
    history: History, configuration: Configuration, policy: Policy, rules: Rules, tally: Tally
) -> Sharing | None:
    """For a history that other processes may write to."""
    if not isinstance(history, SharedHistory):
        return None
    keeping = make_history(configuration.history, configuration.folder, configuration.history_sync)
    assert isinstance(keeping, SharedHistory)
    url = configuration.history
    return Sharing(url, history, keeping, policy, rules, tally)
