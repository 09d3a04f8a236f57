"""The crier: a thread that tells other processes what they may want to know."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from chatroom.errors import HistoryUnavailable
from chatroom.history.postgresql.lasting import Job, LastingLink
from chatroom.history.postgresql.links import PATIENCE, WRITING, DatabaseLink
from chatroom.rooms.bus import Bus, IsTyping, RoomNews
from chatroom.shared.hints import CHANNEL, Beat, Hint, joined, pack
from chatroom.shared.throttle import Throttle

BEAT = 5.0
"""Seconds between two signs of life; three in which one is heard must pass before others think
that nobody is there: see ``ear.FORGOTTEN_AFTER``."""

MOST_HINTS = 10_000
"""That wait, each room's news counted as one. More are dropped."""

MOST_TEXT = 1 << 20
"""Characters of texts that wait. News go without theirs beyond that."""

TELLING_SECONDS = 3.0
"""How long jobs may wait for what is told before them."""

TELL = f"SELECT pg_notify('{CHANNEL}', %s)"

SESSION = WRITING | {"synchronous_commit": "off"}
"""Nothing that is told, or asked of the register, is wanted after a crash."""

T = TypeVar("T")

log = logging.getLogger(__name__)


class _Errand(NamedTuple):
    job: Job[Any]
    done: Callable[[Any], None]
    deadline: float


class Crier(Bus):
    """Told by any thread what others should hear, and asked to talk to the database.

    What waits is told at once, in a transaction of its own: one that also writes would hold a lock
    of the whole cluster over its fsync. Then comes the next job, then what waits
    by now.

    Args:
        url: of the database.
        beat: seconds between two signs of life.
    """

    def __init__(self, url: str, *, beat: float = BEAT) -> None:
        self.process = 0
        """Who we are; like ``key``, known from the start on."""
        self.key = b""
        self.others_are_there = False
        """Set by the ear. Until then nobody is told anything but that we are there."""
        self.is_listening = False
        """Likewise: whether we hear what others tell us."""
        self.told = 0
        """Hints that were sent."""
        self.dropped = 0
        """And that were not: too many waited, or the database was away."""
        self._link = LastingLink(url, SESSION)
        self._beat = beat
        self._failures = Throttle(log)
        self._thread = threading.Thread(target=self._run, name="crier", daemon=True)
        # Held wherever what waits is touched, and for nothing that takes time. Notified when there
        # is something.
        self._changed = threading.Condition()
        self._news: dict[str, RoomNews] = {}
        self._hints: list[Hint] = []
        self._text = 0
        self._errands: deque[_Errand] = deque()
        self._beat_at = 0.0
        self._is_open = False
        """Whether jobs are taken; hints are as long as the thread has not ended."""
        self._is_over = False

    def start(self, process: int, key: bytes) -> None:
        """Begin to tell, after the fork.

        Args:
            process: a random number that no other process has.
            key: as of ``hints.key_from``.
        """
        self.process, self.key = process, key
        self._is_open = True
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Tell and do what waits, say that we are gone, and end; idempotent.

        Args:
            timeout: seconds that this may take.
        """
        with self._changed:
            self._is_open = False
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout)
        self.cut()

    def cut(self) -> None:
        """End without all that, at once if it waits for an answer; jobs that wait fail."""
        with self._changed:
            self._is_open = False
            self._changed.notify()
        self._link.cut()

    # -- what any thread may ask for ---------------------------------------------------------------

    def tell(self, hint: Hint) -> None:
        """Have others hear it, if there are any and nothing goes wrong; never waits, never raises.

        News of a room that has some waiting become one with them. While the database is away,
        they lose their texts, and nobody is told who is typing.
        """
        if not self.others_are_there or self._is_over:
            return
        is_away = self._link.is_failing
        with self._changed:
            if is_away and isinstance(hint, IsTyping):
                self.dropped += 1
            elif isinstance(hint, RoomNews) and hint.room in self._news:
                self._put_news(joined(self._news[hint.room], hint), is_away)
            elif len(self._news) + len(self._hints) >= MOST_HINTS:
                self.dropped += 1
            elif isinstance(hint, RoomNews):
                self._put_news(hint, is_away)
            else:
                self._hints.append(hint)
            self._changed.notify()

    def _put_news(self, news: RoomNews, is_away: bool) -> None:
        old = self._news.get(news.room)
        self._text -= old.size if old else 0
        if is_away or self._text + news.size > MOST_TEXT:
            news = news.bare()
        self._text += news.size
        self._news[news.room] = news

    def beat(self) -> None:
        """Let others know now that we are there, and whether we listen."""
        with self._changed:
            self._beat_at = 0.0
            self._changed.notify()

    def call(
        self,
        job: Job[T],
        done: Callable[[T | HistoryUnavailable], None],
        patience: float = PATIENCE,
    ) -> None:
        """Do something with our connection, behind the jobs that wait; from any thread.

        Args:
            job: may be done again, if its answer is lost.
            done: gets what the job returns, or why it was not done; called by the crier, by the
                caller itself once it has stopped. Never waits.
            patience: seconds that all this may take.
        """
        errand = _Errand(job, done, time.monotonic() + patience)
        with self._changed:
            if is_open := self._is_open:
                self._errands.append(errand)
                self._changed.notify()
        if not is_open:
            done(self._link.failures.closed())

    # -- the thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._is_over:
            hints, is_to_beat, errands = self._next()
            if is_up := self._link.is_up:
                self._tell_all(hints, is_to_beat)
            for errand in errands:
                self._do(errand)
            if not is_up:  # nobody who asks waits for us to connect for others' sake
                self._tell_all(hints, is_to_beat)
        self.is_listening = False
        self._tell_all([], is_to_beat=True)
        self._link.drop()

    def _next(self) -> tuple[list[Hint], bool, list[_Errand]]:
        """All hints that wait, whether a beat is due, and the first job, behind all that are too
        late; waits for any of it. Nothing, once we have stopped and nothing is left."""
        with self._changed:
            while self._is_open and not (self._news or self._hints or self._errands):
                due_in = self._beat_at - time.monotonic()
                if due_in <= 0:
                    break
                self._changed.wait(due_in)
            hints: list[Hint] = [*self._news.values(), *self._hints]
            self._news.clear()
            self._hints.clear()
            self._text = 0
            now = time.monotonic()
            if is_to_beat := self._is_open and now >= self._beat_at:
                self._beat_at = now + self._beat
            errands: list[_Errand] = []
            while self._errands and (not errands or errands[-1].deadline <= now):
                errands.append(self._errands.popleft())
            self._is_over = not (self._is_open or hints or errands)
            return hints, is_to_beat, errands

    def _tell_all(self, hints: list[Hint], is_to_beat: bool) -> None:
        if not hints and not is_to_beat:
            return

        def tell(link: DatabaseLink, deadline: float) -> None:
            # What we are by now, if it took a while to connect.
            beat = [Beat(self.process, self.is_listening)] if is_to_beat else []
            for payload in pack([*hints, *beat], self.process, self.key):  # nearly always one
                link.call(TELL, [payload], deadline)

        try:
            self._link.run(tell, time.monotonic() + TELLING_SECONDS)
        except HistoryUnavailable as error:
            self.dropped += len(hints)
            if self._is_open:
                self._failures.warning("error: other processes are not told: %s", error)
        except Exception:
            log.exception("error: the crier goes on")
        else:
            self.told += len(hints)

    def _do(self, errand: _Errand) -> None:
        answer: Any
        try:
            answer = self._link.run(errand.job, errand.deadline)
        except HistoryUnavailable as error:
            answer = error
        except Exception as error:
            log.exception("error: the crier goes on")
            cause = f"{type(error).__name__}: {error}"
            answer = HistoryUnavailable(self._link.failures.name, cause, "report it with the log")
        try:
            errand.done(answer)
        except Exception:
            log.exception("error: the crier goes on")
