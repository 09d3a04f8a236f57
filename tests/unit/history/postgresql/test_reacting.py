"""The step to schema 4, and reactions of several processes, one of schema 3 among them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from chatroom.history import History, make_history
from chatroom.history.shared import SharedHistory, Version
from chatroom.message import MessageId
from chatroom.reactions import KINDS, MOST_TOLD, Click, Person, Span
from tests.support import postgresql
from tests.support.deadline import DEADLINE
from tests.support.histories import everything, said
from tests.support.postgresql import rows

pytestmark = pytest.mark.database

ANN, BOB = Person("a" * 16, "Ann"), Person("b" * 16, "Bob")


@pytest.fixture
def url() -> Iterator[str]:
    """Of a database of schema 3, with three messages."""
    with postgresql.shared().empty_database() as url:
        with postgresql.older_schema(url, 3) as history:
            history.append(said("lobby", 1, 3))
        yield url


def click(seq: int, who: Person = ANN, kind: str = "like", *, on: bool = True) -> Click:
    return Click("lobby", MessageId(seq, f"{seq:016x}"), who, kind, on)


def counts(history: History) -> dict[int, dict[str, int]]:
    return {it.id.seq: dict(it.counts) for it in history.reacted("lobby")}


def removed(url: str, seq: int) -> None:
    """As a process of schema 3 has a message removed."""
    change = {"seq": seq, "nonce": f"{seq:016x}", "user_name": "", "body": "", "stamp": ""}
    change |= {"edited_at": 0, "rev": 1, "removed": "host"}
    enact = "SELECT verdict FROM enact('a', 'lobby', NULL, NULL, %s, '[]', '{}', NULL, NULL, 9e9)"
    assert rows(url, enact, json.dumps([change])) == [("done",)]


def test_what_was_stored_before_can_be_reacted_to(history: SharedHistory) -> None:
    assert history.reacted("lobby") == []
    assert [message.seq for message in everything(history, "lobby")] == [1, 2, 3]

    assert history.react([click(1), click(3)]) == [True, True]

    assert counts(history) == {1: {"like": 1}, 3: {"like": 1}}


def test_what_a_process_of_schema_3_removes_or_trims_takes_its_reactions_along(
    url: str, history: SharedHistory
) -> None:
    history.react([click(1), click(2), click(3)])

    removed(url, 2)
    assert counts(history) == {1: {"like": 1}, 2: {}, 3: {"like": 1}}

    rows(url, "SELECT trim_room('lobby', 1, %s, 9e9)", f"{1:016x}")
    assert counts(history) == {2: {}, 3: {"like": 1}}
    assert history.react([click(1), click(2)]) == [False, False]


def test_nothing_of_reactions_is_left_without_a_message(url: str, history: SharedHistory) -> None:
    history.react([click(1), click(2, BOB, "wow"), click(3)])
    removed(url, 1)
    history.trim("lobby", 1, 0, 100)
    assert rows_of(url) == [(3, 3)]

    history.delete("lobby")
    assert rows_of(url) == []


def rows_of(url: str) -> list[Any]:
    """The seqs of both tables, side by side."""
    both = "reactions AS one FULL JOIN reacted AS other USING (seq)"
    return rows(url, f"SELECT one.seq, other.seq FROM {both}")


# -- what others have done -------------------------------------------------------------------------


def test_what_somebody_has_missed_brings_messages_and_reactions_of_one_moment(
    history: SharedHistory,
) -> None:
    known = history.missed("lobby", Version()).version
    assert history.changed({"lobby": known}) == []
    history.append(said("lobby", 4))
    history.react([click(4), click(1, BOB)])
    assert history.changed({"lobby": known}) == ["lobby"]

    missed = history.missed("lobby", known)

    assert [message.seq for message in missed.messages] == [4]
    assert [(it.id.seq, it.people) for it in missed.reactions] == [
        (1, {"like": [BOB]}),
        (4, {"like": [ANN]}),
    ]
    assert missed.version.mark == max(it.mark for it in missed.reactions)
    assert history.missed("lobby", missed.version).reactions == ()
    assert history.opening("lobby", 9, 9999).version == missed.version


def test_somebody_has_missed_all_changes_however_many_they_are(history: SharedHistory) -> None:
    """As where somebody's are forgotten elsewhere."""
    history.append(said("lobby", 4, MOST_TOLD))
    history.react([click(seq) for seq in range(1, MOST_TOLD + 4)])
    known = history.missed("lobby", Version(history.head("lobby"))).version
    assert history.forget_reactions("lobby", ANN.user_id) == MOST_TOLD + 3

    missed = history.missed("lobby", known)

    assert sorted(it.id.seq for it in missed.reactions) == list(range(1, MOST_TOLD + 4))
    assert missed.version.mark == max(it.mark for it in missed.reactions)


def test_whoever_knows_of_reactions_hears_that_they_are_gone(
    url: str, history: SharedHistory
) -> None:
    """And once they are trimmed, the room keeps its mark: nobody hears again of what they know."""
    history.react([click(1)])
    known = history.missed("lobby", Version()).version

    removed(url, 1)
    removed(url, 2)
    missed = history.missed("lobby", known)
    history.trim("lobby", 1, 0, 100)
    later = history.missed("lobby", missed.version)

    assert [(it.id.seq, it.counts) for it in missed.reactions] == [(1, {})]
    assert missed.version.mark > known.mark
    assert history.last_mark("lobby") == 0
    assert (later.is_fork, later.version.mark) == (False, missed.version.mark)
    assert later.reactions == ()


def test_reactions_that_a_standby_has_lost_are_a_fork(url: str, history: SharedHistory) -> None:
    """Whoever has heard of them comes back, and is told what there is."""
    history.react([click(1)])
    known = history.missed("lobby", Version()).version
    rows(url, "UPDATE rooms SET mark = mark - 1 WHERE name = 'lobby'")

    assert history.missed("lobby", known).is_fork

    history.react([click(2)])
    assert history.last_mark("lobby") > known.mark


def test_what_comes_again_since_its_answer_was_lost_changes_nothing(
    history: SharedHistory,
) -> None:
    history.react([click(1), click(2, on=False)])
    version = history.missed("lobby", Version()).version

    assert history.react([click(1), click(2, on=False)]) == [True, True]

    assert history.missed("lobby", Version()).version == version


def test_people_who_click_at_two_processes_are_all_counted_in_one_order(url: str) -> None:
    each, begin = 30, threading.Barrier(2)

    def react(history: History, number: int) -> list[int]:
        """The marks, as they come."""
        begin.wait(DEADLINE)
        marks = []
        for turn in range(each):
            who = Person(f"{number}-{turn}", "Somebody")
            history.react([click(1, who, KINDS[turn % 2]), click(2, who), click(2, who, on=False)])
            marks.append(history.last_mark("lobby"))
        return marks

    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        both = [stack.enter_context(closing(make_history(url, Path()))) for _ in range(2)]
        for one in both:
            one.open()
        working = [pool.submit(react, one, number) for number, one in enumerate(both)]
        for marks in [one.result(DEADLINE) for one in working]:
            assert marks == sorted(set(marks))
        assert counts(both[0]) == counts(both[1]) == {1: {"like": each, "love": each}, 2: {}}


def test_a_hall_that_clicks_at_once_is_one_call(history: SharedHistory) -> None:
    crowd = [Person(f"{number:016x}", f"Person {number}") for number in range(3000)]
    history.react([click(1, who, KINDS[number % 6]) for number, who in enumerate(crowd)])
    mark = history.last_mark("lobby")

    history.react([click(1, who, KINDS[number % 6], on=False) for number, who in enumerate(crowd)])

    (state,) = history.reacted("lobby", Span(after=mark), people=3, user_id=ANN.user_id)
    assert (state.counts, state.people, state.mine) == ({}, {}, [])
