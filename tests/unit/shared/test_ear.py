"""The ear: hears others, notices when it doesn't, and is not flooded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from chatroom.errors import HistoryRefused
from chatroom.message import Message
from chatroom.rooms.bus import IsTyping, RoomNews
from chatroom.rooms.crowd import Joined, Known
from chatroom.shared.hints import CHANNEL, Beat, CrowdNews, pack
from chatroom.wire.message_json import to_json
from tests.support import postgresql
from tests.support.deadline import DEADLINE, wait_for
from tests.support.network import FINE, Fate, Link, Proxy
from tests.support.pgbouncer import pooler
from tests.support.ports import idle_port
from tests.support.postgresql import IN_URL, PASSWORD, PostgresServer
from tests.support.stations import KEY, Station

pytestmark = [pytest.mark.database, pytest.mark.takes(seconds=15)]

TYPING = IsTyping("lobby", Known("u1", "Ann"))

CROWD = CrowdNews("lobby", 1, 2, (Joined(Known("u1", "Ann")),))


def news(seq: int, size: int = 100) -> RoomNews:
    text = to_json(Message("lobby", seq, f"{seq:016x}", "Ann", "x" * size, "9:05 AM", 0))
    return RoomNews("lobby", seq, f"{seq:016x}", 0, 0, seq, (text,), f"{seq - 1:016x}")


@pytest.fixture
def server() -> PostgresServer:
    return postgresql.shared()


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    with server.database() as url:
        yield url


@pytest.fixture
def proxy(server: PostgresServer) -> Iterator[Proxy]:
    """Between one ear and the database."""
    with Proxy(server.port) as proxy:
        yield proxy


def through(port: int, server: PostgresServer, url: str) -> str:
    """The same database, by another way."""
    return server.url(url.rpartition("/")[2], port)


@pytest.fixture
def station(url: str) -> Iterator[Callable[..., Station]]:
    """Start processes, and end them with the test."""
    made: list[Station] = []

    def start(process: int, **options: Any) -> Station:
        made.append(Station(url, process, **options))
        return made[-1].start()

    yield start
    for one in made:
        one.close()


@pytest.fixture
def pair(station: Callable[..., Station]) -> tuple[Station, Station]:
    """Two who know each other."""
    one, other = station(1), station(2)
    one.wait_for_others(2)
    other.wait_for_others(1)
    return one, other


def notify(url: str, *payloads: str) -> None:
    """As somebody who can connect to the database."""
    with closing(postgresql.psycopg().connect(url, autocommit=True)) as connection:
        for payload in payloads:
            connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload])


# -- hearing ---------------------------------------------------------------------------------------


def test_while_nobody_takes_hints_no_more_are_handed_on(
    station: Callable[..., Station],
) -> None:
    heard: list[Any] = []
    one = station(1)
    other = station(2, on_hearing=heard.append, is_full=lambda: len(heard) >= 2)
    one.wait_for_others(2)
    other.wait_for_others(1)
    for number in range(4):
        one.crier.tell(IsTyping("lobby", Known(f"u{number}", "Ann")))
    wait_for(lambda: other.ear.left_out == 2, "two that are left out")
    assert len(heard) == other.ear.heard == 2

    heard.clear()
    one.crier.tell(news(3))
    other.wait_for_hint(1, news(3))


def test_processes_hear_each_other_and_not_themselves(pair: tuple[Station, Station]) -> None:
    one, other = pair
    for hint in (news(1), TYPING, CROWD):
        one.crier.tell(hint)
        other.wait_for_hint(1, hint)
    other.crier.tell(news(2))
    one.wait_for_hint(2, news(2))

    assert one.heard == [(2, news(2))]
    assert [hint for _, hint in other.heard] == [news(1), TYPING, CROWD]
    assert (one.ear.heard, other.ear.heard) == (1, 3)
    assert (one.ear.forged, one.ear.reconnects, one.compared) == (0, 0, 1)


def test_everybody_knows_who_is_there(station: Callable[..., Station]) -> None:
    ann = station(1)
    wait_for(lambda: ann.ear.is_listening, "her own beat")
    assert not ann.crier.others_are_there
    bob = station(2)
    eve = station(3)
    ann.wait_for_others(2, 3)
    bob.wait_for_others(1, 3)
    eve.wait_for_others(1, 2)
    assert ann.crier.others_are_there

    bob.close()
    eve.close()

    ann.wait_for_others()
    assert not ann.crier.others_are_there


def test_a_process_that_says_nothing_any_more_is_forgotten(
    station: Callable[..., Station],
) -> None:
    ann = station(1, forgotten_after=1.0)
    bob = station(2)
    ann.wait_for_others(2)

    bob.crier.cut()  # without a last beat

    ann.wait_for_others()
    assert ann.ear.is_listening


def test_one_that_cannot_be_handled_does_not_keep_others_from_being_heard(
    station: Callable[..., Station], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(hint: Any) -> None:
        assert hint != TYPING

    ann, bob = station(1, on_hearing=fail), station(2)
    bob.wait_for_others(1)
    bob.crier.tell(TYPING)
    ann.wait_for_hint(2, TYPING)
    bob.crier.tell(CROWD)

    ann.wait_for_hint(2, CROWD)
    assert "the ear goes on" in caplog.text


# -- what nobody has signed ------------------------------------------------------------------------


def test_what_is_not_signed_is_counted_and_left_alone(
    pair: tuple[Station, Station], url: str, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = pair
    (forged,) = pack([news(9)], 2, b"another key")
    (newer,) = pack([news(9)], 2, KEY)
    notify(url, "", "hello", "1", forged, "1 " + "x" * 7900, "3" + newer[1:])
    other.crier.tell(CROWD)

    one.wait_for_hint(2, CROWD)
    assert one.heard == [(2, CROWD)]
    wait_for(lambda: other.ear.forged == 5, "what was forged")
    assert (one.ear.forged, one.ear.foreign) == (5, 1)
    lines = [line for line in caplog.messages if "signed" in line]
    assert len(lines) == 2  # one of each process


# -- connections that break ------------------------------------------------------------------------


def test_a_lost_connection_is_made_anew_and_all_rooms_are_compared(
    station: Callable[..., Station], server: PostgresServer, url: str, proxy: Proxy
) -> None:
    ann = station(1, ear_url=through(proxy.port, server, url))
    bob = station(2)
    bob.wait_for_others(1)
    ann.wait_for_others(2)

    proxy.close_all()

    wait_for(lambda: ann.compared == 2, "a comparison")
    assert ann.ear.reconnects == 1
    wait_for(lambda: ann.ear.is_listening, "her own beat")
    bob.wait_for_others(1)
    bob.crier.tell(news(1))
    ann.wait_for_hint(2, news(1))


def test_a_server_that_was_restarted_is_heard_again(
    pair: tuple[Station, Station], server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = pair
    server.stop()
    wait_for(lambda: not one.ear.is_listening, "nothing")
    server.start()

    for station in pair:
        wait_for(lambda: station.ear.reconnects and station.ear.is_listening, "her beat")  # noqa: B023
        assert station.compared == station.ear.reconnects + 1

    def is_heard() -> bool:
        one.crier.tell(news(1))
        return (1, news(1)) in other.heard

    wait_for(is_heard, "news")
    for password in (PASSWORD, IN_URL):
        assert password not in caplog.text


def test_an_ear_that_has_become_deaf_is_noticed(
    station: Callable[..., Station],
    server: PostgresServer,
    url: str,
    proxy: Proxy,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing ends: the line just carries nothing any more."""
    ann = station(1, ear_url=through(proxy.port, server, url), deaf_after=1.0)
    bob = station(2)
    ann.wait_for_others(2)
    bob.wait_for_others(1)

    def swallow(link: Link) -> None:
        link.down.frozen = True

    proxy.each(swallow)
    began = time.monotonic()
    wait_for(lambda: ann.ear.reconnects, "another connection")
    assert time.monotonic() - began > 0.5
    assert "not even ourselves" in caplog.text

    wait_for(lambda: ann.ear.is_listening and 1 in bob.ear.others, "beats")
    bob.crier.tell(news(1))
    ann.wait_for_hint(2, news(1))


def test_an_ear_stays_deaf_as_long_as_nothing_comes_through(
    station: Callable[..., Station], server: PostgresServer, url: str, proxy: Proxy
) -> None:
    ann = station(1, ear_url=through(proxy.port, server, url), deaf_after=0.5)
    wait_for(lambda: ann.ear.is_listening, "her own beat")
    proxy.fates = lambda: (FINE, Fate(freeze_after=0))

    proxy.close_all()

    wait_for(lambda: not ann.ear.is_listening, "deafness")
    accepted = proxy.accepted
    wait_for(lambda: proxy.accepted > accepted, "another attempt")
    assert not ann.ear.is_listening
    proxy.fates = lambda: (FINE, FINE)
    wait_for(lambda: ann.ear.is_listening, "her own beat")


# -- a consumer that is slow -----------------------------------------------------------------------


def test_whoever_takes_nothing_gets_news_without_texts(station: Callable[..., Station]) -> None:
    size = news(1).size
    ann, bob = station(1, most_text=2 * size), station(2)
    bob.wait_for_others(1)
    for seq in (1, 2, 3):
        bob.crier.tell(news(seq))
        wait_for(lambda: len(ann.heard) == seq, "news")  # noqa: B023
    assert [hint for _, hint in ann.heard] == [news(1), news(2), news(3).bare()]

    ann.ear.taken(size)
    for seq in (4, 5):
        bob.crier.tell(news(seq))
        wait_for(lambda: len(ann.heard) == seq, "news")  # noqa: B023

    assert [hint for _, hint in ann.heard[3:]] == [news(4), news(5).bare()]


# -- the start, and the end ------------------------------------------------------------------------


def test_an_ear_that_hears_is_proved(url: str) -> None:
    Station(url, 1).ear.open(1, KEY)


def test_a_pooler_in_transaction_mode_is_refused_with_its_reason(
    server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chatroom.shared import ear

    monkeypatch.setattr(ear, "PROOF_SECONDS", 2.0)
    with pooler(server, "transaction") as port:
        station = Station(url, 1, ear_url=through(port, server, url))
        with pytest.raises(HistoryRefused, match="pooler in transaction mode") as caught:
            station.ear.open(1, KEY)

    assert "PostgreSQL itself" in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_a_pooler_in_session_mode_will_do(server: PostgresServer, url: str) -> None:
    with pooler(server, "session") as port:
        Station(url, 1, ear_url=through(port, server, url)).ear.open(1, KEY)


def test_an_ear_is_proved_also_behind_a_machine_that_does_not_answer(
    server: PostgresServer, url: str, proxy: Proxy
) -> None:
    """Each of two connections takes two seconds."""
    proxy.fates = lambda: (Fate(freeze_after=0), Fate(freeze_after=0))
    ports = f"127.0.0.1:{proxy.port},127.0.0.1:{server.port}"

    Station(url.replace(f"127.0.0.1:{server.port}", ports), 1).ear.open(1, KEY)


def test_a_database_that_is_not_reached_is_refused(
    server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chatroom.shared import ear

    monkeypatch.setattr(ear, "PROOF_SECONDS", 0.5)
    station = Station(url, 1, ear_url=through(idle_port().number, server, url))

    with pytest.raises(HistoryRefused, match="start PostgreSQL") as caught:
        station.ear.open(1, KEY)
    assert PASSWORD not in str(caught.value)


def test_it_begins_without_its_database_and_hears_once_that_is_there(
    station: Callable[..., Station], server: PostgresServer
) -> None:
    server.stop()
    try:
        ann = station(1)
        assert not ann.ear.is_listening
    finally:
        server.start()

    wait_for(lambda: ann.ear.is_listening, "her own beat")
    assert (ann.compared, ann.ear.reconnects) == (1, 0)


def test_it_ends_at_once_also_where_the_database_does_not_answer(
    pair: tuple[Station, Station], server: PostgresServer
) -> None:
    one, _ = pair
    with server.frozen():
        began = time.monotonic()
        one.ear.stop(DEADLINE)
        assert time.monotonic() - began < 2
    assert not one.ear._thread.is_alive()
    assert not one.ear.is_listening
    one.ear.stop(DEADLINE)


def test_the_server_lets_go_of_a_listener_that_takes_nothing() -> None:
    """As its connection asks it to."""
    from chatroom.shared.ear import LISTENING

    assert LISTENING["tcp_user_timeout"] == "5s"


def test_a_beat_of_somebody_who_does_not_listen_counts_for_nothing(
    station: Callable[..., Station], url: str
) -> None:
    ann = station(1)
    wait_for(lambda: ann.ear.is_listening, "her own beat")
    notify(url, *pack([Beat(2, is_listening=False)], 2, KEY), *pack([CROWD], 2, KEY))

    ann.wait_for_hint(2, CROWD)
    assert not ann.ear.others
