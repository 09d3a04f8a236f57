"""The crier: others are told at once, and whoever tells it never waits, also for a database that is
away."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from chatroom.errors import HistoryUnavailable
from chatroom.message import Message
from chatroom.rooms.bus import IsTyping, RoomNews
from chatroom.rooms.crowd import Joined, Known
from chatroom.shared.hints import CHANNEL, Beat, CrowdNews, Hint, joined, unpack
from chatroom.wire.message_json import to_json
from tests.support import postgresql
from tests.support.deadline import DEADLINE, wait_for
from tests.support.postgresql import IN_URL, PASSWORD, PostgresServer
from tests.support.stations import BEAT, KEY

pytestmark = [pytest.mark.database, pytest.mark.takes(seconds=6)]

OUR_PROCESS = 7

TYPING = IsTyping("lobby", Known("u1", "Ann"))

CROWD = CrowdNews("lobby", 1, 2, (Joined(Known("u1", "Ann")),))


def news(seq: int, body: str = "hello", room: str = "lobby") -> RoomNews:
    message = Message(room, seq, f"{seq:016x}", "Ann", body, "9:05 AM", 0)
    texts = (to_json(message),)
    return RoomNews(room, seq, message.nonce, 0, 0, seq, texts, f"{seq - 1:016x}")


@pytest.fixture
def server() -> PostgresServer:
    return postgresql.shared()


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    with server.database() as url:
        yield url


class Witness:
    """Another process that hears everything, on a thread of its own."""

    def __init__(self, url: str) -> None:
        self._connection = postgresql.psycopg().connect(url, autocommit=True)
        self._connection.execute(f"LISTEN {CHANNEL}")
        self._is_over = False
        self.payloads: list[str] = []
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while not self._is_over:
            for notification in self._connection.notifies(timeout=0.05):
                self.payloads.append(notification.payload)

    @property
    def hints(self) -> list[Hint]:
        """All that was heard."""
        read = [unpack(payload, KEY) for payload in self.payloads.copy()]
        return [hint for one in read if one for hint in one[1]]

    @property
    def told(self) -> list[Hint]:
        """All but beats."""
        return [hint for hint in self.hints if not isinstance(hint, Beat)]

    @property
    def beats(self) -> int:
        return len(self.hints) - len(self.told)

    def close(self) -> None:
        self._is_over = True
        self._thread.join(DEADLINE)
        self._connection.close()


@pytest.fixture
def witness(url: str) -> Iterator[Witness]:
    with closing(Witness(url)) as witness:
        yield witness


@pytest.fixture
def crier_of(url: str) -> Iterator[Callable[..., Any]]:
    from chatroom.shared.crier import Crier

    made: list[Any] = []

    def make(url: str = url, **options: Any) -> Any:
        crier = Crier(url, **{"beat": BEAT, **options})
        made.append(crier)
        crier.start(OUR_PROCESS, KEY)
        crier.others_are_there = True
        return crier

    yield make
    for crier in made:
        crier.stop(5)


@pytest.fixture
def crier(crier_of: Callable[..., Any]) -> Any:
    """Connected."""
    crier = crier_of()
    answer(crier, lambda link, deadline: None)
    return crier


def answer(crier: Any, job: Callable[[Any, float], Any], **options: Any) -> Any:
    """What becomes of a job."""
    answers: list[Any] = []
    crier.call(job, answers.append, **options)
    wait_for(lambda: answers, "an answer")
    return answers[0]


class Busy:
    """Keeps the crier from telling anything, for the length of a block."""

    def __init__(self, crier: Any) -> None:
        self._crier = crier
        self._begun = threading.Event()
        self._over = threading.Event()

    def __enter__(self) -> None:
        self._crier.call(self._wait, lambda answer: None)
        assert self._begun.wait(DEADLINE)

    def _wait(self, link: Any, deadline: float) -> None:
        self._begun.set()
        assert self._over.wait(DEADLINE)

    def __exit__(self, *_: object) -> None:
        self._over.set()


def one(link: Any, deadline: float) -> Any:
    ((found,),) = link.call("SELECT 1", (), deadline)
    return found


# -- telling ---------------------------------------------------------------------------------------


def test_what_is_told_is_heard(crier: Any, witness: Witness) -> None:
    told = [news(1), TYPING, CROWD]
    for hint in told:
        crier.tell(hint)

    wait_for(lambda: len(witness.told) == 3, "all hints")
    assert sorted(witness.told, key=told.index) == told


def test_what_is_told_while_it_connects_is_told_then(
    crier_of: Callable[..., Any], witness: Witness
) -> None:
    crier = crier_of()
    for hint in (news(1), TYPING):
        crier.tell(hint)

    wait_for(lambda: [news(1), TYPING] == witness.told, "the hints")


def test_odd_and_large_texts_are_heard(crier: Any, witness: Witness) -> None:
    odd = IsTyping("lo\0bby", Known("u\ud800", "␛ 🎉\n"))
    large = news(1, "日\0" * 1500)
    crier.tell(odd)
    crier.tell(large)

    wait_for(lambda: {odd, large.bare()} <= {*witness.told}, "the hints")


def test_a_process_says_all_the_time_that_it_is_there(crier: Any, witness: Witness) -> None:
    assert Beat(OUR_PROCESS, is_listening=False) in wait_for(lambda: witness.hints, "a beat")
    crier.is_listening = True

    wait_for(lambda: Beat(OUR_PROCESS, is_listening=True) in witness.hints, "another beat")
    wait_for(lambda: witness.beats > 4, "more")


def test_a_beat_comes_at_once_where_it_is_wanted(
    crier_of: Callable[..., Any], witness: Witness
) -> None:
    crier = crier_of(beat=1000)
    wait_for(lambda: witness.beats == 1, "the first beat")

    crier.beat()

    wait_for(lambda: witness.beats == 2, "another one")


def test_nothing_is_told_while_nobody_else_is_there(crier: Any, witness: Witness) -> None:
    crier.others_are_there = False
    crier.tell(TYPING)
    answer(crier, one)
    crier.others_are_there = True
    crier.tell(CROWD)

    wait_for(lambda: witness.told, "a hint")
    assert witness.told == [CROWD]
    assert crier.dropped == 0


def test_equal_hints_are_heard_at_least_once(crier: Any, witness: Witness) -> None:
    """PostgreSQL leaves out equal payloads of one transaction."""
    large = IsTyping("lobby", Known("u1", "x" * 5000))
    with Busy(crier):
        for _ in range(3):
            crier.tell(large)
            crier.tell(TYPING)

    wait_for(lambda: {large, TYPING} == {*witness.told}, "the hints")


# -- what waits ------------------------------------------------------------------------------------


def test_news_of_a_room_that_wait_are_told_as_one(crier: Any, witness: Witness) -> None:
    with Busy(crier):
        for seq in (1, 2, 3):
            crier.tell(news(seq))
            crier.tell(news(2 * seq, room="garden"))

    wait_for(lambda: len(witness.told) == 2, "news of two rooms")
    lobby, garden = witness.told
    assert lobby == joined(joined(news(1), news(2)), news(3))
    assert len(lobby.texts) == 3  # type: ignore[union-attr]
    assert garden == news(6, room="garden").bare()  # there was a gap


def test_texts_are_left_out_where_too_much_of_them_waits(
    crier: Any, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chatroom.shared import crier as module

    monkeypatch.setattr(module, "MOST_TEXT", 300)
    told = [news(1, room=f"room {number}") for number in range(4)]
    assert 300 / 3 < told[0].size < 300 / 2
    with Busy(crier):
        for hint in told:
            crier.tell(hint)
    wait_for(lambda: len(witness.told) == 4, "all news")
    assert witness.told == [*told[:2], told[2].bare(), told[3].bare()]

    crier.tell(told[3])  # now there is room again
    wait_for(lambda: told[3] in witness.told, "news with their text")


def test_hints_are_dropped_where_too_many_wait(
    crier: Any, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chatroom.shared import crier as module

    monkeypatch.setattr(module, "MOST_HINTS", 3)
    with Busy(crier):
        for number in range(3):
            crier.tell(TYPING._replace(room=f"room {number}"))
        crier.tell(TYPING)
        crier.tell(news(1))

    wait_for(lambda: len(witness.told) == 3, "the first ones")
    assert TYPING not in witness.told
    assert crier.dropped == 2


def test_whoever_tells_never_waits(crier: Any) -> None:
    with Busy(crier):
        began = time.monotonic()
        for seq in range(1, 20_000):
            crier.tell(news(seq, room=f"room {seq}"))
            crier.tell(TYPING)
        assert time.monotonic() - began < DEADLINE
        assert crier.dropped > 20_000


# -- jobs ------------------------------------------------------------------------------------------


def test_jobs_are_done_in_order_by_the_crier(crier: Any) -> None:
    done: list[Any] = []
    threads: set[str] = set()

    def note(found: Any) -> None:
        done.append(found)
        threads.add(threading.current_thread().name)

    for number in range(50):
        crier.call(
            lambda link, deadline, number=number: link.call(
                "SELECT %s::bigint", [number], deadline
            ),
            note,
        )

    wait_for(lambda: len(done) == 50, "all answers")
    assert done == [[(number,)] for number in range(50)]
    assert threads == {"crier"}


def test_what_a_job_brings_about_is_told(crier: Any, witness: Witness) -> None:
    crier.call(one, lambda found: crier.tell(CROWD))

    wait_for(lambda: CROWD in witness.told, "the hint")


def test_a_job_that_fails_says_why_and_the_next_one_is_done(
    crier: Any, caplog: pytest.LogCaptureFixture
) -> None:
    failed = answer(crier, lambda link, deadline: link.call("SELECT 1/0", (), deadline))
    assert isinstance(failed, HistoryUnavailable)
    assert "division by zero" in str(failed)

    failed = answer(crier, lambda link, deadline: {}["nothing"])
    assert isinstance(failed, HistoryUnavailable)
    assert "KeyError" in str(failed)
    assert "KeyError" in caplog.text

    crier.call(one, lambda found: found / 0)
    assert answer(crier, one) == 1
    assert "ZeroDivisionError" in caplog.text


def test_a_job_whose_connection_breaks_is_done_again(crier: Any) -> None:
    attempts: list[int] = []

    def break_once(link: Any, deadline: float) -> Any:
        attempts.append(link.pid)
        if len(attempts) == 1:
            link.call("SELECT pg_terminate_backend(pg_backend_pid())", (), deadline)
        return one(link, deadline)

    assert answer(crier, break_once) == 1
    assert len(set(attempts)) == 2


def test_a_job_that_breaks_every_connection_is_given_up(crier: Any) -> None:
    failed = answer(
        crier,
        lambda link, deadline: link.call(
            "SELECT pg_terminate_backend(pg_backend_pid())", (), deadline
        ),
    )

    assert isinstance(failed, HistoryUnavailable)
    assert answer(crier, one) == 1


# -- a database that is away -----------------------------------------------------------------------


def test_what_is_told_once_the_database_is_back_is_heard(
    server: PostgresServer, crier: Any, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    from chatroom.shared import crier as module

    server.stop()
    try:
        failed = answer(crier, one, patience=0.5)
        assert isinstance(failed, HistoryUnavailable)
        assert "start PostgreSQL" in str(failed) or "going down" in str(failed)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "TELLING_SECONDS", 0.2)
            dropped = crier.dropped
            crier.tell(TYPING)
            assert crier.dropped > dropped
            crier.tell(CROWD)
            wait_for(lambda: crier.dropped > dropped + 1, "hints that are given up")
    finally:
        server.start()

    with closing(Witness(url)) as witness:
        wait_for(lambda: witness.beats, "a beat")
        crier.tell(news(2))
        wait_for(lambda: news(2) in witness.told, "a hint")
    (line,) = [one for one in caplog.messages if "not told" in one]
    for password in (PASSWORD, IN_URL):
        assert password not in f"{line} {failed}"


def test_news_lose_their_texts_while_the_database_is_away(
    server: PostgresServer, crier: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Hint] = []
    monkeypatch.setattr(crier, "_tell_all", lambda hints, is_to_beat: taken.extend(hints))
    server.stop()
    try:
        assert isinstance(answer(crier, one, patience=0.5), HistoryUnavailable)
        crier.tell(news(1))
        wait_for(lambda: news(1).bare() in taken, "the news")
    finally:
        server.start()


def test_jobs_fail_after_their_patience_where_the_database_does_not_answer(
    server: PostgresServer, crier: Any
) -> None:
    """All of them, and not one after another between beats that are given up."""
    answers: list[Any] = []
    with server.frozen():
        for _ in range(20):
            crier.call(one, answers.append, patience=0.5)
        wait_for(lambda: len(answers) == 20, "their answers")

    assert all(isinstance(failed, HistoryUnavailable) for failed in answers)
    wait_for(lambda: answer(crier, one) == 1, "a job that is done")


# -- the end ---------------------------------------------------------------------------------------


def test_what_waits_when_it_stops_is_told_and_done(crier: Any, witness: Witness) -> None:
    crier.is_listening = True
    answers: list[Any] = []

    def go_on(found: Any) -> None:
        answers.append(found)
        if len(answers) == 3:
            crier.tell(CROWD)

    with Busy(crier):
        crier.tell(TYPING)
        for _ in range(3):
            crier.call(one, go_on)
        stopping = threading.Thread(target=crier.stop, args=[DEADLINE])
        stopping.start()
        wait_for(lambda: not crier._is_open, "the stop")
    stopping.join(DEADLINE)

    assert answers == [1, 1, 1]
    wait_for(lambda: witness.hints[-1:] == [Beat(OUR_PROCESS, is_listening=False)], "a last beat")
    assert witness.told == [TYPING, CROWD]
    crier.stop(DEADLINE)


def test_what_is_asked_for_after_the_end_fails_at_once(crier: Any) -> None:
    crier.stop(DEADLINE)
    answers: list[Any] = []

    crier.call(one, answers.append)
    crier.tell(TYPING)

    assert [type(failed) for failed in answers] == [HistoryUnavailable]


def test_it_ends_in_time_also_where_the_database_does_not_answer(
    server: PostgresServer, crier: Any, caplog: pytest.LogCaptureFixture
) -> None:
    answers: list[Any] = []
    with server.frozen():
        for _ in range(3):
            crier.call(one, answers.append)
        began = time.monotonic()
        crier.stop(0.2)
        wait_for(lambda: len(answers) == 3, "answers")
        crier._thread.join(DEADLINE)
        assert not crier._thread.is_alive()
        assert time.monotonic() - began < 2

    assert all(isinstance(failed, HistoryUnavailable) for failed in answers)
    assert not [record for record in caplog.records if record.levelno > logging.WARNING]
