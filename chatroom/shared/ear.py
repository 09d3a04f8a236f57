"""The ear: a thread that hears what other processes tell."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import closing

from chatroom.errors import HistoryRefused, HistoryUnavailable
from chatroom.history.postgresql.lasting import LastingLink
from chatroom.history.postgresql.links import PATIENCE, SESSION, DatabaseLink
from chatroom.rooms.bus import RoomNews
from chatroom.shared.crier import TELL, Crier
from chatroom.shared.hints import (
    CHANNEL,
    Beat,
    Hint,
    is_of_another_version,
    pack,
    unpack,
)
from chatroom.shared.throttle import Throttle

DEAF_AFTER = 10.0
"""Seconds without our own beat, after which the connection is made anew: a pooler, or a line that
is dead at its other end, tells nobody that nothing is delivered any more."""

FORGOTTEN_AFTER = 15.0
"""Seconds without another process's beat, after which it is thought to be gone."""

MOST_TEXT = 1 << 20
"""Characters of texts that were handed on and not taken yet. More news go without theirs."""

PROOF_SECONDS = 4.0
"""How long ``Ear.open`` waits to hear what it has told itself."""

PAUSES = (0.2, 1.0)
"""Seconds between two attempts to listen, where each one fails at once."""

LISTEN = f"LISTEN {CHANNEL}"

LISTENING = SESSION | {
    "statement_timeout": "5s",
    # A process that is stopped, and reads nothing, must not keep the server's queue from emptying:
    # the server lets go of it.
    "tcp_user_timeout": "5s",
}

DEAF = "LISTEN is not delivered: is there a pooler in transaction mode?"

TO_HEAR = "let the address lead to PostgreSQL itself, or to a pooler in session mode"

log = logging.getLogger(__name__)


class Ear:
    """Hands on what it hears, and never waits for anybody but the database.

    Args:
        url: of the database.
        crier: of the same process, which is told whether we hear, and whether others do.
        hear: gets each hint of another process but its beats; on the ear's thread, which it must
            not hold up.
        reconnected: called there as soon as we listen again, or for the first time: whatever was
            told before that may have been missed, so all rooms have to be compared.
        deaf_after: seconds.
        forgotten_after: likewise.
        most_text: as ``MOST_TEXT``.
        is_full: whether so many hints were handed on and not taken yet that more are left out: what
            they tell of is found out by comparing.
    """

    def __init__(
        self,
        url: str,
        crier: Crier,
        hear: Callable[[int, Hint], None],
        reconnected: Callable[[], None],
        *,
        deaf_after: float = DEAF_AFTER,
        forgotten_after: float = FORGOTTEN_AFTER,
        most_text: int = MOST_TEXT,
        is_full: Callable[[], bool] = lambda: False,
    ) -> None:
        self.heard = 0
        """Hints that were handed on."""
        self.left_out = 0
        """And that were not: whoever takes them stands still."""
        self.forged = 0
        """Payloads that were not signed with our key."""
        self.foreign = 0
        """Payloads of another version of this program."""
        self.reconnects = 0
        """How often we have begun to listen again."""
        self._url = url
        self._crier = crier
        self._hear = hear
        self._reconnected = reconnected
        self._deaf_after = deaf_after
        self._forgotten_after = forgotten_after
        self._most_text = most_text
        self._is_full = is_full
        self._link = LastingLink(url, LISTENING, self._listen)
        self._tick = min(1.0, deaf_after / 4, forgotten_after / 4)
        self._thread = threading.Thread(target=self._run, name="ear", daemon=True)
        self._stopping = threading.Event()
        self._forgeries = Throttle(log)
        self._failures = Throttle(log)
        self._has_listened = False
        self._has_heard_ourselves = False
        """On this connection."""
        self._heard_ourselves_at = 0.0
        self._others: dict[int, float] = {}
        """Processes that listen; when each was heard the last time."""
        # Characters, each counted by one thread alone: so no lock.
        self._handed_on = 0
        self._taken = 0

    @property
    def is_listening(self) -> bool:
        """Whether what is told is heard: our own beats are."""
        return self._has_heard_ourselves and self._link.is_up

    @property
    def others(self) -> frozenset[int]:
        """The other processes that listen."""
        return frozenset(self._others.copy())

    def open(self, process: int, key: bytes) -> None:
        """Prove that what is told is heard: before ``start``, or instead of it.

        Args:
            process: as of ``Crier.start``.
            key: likewise.

        Raises:
            HistoryRefused: it is not, or the database is not reached.
        """

        def is_heard(link: DatabaseLink, deadline: float) -> bool:
            (proof,) = pack([Beat(process, is_listening=False)], process, key)
            link.call(LISTEN, (), deadline, prepare=False)
            other = DatabaseLink(self._url, self._link.failures, SESSION, deadline)
            until = time.monotonic() + PROOF_SECONDS  # connecting may have taken as long
            with closing(other):
                other.call(TELL, [proof], until, prepare=False)
            while (left := until - time.monotonic()) > 0:
                if proof in link.notified(left):
                    return True
            return False

        proving = LastingLink(self._url, LISTENING)
        try:
            heard = proving.run(is_heard, time.monotonic() + PROOF_SECONDS)
        except HistoryUnavailable as error:
            raise HistoryRefused(*error.args) from error
        finally:
            proving.drop()
        if not heard:
            raise HistoryRefused(self._link.failures.name, DEAF, TO_HEAR)

    def start(self) -> None:
        """Begin to listen; the crier has started. Waits for nothing."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Hear nothing more; idempotent.

        Args:
            timeout: seconds that this may take.
        """
        self._stopping.set()
        self._link.cut()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def taken(self, size: int) -> None:
        """So many characters of texts (``RoomNews.size``) have been dealt with. Called by one
        thread alone."""
        self._taken += size

    # -- the thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._step()
            except HistoryUnavailable as error:
                self._hear_nothing()
                if not self._stopping.is_set():
                    self._failures.warning("error: other processes are not heard: %s", error)
                    self._stopping.wait(random.uniform(*PAUSES))
            except Exception:
                log.exception("error: the ear goes on")
                self._hear_nothing()
                self._stopping.wait(random.uniform(*PAUSES))
        self._hear_nothing()

    def _step(self) -> None:
        """Hear for a moment."""
        payloads = self._link.run(
            lambda link, deadline: link.notified(self._tick), time.monotonic() + PATIENCE
        )
        for payload in payloads:
            self._take(payload)
        now = time.monotonic()
        if now > self._heard_ourselves_at + self._deaf_after:
            what = "error: nothing was heard for %.0f s, not even ourselves: connecting anew"
            self._failures.warning(what, self._deaf_after)
            self._hear_nothing()
        elif self.is_listening:
            self._forget(before=now - self._forgotten_after)

    def _listen(self, link: DatabaseLink, deadline: float) -> None:
        """With each new connection."""
        link.call(LISTEN, (), deadline, prepare=False)
        now = time.monotonic()
        self._heard_ourselves_at = now
        self._others = dict.fromkeys(self._others, now)  # who knows what they have said meanwhile
        self._has_heard_ourselves = False
        self._crier.is_listening = True
        self._crier.beat()
        self.reconnects += self._has_listened
        self._has_listened = True
        try:
            self._reconnected()
        except Exception:
            log.exception("error: the ear goes on")

    def _hear_nothing(self) -> None:
        """Until there is another connection."""
        self._has_heard_ourselves = self._crier.is_listening = False
        self._link.drop()

    def _take(self, payload: str) -> None:
        found = unpack(payload, self._crier.key)
        if not found:
            if is_of_another_version(payload):
                self.foreign += 1
            else:
                self.forged += 1
                what = "error: a notification that no process of ours has signed on channel %s"
                self._forgeries.warning(what, CHANNEL)
            return
        process, hints = found
        for hint in hints:
            if isinstance(hint, Beat):
                self._note_beat(process, hint)
            elif process != self._crier.process:
                self._hand_on(process, hint)

    def _hand_on(self, process: int, hint: Hint) -> None:
        if self._is_full():
            self.left_out += 1
            return
        if isinstance(hint, RoomNews) and hint.texts:
            if self._handed_on - self._taken + hint.size > self._most_text:
                hint = hint.bare()
            else:
                self._handed_on += hint.size
        self.heard += 1
        try:
            self._hear(process, hint)
        except Exception:
            log.exception("error: the ear goes on")

    # -- who is there ------------------------------------------------------------------------------

    def _note_beat(self, process: int, beat: Beat) -> None:
        if process == self._crier.process:
            self._heard_ourselves_at = time.monotonic()
            self._has_heard_ourselves = True
        elif not beat.is_listening:
            self._others.pop(process, None)
        else:
            if process not in self._others:
                self._crier.beat()  # it doesn't know yet that we are there
            self._others[process] = time.monotonic()
        self._crier.others_are_there = bool(self._others)

    def _forget(self, before: float) -> None:
        for process, heard_at in list(self._others.items()):
            if heard_at < before:
                del self._others[process]
        self._crier.others_are_there = bool(self._others)
