"""What runs behind the web side: the history, the Server and the gate, and their order."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from chatroom import __version__
from chatroom.configuration import Configuration
from chatroom.errors import ChatError
from chatroom.files.file_ids import FileIds
from chatroom.files.folder import FolderFiles
from chatroom.files.interface import Files
from chatroom.history import History, make_history
from chatroom.history.shared import SharedHistory
from chatroom.rooms.bus import Alone
from chatroom.rooms.doors import KeyRing
from chatroom.rooms.forgetter import Forgetter
from chatroom.rooms.order import OwnOrder
from chatroom.rooms.policy import Policy
from chatroom.rooms.register import OwnRegister
from chatroom.rooms.rules import Rules
from chatroom.rooms.server import Server
from chatroom.sockets.gate import Gate
from chatroom.tally import Counts, Tally
from chatroom.users.speaking_pace import ACTS_PER_SECOND, SpeakingPace
from chatroom.users.tokens import Tokens

if TYPE_CHECKING:
    from chatroom.shared.sharing import Figures, Sharing

log = logging.getLogger(__name__)

STOP_TIMEOUT = 4.0
"""Seconds that users have to receive what is queued for them and to answer the Close."""


TELLING_TIMEOUT = 0.5
"""Seconds to tell other processes of the last things said; they would find out anyway."""

NOT_STARTED = "not started; serve with python app.py, chatroom serve, or gunicorn app:app"

STOPPING = "the server is shutting down"


class Engine:
    """Created before a fork, started after it.

    Args:
        configuration: checked.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.history = history_of(configuration)
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
            self._sharing.register
            if self._sharing
            else OwnRegister(self.policy, rules.max_name_length),
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
        self.files: Files | None = None
        """Where the bytes of pictures and files are; None if there are none here."""
        if configuration.has_files and self.history.keeps_files:
            self.files = FolderFiles(self.history.files_folder())
        self.file_ids: FileIds
        """As the tokens."""
        self._forgetter: Forgetter | None = None
        if self.files:
            parts = self.history, self.files, self.server.uploads
            self._forgetter = Forgetter(*parts, self.server.ask, self._keeps)
        self.gate = Gate(configuration.max_users, configuration.max_users_per_address)
        self.was_started = False
        """Also when it has stopped again."""
        self.waits_for: ChatError | None = None
        """Why it is not started yet, if that is tried again and again."""
        self.is_over = threading.Event()
        """It stops, or has stopped, and is not started any more."""
        self.started_at = 0.0
        """Unix seconds; 0 until then."""
        self._is_open = self._started = False
        self._stopping = threading.Lock()

    def start(self, *, patience: float = 0.0) -> None:
        """Open the history and start the Server thread; if that fails, it can be tried again.

        Args:
            patience: seconds to wait for another process to release the history.

        Raises:
            HistoryRefused: see ``History.open``.
            HistoryUnavailable: see ``Server.start``.
            ChatError: it is to stop.
        """
        if not self._is_open:
            self._open(patience)
        self.server.start()
        if self._forgetter:
            self._forgetter.start()
        with self._stopping:
            if self.is_over.is_set():
                self._end()
                raise ChatError(STOPPING)
            self.was_started = self._started = True
            self.waits_for = None
        self.started_at = time.time()
        what = f"chatroom {__version__}, history {self.history.name}"
        log.info("started: %s, at most %d users", what, self.gate.capacity)

    def _open(self, patience: float) -> None:
        self.history.open(patience=patience)
        try:
            secret, deleted = self.history.secret(), self.history.deleted()
            self.tokens = Tokens(secret, self._password, deleted)
            self.doors = KeyRing(self.history, self.tokens, self._password)
            self.file_ids = FileIds(secret)
            if self.files:
                self.files.start()
            if self._sharing:
                if self.files:
                    self._sharing.demand_folder()
                self._sharing.start(self.server.house, self.server.heard, patience=patience)
        except BaseException:
            self.history.close()
            raise
        self._is_open = True

    def _keeps(self) -> bool:
        """Whether this process keeps the history in order."""
        return self._sharing is None or self._sharing.keeper.is_keeping

    def figures(self) -> Figures | None:
        """What has to do with other processes; None where there can be none."""
        return self._sharing.figures() if self._sharing else None

    def check(self, timeout: float) -> None:
        """Prove that messages can be accepted.

        Raises:
            ChatError: with the reason why not.
        """
        if self.is_over.is_set():
            raise ChatError(STOPPING)
        if not self._started:
            raise self.waits_for or ChatError(NOT_STARTED)
        self.server.check(timeout)

    def check_itself(self, timeout: float) -> None:
        """Prove that this process does what it can, whatever the history does.

        Raises:
            ChatError: with the reason why not; only a new process would do better.
        """
        if self.is_over.is_set():
            raise ChatError(STOPPING)
        if self._started and not self.history.is_cleaning_long:
            self.server.ask(lambda: None, timeout)
        elif not (self._started or self.waits_for):
            raise ChatError(NOT_STARTED)

    def stop(self, cause: str = "on request") -> None:
        """Notify every user, commit what they said, close the history. Idempotent; takes seconds.

        Args:
            cause: for the log; only the first call's is logged.
        """
        with self._stopping:
            self.is_over.set()
            if not self._is_open:
                return
            log.info("stopping: %s", cause)
            users = len(self.gate)
            if self._sharing:
                self._sharing.depart()
            self.gate.shut(STOP_TIMEOUT)
            if self._sharing:
                self._sharing.hurry(STOP_TIMEOUT)
            self._end()
            log.info("stopped: %d users notified, every message stored", users)

    def _end(self) -> None:
        if self._forgetter:
            self._forgetter.stop()
        self.server.stop()
        if self._sharing:
            self._sharing.stop(TELLING_TIMEOUT)
        self.history.close()
        if self.files:
            self.files.close()
        self._is_open = self._started = False


def history_of(configuration: Configuration) -> History:
    """As ``make_history``: the one that the settings are about."""
    return make_history(
        configuration.history,
        configuration.folder,
        configuration.history_sync,
        configuration.files_path,
    )


def _sharing(
    history: History, configuration: Configuration, policy: Policy, rules: Rules, tally: Tally
) -> Sharing | None:
    """For a history that other processes may write to."""
    if not isinstance(history, SharedHistory):
        return None
    from chatroom.shared.sharing import Sharing  # with psycopg, which few have

    keeping = history_of(configuration)
    assert isinstance(keeping, SharedHistory)
    url = configuration.history
    return Sharing(url, history, keeping, policy, rules, tally)
