"""Who is here, over all processes: the functions in the database, asked by several of them."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from chatroom.history.postgresql.attendance import Attendance, Departures, People, Verdict
from chatroom.names import keys
from tests.support import postgresql
from tests.support.arbiter import Arbiter, ArbiterTables
from tests.support.deadline import DEADLINE, wait_for

pytestmark = [pytest.mark.database, pytest.mark.takes(seconds=8)]

ROUNDS = 200

STAGGER = 0.002
"""Seconds by which one may be ahead of the other: more than an answer takes."""


class AttendedDatabase:
    """One whose tables are empty, and processes that have it in common.

    Args:
        url: of it.
        stack: closes the connections.
    """

    def __init__(self, url: str, stack: ExitStack) -> None:
        self._url = url
        self._stack = stack
        self.name = url.rpartition("/")[2]

    def link(self) -> Any:
        from chatroom.history.postgresql.failures import Failures
        from chatroom.history.postgresql.links import WRITING, DatabaseLink

        session = WRITING | {"synchronous_commit": "off"}
        link = DatabaseLink(self._url, Failures(self._url), session, time.monotonic() + DEADLINE)
        self._stack.callback(link.close)
        return link

    def process(self, number: int) -> AttendingProcess:
        """It has just appeared."""
        process = AttendingProcess(self.link(), number)
        process.tables.appear(number, f"process {number}")
        return process

    def change(self, statement: str) -> list[Any]:
        """What the functions would have done at another time."""
        return postgresql.shared().query(statement, self.name)

    def stop(self, process: AttendingProcess) -> None:
        """It has said nothing for too long."""
        self.change(
            "UPDATE chatroom.processes SET beat_at = beat_at - interval '1 min'"
            f" WHERE id = {process.number}"
        )

    def crowds(self) -> list[str]:
        """The rooms that have one."""
        return sorted(room for (room,) in self.change("SELECT room FROM chatroom.crowds"))

    def await_waiting(self) -> None:
        """Until somebody waits for a lock of a row."""
        waits = "SELECT pid FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
        wait_for(lambda: self.change(waits), "somebody who waits")

    def whereabouts(self, user_id: str) -> tuple[set[str], int | None]:
        """Of somebody in the lobby."""
        ((keys, others),) = self.link().call(
            "SELECT * FROM whereabouts(%s, %s)", ["lobby", user_id]
        )
        return set(keys), others

    def pass_time(self, seconds: int) -> None:
        """For those who are away."""
        self.change(f"UPDATE chatroom.people SET away_until = away_until - interval '{seconds} s'")


class AttendingProcess:
    """What one of them asks for."""

    def __init__(self, link: Any, number: int) -> None:
        self.number = number
        self.link = link
        self.sockets = itertools.count(1)

    @property
    def tables(self) -> Attendance:
        return Attendance(self.link, time.monotonic() + DEADLINE)

    def attend(self, *acts: dict[str, Any]) -> list[Verdict]:
        verdicts = self.tables.attend(self.number, acts)
        assert verdicts is not None, "this process is nobody"
        return verdicts

    def enter(self, user_id: str, name: str, room: str = "lobby", **fields: Any) -> Verdict:
        return self.attend(enter(next(self.sockets), user_id, name, room, **fields))[0]

    def leave(self, socket: int, user_id: str, **fields: Any) -> Verdict:
        return self.attend(leave(socket, user_id, **fields))[0]

    def gone(self, user_id: str, absence: int) -> Verdict:
        return self.attend(gone(user_id, absence))[0]

    def people(self, room: str = "lobby", sockets: Sequence[int] = ()) -> Any:
        return self.tables.crowd(room, self.number, sockets)

    def names(self, room: str = "lobby") -> list[str]:
        return [name for _, name in self.people(room).people]


def enter(
    socket: int, user_id: str, name: str, room: str = "lobby", **fields: Any
) -> dict[str, Any]:
    return {
        **{"act": "enter", "room": room, "user_id": user_id, "socket": socket, "name": name},
        **{"tab": f"tab of {user_id}", "keys": sorted(keys(name))},
        **{"comes_back": False, "stays": False, **fields},
    }


def leave(socket: int, user_id: str, room: str = "lobby", grace: float = 5.0) -> dict[str, Any]:
    who = {"room": room, "user_id": user_id, "socket": socket}
    return {"act": "leave", **who, "grace": grace, "reason": "closed"}


def rename(user_id: str, name: str, room: str = "lobby") -> dict[str, Any]:
    who = {"room": room, "user_id": user_id}
    return {"act": "rename", **who, "name": name, "keys": sorted(keys(name))}


def gone(user_id: str, absence: int, room: str = "lobby") -> dict[str, Any]:
    who = {"room": room, "user_id": user_id}
    return {"act": "gone", **who, "absence": absence, "reason": "closed"}


@pytest.fixture
def database() -> Iterator[AttendedDatabase]:
    with opened() as database:
        yield database


@contextmanager
def opened() -> Iterator[AttendedDatabase]:
    with postgresql.shared().database() as url, ExitStack() as stack:
        yield AttendedDatabase(url, stack)


# -- names -----------------------------------------------------------------------------------------


def test_of_two_who_want_a_name_at_once_one_has_it(database: AttendedDatabase) -> None:
    processes = [database.process(1), database.process(2)]
    begin = threading.Barrier(2)

    def ask(process: AttendingProcess) -> list[Verdict]:
        said, chance = [], random.Random(process.number)
        for number in range(ROUNDS):
            begin.wait(DEADLINE)
            time.sleep(chance.uniform(0, STAGGER))  # else a machine may always favour the same one
            user_id, name = f"u{process.number} {number}", f"Ann {number}"
            said.append(process.enter(user_id, name if process.number == 1 else name.upper()))
        return said

    with ThreadPoolExecutor(2) as pool:
        ones, others = pool.map(ask, processes)

    for one, other in zip(ones, others, strict=True):
        assert sorted([one.word, other.word]) == ["done", "taken"]
    assert len(processes[0].people().people) == ROUNDS
    winners = {
        process.number
        for process, said in zip(processes, (ones, others), strict=True)
        if any(verdict.word == "done" for verdict in said)
    }
    assert winners == {1, 2}, "they never met"


def test_a_name_that_looks_the_same_is_taken(database: AttendedDatabase) -> None:
    one, other = database.process(1), database.process(2)
    one.enter("a", "Ann")

    assert other.enter("b", "Аnn").word == "taken"  # noqa: RUF001 - a Cyrillic A
    assert other.enter("b", "Bob").word == "done"
    assert other.attend(rename("b", "ann"))[0] == Verdict("taken", 0, other.people().epoch, 2, [])
    assert other.names() == ["Ann", "Bob"]


def test_a_name_is_free_again_once_its_bearer_is_called_otherwise(
    database: AttendedDatabase,
) -> None:
    one, other = database.process(1), database.process(2)
    one.enter("a", "Ann")
    renamed = one.attend(rename("a", "Anna"))[0]

    assert renamed.events == [("renamed", "a", "Anna")]
    assert other.enter("b", "Ann").word == "done"
    assert other.names() == ["Anna", "Ann"]


def test_who_is_not_here_cannot_be_renamed(database: AttendedDatabase) -> None:
    process = database.process(1)

    assert process.attend(rename("a", "Ann"))[0].word == "unknown"


def test_rooms_have_their_own_names(database: AttendedDatabase) -> None:
    process = database.process(1)

    assert process.enter("a", "Ann", "lobby").word == "done"
    assert process.enter("b", "Ann", "garden").word == "done"


def test_any_name_stays_exact(database: AttendedDatabase) -> None:
    process = database.process(1)
    odd = "A\0nn ␛ \U0001f642"

    assert process.enter("a", odd).events == [("joined", "a", odd)]
    assert process.people().people == [("a", odd)]
    assert process.enter("b", odd).word == "taken"


# -- who may come in -------------------------------------------------------------------------------


def test_whoever_was_judged_by_less_than_is_decided_does_not_come_in(
    database: AttendedDatabase,
) -> None:
    process = database.process(1)
    database.change("INSERT INTO chatroom.rooms (name, decided) VALUES ('', 2), ('garden', 3)")

    for known in ([1, 3], [2, 2]):
        verdict = process.enter("a", "Ann", "garden", known=known)
        assert (verdict.word, verdict.decided, verdict.events) == ("outdated", (2, 3), [])
    assert process.names("garden") == []
    assert process.enter("a", "Ann", "garden", known=[2, 3]).word == "done"
    assert process.enter("b", "Bob", "elsewhere", known=[2, 0]).word == "done"


def test_who_is_in_already_is_in_whatever_was_decided_since(database: AttendedDatabase) -> None:
    """The answer was lost; the process hears by itself what was decided."""
    process = database.process(1)
    coming = enter(1, "a", "Ann", "garden", known=[0, 0])
    process.attend(coming)
    database.change("INSERT INTO chatroom.rooms (name, decided) VALUES ('garden', 1)")

    assert process.attend(coming)[0].word == "done"


def test_it_is_known_where_somebody_has_come_from_for_an_hour(database: AttendedDatabase) -> None:
    one, other = database.process(1), database.process(2)
    one.enter("a", "Ann", address="home")
    other.enter("a", "Ann", tab="another", address="school")
    other.enter("b", "Bob", address="school")
    other.enter("c", "Eve", address="")
    assert database.whereabouts("a") == ({"home", "school"}, 1)
    assert database.whereabouts("b") == ({"school"}, 1)
    assert database.whereabouts("c") == (set(), None)

    one.leave(1, "a")
    other.leave(1, "a")
    assert database.whereabouts("a") == ({"school"}, None)
    database.change("UPDATE chatroom.addresses SET left_at = left_at - interval '61 min'")
    assert database.whereabouts("a") == (set(), None)
    other.tables.reap(5.0)
    assert database.change("SELECT * FROM chatroom.addresses") == []


def test_it_is_known_where_the_people_of_a_dead_process_were(database: AttendedDatabase) -> None:
    one, other = database.process(1), database.process(2)
    one.enter("a", "Ann", address="home")
    one.enter("a", "Ann", tab="another", address="school")
    database.stop(one)
    other.tables.reap(5.0)

    assert database.whereabouts("a") == ({"school"}, None)


# -- whose room it is ------------------------------------------------------------------------------


def made(verdict: Verdict) -> bool:
    return any(event[0] == "made" for event in verdict.events)


def test_of_all_who_come_to_a_new_room_at_once_one_has_made_it(database: AttendedDatabase) -> None:
    processes = [database.process(1), database.process(2)]
    begin = threading.Barrier(2)

    def ask(process: AttendingProcess) -> list[bool]:
        said = []
        for number in range(ROUNDS):
            begin.wait(DEADLINE)
            name = f"u{process.number}"
            said.append(made(process.enter(name, name, f"room {number}", makes=True)))
        return said

    with ThreadPoolExecutor(2) as pool:
        ones, others = pool.map(ask, processes)

    assert [one + other for one, other in zip(ones, others, strict=True)] == [1] * ROUNDS
    assert processes[0].people("room 7").maker == ("u1" if ones[7] else "u2")


def test_nobody_makes_a_room_of_which_something_is_stored(database: AttendedDatabase) -> None:
    process = database.process(1)
    database.change("INSERT INTO chatroom.rooms (name, seq) VALUES ('said', 1)")
    database.change("INSERT INTO chatroom.rooms (name, decided) VALUES ('decided', 1)")

    for room in ("said", "decided"):
        assert not made(process.enter("a", "Ann", room, makes=True))
    assert made(process.enter("a", "Ann", "new", makes=True))


def test_once_all_are_gone_the_next_one_makes_it(database: AttendedDatabase) -> None:
    process = database.process(1)
    process.enter("a", "Ann", makes=True)
    process.enter("b", "Bob", makes=True)
    process.leave(1, "a")
    process.gone("a", 1)
    assert not made(process.enter("c", "Eve", makes=True))
    for socket, user_id in ((2, "b"), (3, "c")):
        process.leave(socket, user_id)
        process.gone(user_id, 1)
    assert process.people().maker == ""

    assert made(process.enter("d", "Dora", makes=True))


# -- coming and going ------------------------------------------------------------------------------


def test_a_tab_that_comes_back_elsewhere_replaces_its_socket(database: AttendedDatabase) -> None:
    one, other = database.process(1), database.process(2)
    one.enter("a", "Ann")
    back = other.enter("a", "Ann", comes_back=True)

    assert back.events == [("replaced", "a", "tab of a")]
    assert one.people(sockets=[1]).missing == [1]
    assert other.people(sockets=[1]).missing == []
    assert one.leave(1, "a").word == "done", "as the other socket is there"


def test_another_tab_of_theirs_stays(database: AttendedDatabase) -> None:
    one, other = database.process(1), database.process(2)
    one.enter("a", "Ann", tab="first")
    second = other.enter("a", "Ann", tab="second", comes_back=True)

    assert second.events == []
    assert one.people(sockets=[1]).missing == []
    assert one.leave(1, "a").word == "done"
    assert other.leave(1, "a").word == "away"


def test_who_comes_back_in_time_has_not_left(database: AttendedDatabase) -> None:
    one, other = database.process(1), database.process(2)
    one.enter("a", "Ann")
    away = one.leave(1, "a")
    assert (away.word, away.absence, away.events) == ("away", 1, [])
    assert other.enter("a", "Ann").events == []

    assert one.gone("a", 1).events == []
    assert one.names() == ["Ann"]


def test_who_does_not_is_gone(database: AttendedDatabase) -> None:
    one, other = database.process(1), database.process(2)
    one.enter("a", "Ann")
    one.leave(1, "a")
    assert other.enter("b", "Ann").word == "taken"

    assert one.gone("a", 1).events == [("left", "a", "Ann", "closed")]
    assert other.enter("b", "Ann").word == "done"


def test_an_absence_is_not_ended_by_the_timer_of_an_earlier_one(database: AttendedDatabase) -> None:
    one, other = database.process(1), database.process(2)
    one.enter("a", "Ann")
    one.leave(1, "a")
    other.enter("a", "Ann")
    assert other.leave(1, "a").absence == 2

    assert one.gone("a", 1).events == []
    assert other.gone("a", 2).events == [("left", "a", "Ann", "closed")]


def test_acts_are_done_in_their_order_and_each_says_how_far_the_crowd_was(
    database: AttendedDatabase,
) -> None:
    process = database.process(1)
    epoch = process.enter("x", "Somebody").epoch
    verdicts = process.attend(
        enter(11, "a", "Ann"),
        enter(12, "b", "Ann"),
        rename("a", "Anna"),
        enter(13, "b", "Ann"),
        enter(14, "c", "Ann", "garden"),
        leave(11, "a"),
        gone("a", 1),
    )

    words = [verdict.word for verdict in verdicts]
    assert words == ["done", "taken", "done", "done", "done", "away", "done"]
    in_lobby = [verdict for number, verdict in enumerate(verdicts) if number != 4]
    assert [verdict.version for verdict in in_lobby] == [2, 2, 3, 4, 4, 5]
    assert {verdict.epoch for verdict in in_lobby} == {epoch}
    assert (verdicts[4].version, verdicts[4].epoch != epoch) == (1, True)
    assert process.people().version == 5


def test_a_crowd_is_read_in_the_order_in_which_they_came(database: AttendedDatabase) -> None:
    process = database.process(1)
    for user_id in "dacb":
        process.enter(user_id, f"Somebody {user_id}")
    process.attend(rename("a", "Ann"))

    assert [user_id for user_id, _ in process.people().people] == ["d", "a", "c", "b"]


def test_a_room_in_which_nobody_ever_was_has_no_crowd(database: AttendedDatabase) -> None:
    assert database.process(1).people() == (0, 0, [], [], [], "")


def test_crowds_that_have_changed_are_named(database: AttendedDatabase) -> None:
    process = database.process(1)
    epoch = process.enter("a", "Ann").epoch
    known = {"lobby": (epoch, 1), "garden": (0, 0)}
    assert process.tables.changed(known) == process.tables.changed({}) == []
    process.enter("b", "Bob")

    assert process.tables.changed(known) == [("lobby", epoch, 2)]
    assert process.tables.changed({"garden": (7, 7)}) == [("garden", 0, 0)]


# -- answers that were lost ------------------------------------------------------------------------


def test_acts_that_come_again_are_done_once(database: AttendedDatabase) -> None:
    process = database.process(1)
    coming = [enter(1, "a", "Ann", comes_back=True), enter(2, "b", "Bob")]
    first, again = process.attend(*coming), process.attend(*coming)
    assert [len(verdict.events) for verdict in (*first, *again)] == [1, 1, 0, 0]
    assert [verdict[:4] for verdict in again] == [("done", 0, first[0].epoch, 2)] * 2

    going = [leave(1, "a"), leave(2, "b"), gone("b", 1)]
    first, again = process.attend(*going), process.attend(*going)
    assert [(one.word, one.absence) for one in first] == [("away", 1), ("away", 1), ("done", 0)]
    assert [(one.word, one.absence) for one in again] == [("away", 1), ("done", 0), ("done", 0)]
    assert again[-1].version == process.people().version == 3


def test_what_comes_too_late_is_not_done(database: AttendedDatabase) -> None:
    """Whoever has asked for it was told that it failed."""
    import psycopg

    process = database.process(1)
    from chatroom.history.postgresql.links import LinkLost

    late = Attendance(process.link, time.monotonic() - 60)
    with pytest.raises((psycopg.Error, LinkLost)):
        late.attend(1, [enter(1, "a", "Ann")])

    assert database.process(2).people().people == []


# -- processes -------------------------------------------------------------------------------------


def test_a_process_that_has_not_appeared_is_nobody(database: AttendedDatabase) -> None:
    process = AttendingProcess(database.link(), 7)

    assert process.tables.attend(7, [enter(1, "a", "Ann")]) is None
    assert not process.tables.beat(7)
    assert process.names() == []


def test_a_process_that_was_silent_for_too_long_is_nobody(database: AttendedDatabase) -> None:
    """Even if nobody has seen to it yet."""
    one, other = database.process(1), database.process(2)
    one.enter("a", "Ann")
    assert one.tables.beat(1)
    database.stop(one)

    assert one.tables.attend(1, [enter(2, "b", "Bob")]) is None
    assert not one.tables.beat(1)
    assert one.people(sockets=[1, 99]).missing == [], "it is not to judge by that"
    assert other.names() == ["Ann"]


def test_the_people_of_a_dead_process_are_away_and_then_gone(database: AttendedDatabase) -> None:
    one, other = database.process(1), database.process(2)
    one.enter("a", "Ann")
    one.enter("b", "Bob")
    one.enter("c", "Eve", "garden")
    other.enter("b", "Bob", tab="another")
    database.stop(one)

    assert other.tables.reap(5.0) == ([], True)
    assert other.tables.reap(5.0) == ([], False)
    assert other.names() == ["Ann", "Bob"]
    database.pass_time(5)
    gone, has_more = other.tables.reap(5.0)

    assert not has_more
    events = {one.room: (one.version, one.events) for one in gone}
    assert events == {
        "lobby": (3, [("left", "a", "Ann", "lost")]),
        "garden": (2, [("left", "c", "Eve", "lost")]),
    }
    assert (other.names(), other.names("garden")) == (["Bob"], [])
    assert database.change("SELECT id FROM chatroom.processes") == [(2,)]


def test_who_has_come_back_elsewhere_before_that_stays(database: AttendedDatabase) -> None:
    one, other = database.process(1), database.process(2)
    one.enter("a", "Ann")
    database.stop(one)
    other.tables.reap(0.0)
    assert other.enter("a", "Ann", comes_back=True).events == []

    assert other.tables.reap(0.0) == ([], False)
    assert other.names() == ["Ann"]


def test_an_absence_that_nobody_ends_is_ended_a_little_later(database: AttendedDatabase) -> None:
    one, other = database.process(1), database.process(2)
    one.enter("a", "Ann")
    one.leave(1, "a", grace=30.0)
    database.pass_time(31)
    assert other.tables.reap(5.0) == ([], False)
    database.pass_time(5)

    assert [it.events for it in other.tables.reap(5.0)[0]] == [[("left", "a", "Ann", "closed")]]


def test_crowds_go_that_have_been_empty_for_long(database: AttendedDatabase) -> None:
    one, other = database.process(1), database.process(2)
    for room in ("lobby", "garden", "attic"):
        one.enter(f"u {room}", "Ann", room)
    epoch = one.people("garden").epoch
    one.leave(2, "u garden", room="garden")
    one.attend(gone("u garden", 1, "garden"))
    one.leave(3, "u attic", room="attic", grace=-10.0)
    other.tables.reap(5.0)
    assert database.crowds() == ["attic", "garden", "lobby"]
    database.change("UPDATE chatroom.crowds SET empty_since = empty_since - interval '11 min'")
    other.enter("u attic", "Ann", "attic")
    other.tables.reap(5.0)

    assert database.crowds() == ["attic", "lobby"]
    assert one.people("garden") == (0, 0, [], [], [], "")
    again = one.enter("u garden", "Ann", "garden")
    assert (again.version, again.epoch != epoch) == (1, True)


def test_a_crowd_does_not_go_under_those_who_come(database: AttendedDatabase) -> None:
    """It is deleted while they wait for its lock."""
    process, busy = database.process(1), database.link()
    process.enter("a", "Ann", "garden")
    busy.call("BEGIN")
    busy.call("DELETE FROM crowds WHERE room = 'garden'")
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(process.enter, "b", "Bob", "garden")
        database.await_waiting()
        busy.call("COMMIT")
        verdict = coming.result(DEADLINE)

    assert (verdict.word, verdict.version) == ("done", 1)


def test_one_at_a_time_sees_to_that(database: AttendedDatabase) -> None:
    one, other = database.process(1), database.process(2)
    one.enter("a", "Ann")
    one.leave(1, "a", grace=-10.0)
    busy = database.link()
    busy.call("BEGIN")
    busy.call("SELECT pg_advisory_xact_lock(1128808788, 5)")
    assert other.tables.reap(5.0) == ([], False)
    busy.call("ROLLBACK")

    assert len(other.tables.reap(5.0)[0]) == 1


def test_who_departs_leaves_its_people_time_to_come_back(database: AttendedDatabase) -> None:
    one, other = database.process(1), database.process(2)
    rooms = [f"room {number}" for number in range(150)]
    for number, room in enumerate(rooms):
        one.enter(f"u{number}", "Ann", room)
    assert not one.tables.depart(1, 15.0)
    assert one.tables.depart(1, 15.0)

    assert one.tables.attend(1, [enter(1000, "a", "Ann")]) is None
    assert other.enter("x", "ANN", rooms[0]).word == "taken"
    assert other.enter("u0", "Ann", rooms[0]).word == "done"
    database.pass_time(15)
    assert sum(len(it.events) for it in other.tables.reap(5.0)[0]) == 100
    assert sum(len(it.events) for it in other.tables.reap(5.0)[0]) == 49
    assert other.names(rooms[0]) == ["Ann"]


def test_who_stays_keeps_the_name_that_they_have(database: AttendedDatabase) -> None:
    """A process has appeared anew, and says whom it has."""
    one, other = database.process(1), database.process(2)
    one.enter("a", "Ann", tab="one")
    other.enter("a", "Anna", tab="two")
    again = one.attend(enter(7, "a", "Ann", stays=True), enter(8, "b", "Ann", stays=True))

    assert [(it.word, it.events) for it in again] == [
        ("done", []),
        ("done", [("joined", "b", "Ann")]),
    ]
    assert one.names() == ["Anna", "Ann"]


def test_once_the_tables_are_emptied_the_epoch_is_another_one(database: AttendedDatabase) -> None:
    one = database.process(1)
    epoch = one.enter("a", "Ann").epoch
    tables = (
        "processes",
        "crowds",
        "people",
        "taken",
        "sockets",
        "knocks",
        "knockers",
        "addresses",
    )
    database.change(f"TRUNCATE {', '.join(f'chatroom.{table}' for table in tables)}")

    assert one.people() == (0, 0, [], [], [], "")
    assert one.tables.attend(1, [enter(2, "b", "Bob")]) is None
    one.tables.appear(3, "the same process")
    verdict = one.tables.attend(3, [enter(1, "a", "Ann", stays=True)])
    assert verdict
    assert verdict[0][2:5] == (verdict[0].epoch, 1, [("joined", "a", "Ann")])
    assert verdict[0].epoch != epoch


def test_a_crash_of_the_server_empties_them() -> None:
    from tests.support.postgresql import PostgresServer

    with ExitStack() as stack:
        server = PostgresServer()
        stack.callback(server.close)
        url = server._prepared()
        name = url.rpartition("/")[2]
        database = AttendedDatabase(url, stack)
        database.process(1).enter("a", "Ann")
        count = "SELECT count(*) FROM chatroom.people"
        assert server.query(count, name) == [(1,)]
        server.kill()
        server.start()

        assert server.query(count, name) == [(0,)]


# -- all at once -----------------------------------------------------------------------------------

PEOPLE = 12
NAMES = 8
ROOMS = ("red", "blue", "green")


def test_whoever_hears_all_events_in_order_knows_who_is_there(database: AttendedDatabase) -> None:
    """8 connections on 3 rooms: no version is missing or comes twice, no name is two people's."""
    processes = [database.process(number) for number in range(1, 9)]
    heard: list[Verdict] = []

    def live(process: AttendingProcess) -> list[tuple[str, Verdict]]:
        dice = random.Random(process.number)
        said: list[tuple[str, Verdict]] = []
        inside: list[tuple[int, str, str]] = []
        for socket in range(60):
            acts: list[dict[str, Any]] = []
            for _ in range(dice.randrange(1, 4)):
                room = dice.choice(ROOMS)
                user_id, name = f"u{dice.randrange(PEOPLE)}", f"Name {dice.randrange(NAMES)}"
                match dice.randrange(4):
                    case 0 | 1:
                        number = socket * 10 + len(acts)
                        back = dice.random() < 0.5
                        acts.append(enter(number, user_id, name, room, comes_back=back))
                        inside.append((number, user_id, room))
                    case 2:
                        acts.append(rename(user_id, name, room))
                    case _ if inside:
                        number, user_id, room = inside.pop()
                        acts.append(leave(number, user_id, room))
                        acts.append(gone(user_id, dice.randrange(1, 4), room))
            if acts:
                verdicts = process.attend(*acts)
                said += [(act["room"], one) for act, one in zip(acts, verdicts, strict=True)]
        return said

    with ThreadPoolExecutor(len(processes)) as pool:
        said = [one for some in pool.map(live, processes) for one in some]

    for room in ROOMS:
        heard = sorted((it for its, it in said if its == room and it.events), key=version)
        mirror: dict[str, str] = {}
        at = 0
        for verdict in heard:
            assert verdict.version == at + len(verdict.events)
            at = verdict.version
            for kind, user_id, *more in verdict.events:
                if kind == "left":
                    assert mirror.pop(user_id) == more[0]
                elif kind != "replaced":
                    mirror[user_id] = more[0]
            assert len(set(mirror.values())) == len(mirror)
        people = processes[0].people(room)
        assert (people.version, dict(people.people)) == (at, mirror)
        assert at > 20


def version(verdict: Verdict) -> int:
    return verdict.version


@pytest.mark.parametrize("seed", range(10))
def test_the_arbiter_of_other_tests_decides_the_same(database: AttendedDatabase, seed: int) -> None:
    """Those that need no database; compared in one long story."""
    dice, arbiter = random.Random(seed), Arbiter()
    arbiter.is_late = True
    numbers = [1, 2]
    for number in numbers:
        ArbiterTables(arbiter).appear(number, "")
    real = {number: database.process(number) for number in numbers}

    def compare(ask: Callable[[Any], Any]) -> None:
        own, theirs = ask(ArbiterTables(arbiter)), ask(real[1].tables)
        assert without_epochs(own) == without_epochs(theirs)

    for step in range(80):
        number, one, where = dice.choice(numbers), dice.randrange(4), dice.randrange(2)
        room, user_id, name = ROOMS[where], f"u{one}", f"Name {dice.randrange(4)}"
        socket, absence = 10 * dice.randrange(3) + 2 * one + where, dice.randrange(1, 4)
        fields = {"tab": f"t{dice.randrange(2)}", "comes_back": dice.random() < 0.5}
        acts = {
            "enter": enter(socket, user_id, name, room, **fields, stays=dice.random() < 0.2),
            "rename": rename(user_id, name, room),
            "leave": leave(socket, user_id, room),
            "gone": gone(user_id, absence, room),
        }
        act = acts[dice.choice(["enter", "enter", "rename", "leave", "leave", "gone"])]
        compare(lambda tables, who=number, what=act: tables.attend(who, [what]))
        compare(lambda tables, who=number, its=room: tables.crowd(its, who, range(30)))
        if step % 20 == 19:
            database.pass_time(60)
            compare(lambda tables: tables.reap(0.0))
    compare(lambda tables: tables.depart(2, 5.0))
    compare(lambda tables: tables.attend(2, [enter(1, "a", "Ann")]))


def without_epochs(answer: Any) -> Any:
    """What two arbiters have to agree on."""
    match answer:
        case People():
            return answer._replace(epoch=0, missing=sorted(answer.missing))
        case Verdict() | Departures():
            return answer._replace(epoch=0)
        case [[*gone], has_more]:
            return sorted(map(without_epochs, gone)), has_more
        case [*several]:
            return [*map(without_epochs, several)]
    return answer
