"""What only a history in PostgreSQL has: lost answers, other writers, odd texts, what is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from chatroom.errors import CmidTaken, HistoryRefused, HistoryUnavailable
from chatroom.history import History, make_history
from chatroom.history.effects import Effects
from chatroom.history.host_log import LogEntry
from chatroom.message import Evidence, Held, Message, Remover
from tests.support import postgresql
from tests.support.deadline import DEADLINE, wait_for
from tests.support.histories import everything, said, typed
from tests.support.lost_answers import LostAnswers
from tests.support.network import Fate, Link, Proxy
from tests.support.postgresql import IN_URL, PASSWORD, PostgresServer

pytestmark = [pytest.mark.database, pytest.mark.takes(seconds=8)]

NOW = 1_700_000_000_000

ENTRY = LogEntry(NOW, "rules", "u1", "Ann")

TABLES = ("messages", "evidence", "held", "found", "charters", "host_log", "rooms")


@pytest.fixture
def server() -> PostgresServer:
    return postgresql.shared()


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    with server.database() as url:
        yield url


@pytest.fixture
def history(url: str) -> Iterator[Any]:
    with opened(url) as history:
        yield history


def opened(url: str, sync: str = "full") -> Any:
    history = make_history(url, Path(), sync)
    history.open()
    return closing(history)


def waits(id: str, cmid: str = "", body: str = "May I?") -> Held:
    return Held("class", id, "Bob", body, "10:42 AM", NOW, "u2", cmid)


def rows(server: PostgresServer, url: str, query: str) -> list[Any]:
    return server.query(query, url.rpartition("/")[2])


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> LostAnswers:
    return LostAnswers(monkeypatch)


# -- attempts that come again ----------------------------------------------------------------------


def test_exactly_the_same_messages_again_are_stored_once(history: History) -> None:
    batch = [*said("lobby", 1, 3), typed("garden", 1, "u1", "c1")]
    history.append(batch, {"garden": "{}"})

    history.append(batch, {"garden": "{}"})

    assert everything(history, "lobby") == batch[:3]
    assert everything(history, "garden") == batch[3:]
    history.append(said("lobby", 4))


def test_messages_with_other_ids_are_not_the_same(history: History) -> None:
    history.append(said("lobby", 1, 2))
    other = said("lobby", 2)[0]._replace(nonce="f" * 16)

    with pytest.raises(HistoryUnavailable, match=r"at message 2 by now.*append again"):
        history.append([other])
    with pytest.raises(HistoryUnavailable, match="append again"):
        history.append(said("lobby", 4))  # a hole

    assert everything(history, "lobby") == said("lobby", 1, 2)


def test_a_room_begins_at_1(history: History) -> None:
    with pytest.raises(HistoryUnavailable, match="at message 0 by now"):
        history.append(said("lobby", 2))


DEEDS: dict[str, Callable[[History], None]] = {
    "append": lambda history: history.append([typed("class", 3, "u9", "c9")]),
    "rewrite": lambda history: history.rewrite(
        said("class", 1)[0].edited("new", 1, 7), None, ENTRY
    ),
    "enact": lambda history: history.enact("class", "{}", ENTRY, Effects("{}")),
    "hold": lambda history: history.hold(waits("b", "c2")),
    "refuse": lambda history: history.settle(waits("a", "c1"), None, ENTRY),
    "approve": lambda history: history.settle(
        waits("a", "c1"), typed("class", 3, "u2", "c1"), ENTRY
    ),
    "trim": lambda history: history.trim("class", 1, 0, 10),  # type: ignore[dict-item, return-value]
    "erase": lambda history: history.erase(1 << 60, 5),  # type: ignore[dict-item, return-value]
    "delete": lambda history: history.delete("class"),  # type: ignore[dict-item, return-value]
    "probe": lambda history: history.probe(),
}


def state(history: History) -> Any:
    return (
        everything(history, "class"),
        history.held("class"),
        history.charters(),
        history.host_log("class"),
        history.rev("class"),
        history.evidence("class", 2),
        history.rooms(),
    )


def fill(history: History) -> None:
    history.append(said("class", 1, 2))
    history.hold(waits("a", "c1"))


@pytest.mark.parametrize("deed", DEEDS)
def test_a_deed_whose_answer_is_lost_is_done_once(
    server: PostgresServer, history: History, lost: LostAnswers, deed: str
) -> None:
    with server.database() as other_url, opened(other_url) as other:
        fill(other)
        DEEDS[deed](other)
        wanted = state(other)
    fill(history)

    lost.left = 1
    DEEDS[deed](history)

    assert lost.left == 0
    assert state(history) == wanted


# -- others who write ------------------------------------------------------------------------------


def test_of_two_who_append_at_once_one_is_told(url: str, history: Any) -> None:
    from chatroom.history.postgresql import rows as in_json
    from chatroom.history.postgresql.failures import Failures
    from chatroom.history.postgresql.history import APPEND
    from chatroom.history.postgresql.links import WRITING, DatabaseLink

    rooms, rounds = ("a", "b", "c"), 30
    begin = threading.Barrier(2)

    def append_again_and_again(nonce: str) -> list[str]:
        link = DatabaseLink(url, Failures(url), WRITING, time.monotonic() + DEADLINE)
        verdicts = []
        with closing(link):
            for number in range(1, rounds + 1):
                order = rooms if nonce == "a" else rooms[::-1]
                batch = [
                    said(room, number)[0]._replace(nonce=f"{nonce}{number}{room}") for room in order
                ]
                heads = in_json.heads_of(batch)
                values = in_json.heads_json(heads, {}), in_json.batch_json(heads.values())
                begin.wait(DEADLINE)
                verdicts.append(link.call(APPEND, [*values, time.time() + DEADLINE])[0][0])
        return verdicts

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(append_again_and_again, "ab"))

    assert [sorted(pair) for pair in zip(*both, strict=True)] == [["head", "stored"]] * rounds
    for room in rooms:
        kept = everything(history, room)
        assert [message.seq for message in kept] == list(range(1, rounds + 1))
        assert len({message.nonce for message in kept}) == rounds


def test_what_another_process_has_written_is_not_overwritten(history: Any, url: str) -> None:
    from chatroom.history.postgresql import rows as in_json
    from chatroom.history.postgresql.history import APPEND

    history.append(said("lobby", 1))
    heads = in_json.heads_of(said("lobby", 2, body="theirs"))
    values = [in_json.heads_json(heads, {}), in_json.batch_json(heads.values()), 1e12]
    with other_connection(url) as theirs:
        theirs.execute(APPEND, values)

    with pytest.raises(HistoryUnavailable, match="another process has written"):
        history.append([said("lobby", 2)[0]._replace(nonce="f" * 16)])
    with pytest.raises(HistoryUnavailable, match="another process has written"):
        history.rewrite(said("lobby", 1)[0]._replace(rev=2))

    assert [message.body for message in everything(history, "lobby")] == ["hi", "theirs"]


def other_connection(url: str) -> Any:
    connection = postgresql.psycopg().connect(url, autocommit=True)
    connection.execute("SET search_path = chatroom")
    return closing(connection)


def test_several_processes_use_it_at_once(url: str) -> None:
    with opened(url) as first, opened(url) as second:
        make_history(url, Path()).check()
        first.append(said("lobby", 1))
        second.append(said("lobby", 2))
        assert everything(first, "lobby") == everything(second, "lobby") == said("lobby", 1, 2)


def test_a_process_waits_until_a_history_has_moved_in(url: str) -> None:
    from chatroom.history.postgresql.failures import Failures
    from chatroom.history.postgresql.links import WRITING, DatabaseLink
    from chatroom.history.postgresql.writer import claim

    failures = Failures(url)
    alone = DatabaseLink(url, failures, WRITING, time.monotonic() + DEADLINE)
    claim(alone, failures, is_alone=True)
    with pytest.raises(HistoryRefused, match=f"in use by chatroom on .*{os.getpid()}"):
        make_history(url, Path()).open()
    history = make_history(url, Path())
    with ThreadPoolExecutor(1) as pool, closing(history):
        opening = pool.submit(history.open, patience=DEADLINE)
        alone.close()
        opening.result(DEADLINE)
        history.append(said("lobby", 1))


def test_whoever_holds_a_lock_for_long_is_waited_for_for_a_while_only(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chatroom.history.postgresql import links

    monkeypatch.setitem(links.WRITING, "lock_timeout", "1500ms")
    with opened(url) as history, other_connection(url) as other:
        history.append([*said("lobby", 1), *said("garden", 1)])
        history.patience = 2.8  # so that a second attempt begins, and is cut short
        with other.transaction():
            other.execute("SELECT FROM rooms WHERE name = 'lobby' FOR UPDATE")

            with pytest.raises(HistoryUnavailable, match="holds a lock"):
                history.append(said("lobby", 2))
            history.append(said("garden", 2))

        history.append(said("lobby", 2))
        assert len(everything(history, "lobby")) == 2


# -- a server that is gone -------------------------------------------------------------------------


def test_a_server_that_was_restarted_between_two_calls_is_not_noticed(
    server: PostgresServer, history: History
) -> None:
    history.append(said("lobby", 1))
    assert history.head("lobby").seq == 1
    server.stop()
    server.start()

    assert history.head("lobby").seq == 1
    history.append(said("lobby", 2))
    assert everything(history, "lobby") == said("lobby", 1, 2)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a busy machine has a server come back, that may take its time."""
    from chatroom.history.postgresql import writer

    monkeypatch.setattr(writer, "PATIENCE", DEADLINE)


@pytest.mark.usefixtures("patient")
def test_a_backend_that_is_killed_amid_an_append_is_not_noticed(
    server: PostgresServer, url: str, history: History
) -> None:
    """With it, all others end, and the server goes through its log: for a moment it is away."""
    history.append(said("lobby", 1))
    with (
        ThreadPoolExecutor(1) as pool,
        suppress(postgresql.psycopg().Error),
        other_connection(url) as other,
        other.transaction(),
    ):
        other.execute("SELECT FROM rooms WHERE name = 'lobby' FOR UPDATE")
        appending = pool.submit(history.append, said("lobby", 2))
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        ((pid,),) = wait_for(lambda: server.query(waiting), "an append that waits")
        os.kill(pid, signal.SIGKILL)
        appending.result(DEADLINE)

    assert everything(history, "lobby") == said("lobby", 1, 2)
    history.append(said("lobby", 3))


def test_what_was_acked_is_there_once_however_often_the_server_is_killed(
    server: PostgresServer, history: History
) -> None:
    done = threading.Event()

    acked: list[Message] = []

    def append_all_the_time() -> None:
        tries = 0
        while not done.is_set():
            tries += 1
            batch = [
                message._replace(nonce=f"{tries:016x}", cmid=f"c{tries}.{message.seq}")
                for message in said("lobby", len(acked) + 1, 3)
            ]
            with suppress(HistoryUnavailable):
                history.append(batch)
                acked.extend(batch)

    def go_on() -> None:
        before = len(acked)
        wait_for(lambda: len(acked) > before, "another batch")

    with ThreadPoolExecutor(1) as pool:
        appending = pool.submit(append_all_the_time)
        try:
            for _ in range(3):
                go_on()
                server.kill()
                server.start()
            go_on()
        finally:
            done.set()
        appending.result(DEADLINE)
    history.append(said("lobby", len(acked) + 1))

    assert everything(history, "lobby")[: len(acked)] == acked
    assert len(everything(history, "lobby")) == len(acked) + 1


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines of half a second, so that nobody waits for five."""
    from chatroom.history.postgresql import readers, writer

    for module in (readers, writer):
        monkeypatch.setattr(module, "PATIENCE", 0.5)
        monkeypatch.setattr(module, "IMPATIENCE", 0.3)


@pytest.mark.usefixtures("impatient")
def test_a_server_that_stands_still_holds_up_nobody_for_long(
    server: PostgresServer, history: History
) -> None:
    history.append(said("lobby", 1))
    assert history.head("lobby").seq == 1
    with server.frozen():
        for call in (lambda: history.append(said("lobby", 2)), lambda: history.head("lobby")):
            began = time.monotonic()
            with pytest.raises(HistoryUnavailable, match="does not answer"):
                call()
            assert time.monotonic() - began < 2

    # What was given up counts as not done, and is not done later behind our backs.
    for next_one in (said("lobby", 2)[0]._replace(nonce="f" * 16), *said("lobby", 3)):
        wait_for(lambda: works(lambda: history.append([next_one])), "the next message")  # noqa: B023
    wait_for(lambda: works(lambda: history.head("lobby")), "a read")
    assert [message.nonce[-1] for message in everything(history, "lobby")] == ["1", "f", "3"]


@pytest.mark.usefixtures("impatient")
def test_a_machine_that_does_not_answer_is_passed_over_also_while_calls_fail(
    server: PostgresServer, url: str
) -> None:
    """Connecting to the one behind it takes longer then than a call may."""
    with Proxy(server.port) as first:
        ports = f"127.0.0.1:{first.port},127.0.0.1:{server.port}"
        with opened(url.replace(f"127.0.0.1:{server.port}", ports)) as history:
            history.append(said("lobby", 1))
            assert history.head("lobby").seq == 1
            first.fates = lambda: (Fate(freeze_after=0), Fate(freeze_after=0))
            first.each(be_silent)
            for call in (lambda: history.append(said("lobby", 2)), lambda: history.head("lobby")):
                with pytest.raises(HistoryUnavailable, match="does not answer"):
                    call()

            history.append(said("lobby", 2))
            assert history.head("lobby").seq == 2


def be_silent(link: Link) -> None:
    for pipe in (link.up, link.down):
        pipe.frozen = True


@pytest.mark.usefixtures("impatient")
def test_what_was_given_up_is_not_done_later(server: PostgresServer, history: Any) -> None:
    """The server finds it when it goes on, and does not know that somebody was told otherwise."""
    history.enact("class", "", None)  # so that the statement is prepared
    (given_up,) = server.query(OURS)
    with server.frozen(), pytest.raises(HistoryUnavailable):
        history.enact("class", "{}", ENTRY)

    wait_for(lambda: given_up not in server.query(OURS), "the end of the connection")
    assert history.charter("class") == ""
    assert history.host_log("class") == []


OURS = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'chatroom on %'"


def works(call: Callable[[], object]) -> bool:
    with suppress(HistoryUnavailable):
        call()
        return True
    return False


def test_closing_frees_who_waits_for_an_answer(server: PostgresServer, history: History) -> None:
    assert history.head("lobby").seq == 0
    with ThreadPoolExecutor(1) as pool, server.frozen():
        reading = pool.submit(history.head, "lobby")
        idle = history._readers._idle  # type: ignore[attr-defined]
        wait_for(lambda: idle.qsize() == 1, "a reader")
        began = time.monotonic()
        history.close()
        with pytest.raises(HistoryUnavailable):
            reading.result(DEADLINE)
        assert time.monotonic() - began < 2


def test_connections_that_nobody_needs_are_closed(
    server: PostgresServer, history: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chatroom.history.postgresql import readers

    def connected() -> int:
        return len(server.query(OURS))

    wait_for(lambda: connected() == 1, "the end of those before")
    history.head("lobby")
    history.erase(0, 1)
    assert connected() == 2

    monkeypatch.setattr(readers, "IDLE_SECONDS", 0)
    history.erase(0, 1)

    wait_for(lambda: connected() == 1, "a closed connection")
    assert history.head("lobby").seq == 0


# -- texts -----------------------------------------------------------------------------------------

ODD = ["a\0b", "\0", "␛", "␛0000", "a␛\0␛d800", "\ufffe\U0010ffff", "␀", "\x1f\x7f", "\\0"]


@pytest.mark.parametrize("odd", ODD)
def test_every_text_is_exact_in_every_table(history: History, odd: str) -> None:
    room = f"room {odd}"
    message = Message(room, 1, f"n{odd}", odd, odd, odd, NOW, odd, odd, odd, odd, NOW)
    removed = message._replace(seq=2, nonce="ff", cmid="c2")
    entry = LogEntry(NOW, odd, odd, odd, odd, odd, odd)
    held = Held(room, odd, odd, odd, odd, NOW, odd, odd, odd)

    history.append([message, removed], {room: odd})
    history.rewrite(removed.taken_back(Remover.HOST, 1), Evidence(removed, NOW), entry)
    history.hold(held)
    history.enact("", odd, None)

    assert history.tail(room, 9, 1 << 20) == [message, removed.taken_back(Remover.HOST, 1)]
    assert history.find(room, odd, odd) == message
    assert history.has(room, 1, f"n{odd}")
    assert history.evidence(room, 2) == Evidence(removed, NOW)
    assert history.host_log(room) == [entry]
    assert history.held(room) == [held]
    assert history.charters() == {room: odd, "": odd}
    assert [summary.name for summary in history.rooms()] == [room]
    with pytest.raises(CmidTaken):
        history.append([message._replace(seq=3, nonce="fff")])
    history.settle(held, None, None)
    assert history.delete(room) == 2


def test_a_message_of_a_megabyte_comes_back_and_is_found(history: History) -> None:
    words = " ".join(f"word{number}" for number in range(150_000))
    (message,) = said("lobby", 1, body=f"{words} {'x' * 5000} needle")
    history.append([message, *said("lobby", 2)])

    assert everything(history, "lobby") == [message, *said("lobby", 2)]
    for text in ("needle", "word149999", "x" * 900, "word7 need"):
        assert history.search("lobby", text, sys.maxsize, 5) == [message], text[:20]
    assert history.search("lobby", "nowhere", sys.maxsize, 5) == []


# -- what is removed -------------------------------------------------------------------------------


def test_nothing_of_a_text_that_is_gone_is_in_any_table(
    server: PostgresServer, url: str, history: History
) -> None:
    secret = "unspeakable"
    messages = [one._replace(body=f"{secret} {one.seq}") for one in said("class", 1, 5)]
    history.append(messages)
    history.hold(waits("a", body=secret))
    assert len(history.search("class", secret, 99, 9)) == 5

    history.rewrite(messages[0].edited("harmless", 1, NOW))
    history.rewrite(messages[1].taken_back(Remover.AUTHOR, 2))
    gone = [(messages[2].taken_back(Remover.HOST, 3), Evidence(messages[2], 5))]
    history.enact("class", "", None, Effects(removed=gone))
    history.erase(6, 9)
    history.settle(waits("a", body=secret), None, None)
    history.trim("class", 1, 0, 9)
    history.rewrite(messages[4].edited("harmless", 4, NOW))
    history.clean()

    for table in TABLES:
        count = f"SELECT count(*) FROM chatroom.{table} AS t WHERE t::text LIKE '%{secret}%'"
        assert rows(server, url, count) == [(0,)], table
    assert history.search("class", secret, 99, 9) == []


def test_a_word_is_not_noted_behind_the_back_of_who_removes_it(
    url: str, history: Any, server: PostgresServer
) -> None:
    """A search has read the text, and comes to note its words after it was removed."""
    from chatroom.history.postgresql.search import NOTE, words_json

    (message,) = said("lobby", 1, body="secret")
    history.append([message])
    ((number,),) = rows(server, url, "SELECT number FROM chatroom.rooms WHERE name = 'lobby'")
    history.rewrite(message.taken_back(Remover.AUTHOR, 1))

    noted = words_json([(1, 0, f"{number}/secret")])
    assert history._readers.rows(NOTE, [number, 0, 0, 1, 0, noted]) == [(True,)]

    assert rows(server, url, "SELECT words::text FROM chatroom.found") == []


def test_each_act_that_others_have_to_hear_of_is_counted(
    server: PostgresServer, url: str, history: History
) -> None:
    def decided(room: str = "class") -> int:
        found = rows(server, url, f"SELECT decided FROM chatroom.rooms WHERE name = '{room}'")
        return int(found[0][0]) if found else 0

    messages = said("class", 1, 3)
    history.append(messages)
    assert decided() == 0
    deeds: list[Callable[[], object]] = [
        lambda: history.enact("class", "{}", ENTRY),
        lambda: history.hold(waits("a")),
        lambda: history.settle(waits("a"), None, None),
        lambda: history.rewrite(messages[0].taken_back(Remover.HOST, 1), Evidence(messages[0], 1)),
        lambda: history.rewrite(messages[0]._replace(rev=2)),
        lambda: history.rewrite(messages[1].taken_back(Remover.HOST, 3), Evidence(messages[1], 1)),
        lambda: history.erase(9, 9),
    ]
    for number, deed in enumerate(deeds, 1):
        deed()
        assert decided() == number
    history.rewrite(messages[2].edited("new", 4, NOW))
    history.append(said("class", 4))
    history.erase(9, 9)
    assert decided() == len(deeds)

    history.enact("class", "{}", None, Effects(house="{}"))
    history.append(said("garden", 1), {"garden": "{}"})
    assert (decided(), decided(""), decided("garden")) == (len(deeds) + 1, 1, 1)


# -- many rooms ------------------------------------------------------------------------------------


def test_ten_thousand_rooms_are_summed_up_at_once(
    server: PostgresServer, url: str, history: History
) -> None:
    rows(
        server,
        url,
        "INSERT INTO chatroom.rooms (name, first, seq, nonce, sent_at) "
        "SELECT 'room ' || n, 1, n, 'ff', n FROM generate_series(1, 10000) AS n",
    )
    began = time.monotonic()

    assert len(history.rooms()) == 10_000

    assert time.monotonic() - began < 2


# -- the password ----------------------------------------------------------------------------------


def test_no_text_has_the_password(
    server: PostgresServer, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    def hear(work: Callable[[], object]) -> None:
        with pytest.raises((HistoryRefused, HistoryUnavailable)) as caught:
            work()
        error: BaseException | None = caught.value
        told.append(str(error))
        told.append(repr(error.args))

    elsewhere = url.replace("127.0.0.1:", "127.0.0.1:1")
    for wrong in (
        url.rpartition("/")[0] + "/nowhere",
        elsewhere,
        f"{url}?sslmode=nonsense",
        f"{url}?nonsense=1",
        url.replace(IN_URL, PASSWORD),  # so that libpq takes a part of it for a port
        f"{url}?sslmode=require",
    ):
        history = make_history(wrong, Path())
        told.append(history.name)
        hear(history.check)
        hear(history.open)
        hear(lambda: history.append(said("lobby", 1)))  # noqa: B023
    with opened(url) as history:
        told.append(history.name)
        history.hurry(0.0)
        hear(lambda: history.append(said("lobby", 1)))
    hear(lambda: history.rooms())

    for text in (*told, caplog.text):
        for password in (PASSWORD, IN_URL, PASSWORD.partition("/")[0]):
            assert password not in text
    assert "***" in told[0]


# -- without psycopg -------------------------------------------------------------------------------


def test_without_psycopg_one_is_told_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(
        HistoryRefused, match=r"-m pip install 'psycopg\[binary\]>=3.2.4'"
    ) as caught:
        make_history(f"postgresql://chat:{IN_URL}@db/chat", Path())

    assert IN_URL not in str(caught.value)


def test_a_psycopg_that_is_too_old_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql.psycopg(), "__version__", "3.1.18")

    with pytest.raises(HistoryRefused, match="this one is 3\\.1\\.18"):
        make_history("postgresql://db/chat", Path())


def test_psycopg_is_loaded_only_if_a_setting_asks_for_it() -> None:
    program = (
        "import sys; from chatroom.history import make_history; from pathlib import Path;"
        "make_history('sqlite:chat.db', Path()); print('psycopg' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
