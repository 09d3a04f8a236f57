"""Reactions, over every history that keeps them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chatroom.errors import HistoryUnavailable
from chatroom.history import History
from chatroom.history.effects import Effects
from chatroom.history.sqlite.history import SqliteHistory
from chatroom.message import Evidence, Message, MessageId, Remover
from chatroom.reactions import MOST_NAMED, MOST_TOLD, Click, Person, Reacted, Span
from tests.support import histories

ANN, BOB = Person("a" * 16, "Ann"), Person("b" * 16, "Bob")


@pytest.fixture(params=histories.KINDS)
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    with histories.open_history_of(request.param, tmp_path) as history:
        history.append(histories.said("lobby", 1, 5))
        yield history


def id_of(seq: int) -> MessageId:
    return MessageId(seq, f"{seq:016x}")


def click(seq: int, who: Person = ANN, kind: str = "like", *, on: bool = True) -> Click:
    return Click("lobby", id_of(seq), who, kind, on)


def counts(history: History, room: str = "lobby") -> dict[int, dict[str, int]]:
    return {it.id.seq: dict(it.counts) for it in history.reacted(room)}


def test_each_person_has_one_of_each_kind(history: History) -> None:
    """Clicking again changes nothing, not even the mark."""
    assert history.react([click(2), click(2, BOB), click(2, kind="wow")]) == [True] * 3
    mark = history.last_mark("lobby")

    assert history.react([click(2), click(2, BOB, "love", on=False)]) == [True, True]

    assert counts(history) == {2: {"like": 2, "wow": 1}}
    assert history.last_mark("lobby") == mark


def test_what_is_taken_back_is_told_as_nothing(history: History) -> None:
    history.react([click(2)])
    before = history.last_mark("lobby")

    history.react([click(2, on=False)])

    (now,) = history.reacted("lobby", Span(after=before))
    assert now == Reacted(id_of(2), history.last_mark("lobby"), {}, {})
    assert now.mark > before


def test_only_changes_after_a_mark_are_told(history: History) -> None:
    history.react([click(1), click(3)])
    mark = history.last_mark("lobby")
    history.react([click(1, BOB)])

    assert [it.id.seq for it in history.reacted("lobby", Span(after=mark))] == [1]
    assert [it.id.seq for it in history.reacted("lobby", Span(first=2))] == [3]
    assert [it.id.seq for it in history.reacted("lobby", Span(last=2))] == [1]
    assert history.reacted("lobby", Span(after=history.last_mark("lobby"))) == []
    assert history.reacted("garden") == []
    assert history.last_mark("garden") == 0


def test_people_are_named_as_far_as_asked_for(history: History) -> None:
    history.react([click(1), click(1, BOB), click(1, BOB, "done")])

    (one,) = history.reacted("lobby", people=1, user_id=BOB.user_id)

    assert one.people == {"like": [ANN], "done": [BOB]}
    assert one.mine == ["like", "done"]


def test_a_click_on_what_is_not_there_is_told(history: History) -> None:
    other = Click("lobby", MessageId(1, "f" * 16), ANN, "like", True)
    nowhere = click(1)._replace(room="garden")

    assert history.react([click(9), other, nowhere, click(1)]) == [False, False, False, True]
    assert counts(history) == {1: {"like": 1}}


def take_back(history: History, message: Message) -> None:
    left = message.taken_back(Remover.HOST, history.rev("lobby") + 1)
    history.rewrite(left, Evidence(message, 1))


def gone(history: History, *messages: Message) -> list[tuple[Message, Evidence]]:
    """What is left of them, and what they were."""
    rev = history.rev("lobby")
    return [
        (message.taken_back(Remover.HOST, rev + number), Evidence(message, 1))
        for number, message in enumerate(messages, start=1)
    ]


def test_no_number_leads_into_another_room(history: History) -> None:
    """A client may send any, with up to 15 digits. In SQLite, rooms lie one behind the other."""
    for room in ("two", "three"):
        history.append(histories.said(room, 1, 2))
    rooms = range(1, 5)

    far = [MessageId((number << 40) | 1, f"{1:016x}") for number in rooms]
    done = history.react([Click("lobby", id, ANN, "like", on=True) for id in far])

    assert done == [False] * len(rooms)
    assert [counts(history, room) for room in ("lobby", "two", "three")] == [{}] * 3


def test_reactions_go_with_a_removed_message_and_stay_away(history: History) -> None:
    first, second, *_ = histories.everything(history, "lobby")
    history.react([click(1), click(2)])

    take_back(history, first)
    history.enact("lobby", "", None, Effects(wiped=[second.taken_back(Remover.AUTHOR, 2)]))

    assert counts(history) == {1: {}, 2: {}}
    assert history.react([click(1)]) == [False]
    history.rewrite(first._replace(rev=3))
    assert counts(history) == {1: {}, 2: {}}
    assert history.react([click(1)]) == [True]


def test_a_removed_message_has_none_with_a_new_mark(history: History) -> None:
    """So whoever was away over that and its undoing hears of it, whichever way it went and came
    back, and whatever else has changed last; of what nobody has reacted to, there is nothing."""
    first, second, third, fourth, _ = histories.everything(history, "lobby")
    history.react([click(1), click(2, kind="wow"), click(4), click(5)])
    mark = history.last_mark("lobby")

    history.enact("lobby", "", None, Effects(removed=gone(history, first, second, third)))
    take_back(history, fourth)
    history.rewrite(fourth._replace(rev=history.rev("lobby") + 1))
    back = second._replace(rev=history.rev("lobby") + 1)
    history.enact("lobby", "", None, Effects(restored=[back]))

    changed = history.reacted("lobby", Span(after=mark))
    assert [(it.id.seq, dict(it.counts)) for it in changed] == [(1, {}), (2, {}), (4, {})]
    assert max(it.mark for it in changed) == history.last_mark("lobby") > mark
    assert counts(history)[5] == {"like": 1}
    assert history.reactions_of("lobby", ANN.user_id) == [(id_of(5), "like")]


def test_an_edit_and_what_nobody_removes_has_no_new_mark(history: History) -> None:
    first, *_ = histories.everything(history, "lobby")
    history.react([click(2)])
    mark = history.last_mark("lobby")

    history.rewrite(first.edited("ho", 1, 5))

    assert history.last_mark("lobby") == mark
    assert counts(history) == {2: {"like": 1}}


def test_an_edit_leaves_them(history: History) -> None:
    first, *_ = histories.everything(history, "lobby")
    history.react([click(1)])

    history.rewrite(first.edited("ho", 1, 5))

    assert counts(history) == {1: {"like": 1}}


def test_reactions_go_with_trimmed_messages_and_with_their_room(history: History) -> None:
    history.react([click(1), click(5)])

    history.trim("lobby", 2, 0, 100)
    assert counts(history) == {5: {"like": 1}}

    history.delete("lobby")
    history.append(histories.said("lobby", 1, 5))
    assert counts(history) == {}


def test_a_mark_is_never_used_again(history: History) -> None:
    first, *_ = histories.everything(history, "lobby")
    history.react([click(1)])
    mark = history.last_mark("lobby")

    take_back(history, first)
    removed = history.last_mark("lobby")
    history.react([click(2)])
    history.trim("lobby", 3, 0, 100)
    history.react([click(3)])

    assert history.last_mark("lobby") > removed > mark


def test_what_somebody_has_forgotten_is_told_to_the_others(history: History) -> None:
    history.react([click(1), click(1, BOB), click(2, kind="done")])
    mark = history.last_mark("lobby")
    assert history.reactions_of("lobby", ANN.user_id) == [(id_of(1), "like"), (id_of(2), "done")]

    assert history.forget_reactions("lobby", ANN.user_id) == 2

    assert history.reactions_of("lobby", ANN.user_id) == []
    changed = history.reacted("lobby", Span(after=mark))
    assert {it.id.seq: it.counts for it in changed} == {1: {"like": 1}, 2: {}}


def test_only_the_newest_messages_are_told_at_once(history: History) -> None:
    history.append(histories.said("lobby", 6, MOST_TOLD))
    history.react([click(seq) for seq in range(1, MOST_TOLD + 6)])

    told = history.reacted("lobby")

    assert [it.id.seq for it in told] == list(range(6, MOST_TOLD + 6))


def test_sqlite_is_asked_the_same_few_questions_however_many_messages_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody in the room may ask ten times a second, and each question takes the interpreter."""
    asked: list[str] = []

    @contextmanager
    def counted(reader: AbstractContextManager[sqlite3.Connection]) -> Iterator[Any]:
        with reader as connection:

            def execute(query: str, *values: Any) -> sqlite3.Cursor:
                asked.append(query)
                return connection.execute(query, *values)

            yield SimpleNamespace(execute=execute)

    with histories.open_history_of("sqlite:chat.db", tmp_path) as history:
        assert isinstance(history, SqliteHistory)
        history.append(histories.said("lobby", 1, MOST_TOLD))
        crowd = [Person(f"person-{number:02}", "Somebody") for number in range(30)]
        history.react([click(seq, who) for seq in range(1, MOST_TOLD + 1) for who in crowd])
        reader = history._readers.reader
        monkeypatch.setattr(history._readers, "reader", lambda: counted(reader()))

        everything = history.reacted("lobby", user_id=crowd[3].user_id)
        assert len(asked) <= 6
        named = history.reacted("lobby", people=20)

    assert [it.counts for it in everything] == [{"like": 30}] * MOST_TOLD
    assert all(it.mine == ["like"] for it in everything)
    assert [it.people != {} for it in named].count(True) == MOST_NAMED // 20
    assert len(named[-1].people["like"]) == 20
    assert len(asked) <= 12 + MOST_NAMED // 20


def test_of_several_clicks_on_one_thing_the_last_one_counts(history: History) -> None:
    history.react([click(1), click(1, on=False), click(2, on=False), click(2), click(2)])

    assert {seq: its for seq, its in counts(history).items() if its} == {2: {"like": 1}}


def test_one_transaction_may_have_clicks_of_several_rooms(history: History) -> None:
    history.append(histories.said("garden", 1, 1))

    there = history.react([click(1)._replace(room="garden"), click(1), click(2, kind="wow")])

    assert there == [True] * 3
    assert (counts(history), counts(history, "garden")) == (
        {1: {"like": 1}, 2: {"wow": 1}},
        {1: {"like": 1}},
    )


def test_odd_names_come_back_as_they_were(history: History) -> None:
    odd = Person("c" * 16, 'C\0␛"🎉')
    history.react([click(1, odd)])

    (one,) = history.reacted("lobby", people=5)

    assert one.people == {"like": [odd]}
    assert history.react([]) == []


@pytest.mark.parametrize("kind", ["sqlite:chat.db", "postgresql:"])
def test_they_are_kept_over_a_restart(tmp_path: Path, kind: str) -> None:
    with histories.history_of(kind, tmp_path) as history:
        history.open()
        history.append(histories.said("lobby", 1, 1))
        history.react([click(1), click(1, BOB)])
        before = history.reacted("lobby", people=5)
        history.close()

        history.open()
        assert history.reacted("lobby", people=5) == before


def test_a_history_that_keeps_none_says_so(tmp_path: Path) -> None:
    with histories.open_history_of("memory:", tmp_path) as history:
        plain = super(type(history), history)
        assert plain.reacted("lobby") == []
        assert plain.last_mark("lobby") == 0
        assert plain.reactions_of("lobby", ANN.user_id) == []
        assert plain.forget_reactions("lobby", ANN.user_id) == 0
        with pytest.raises(HistoryUnavailable, match="keeps no reactions"):
            plain.react([click(1)])


def test_a_page_of_messages_is_one_question(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.append(histories.said("lobby", 6, 1500))
    history.react([click(1), click(2, BOB), click(2), click(1505, kind="wow")])
    history.react([click(3), click(3, on=False)])
    asked: list[Span] = []
    reacted = type(history).reacted

    def note(self: History, room: str, span: Span, *, people: int = 0) -> Any:
        asked.append(span)
        return reacted(self, room, span, people=people)

    monkeypatch.setattr(type(history), "reacted", note)
    messages = histories.everything(history, "lobby")
    found = history.reactions_to(messages)

    assert {id.seq: dict(state.counts) for id, state in found.items()} == {
        1: {"like": 1},
        2: {"like": 2},
        1505: {"wow": 1},
    }
    assert asked == [Span(first=1, last=1505)]
    assert history.reactions_to([]) == {}
    assert list(history.reactions_to(messages[1:2])) == [id_of(2)]


def test_messages_that_lie_far_apart_are_asked_for_one_by_one(history: History) -> None:
    """As a search finds them; not all that lie between."""
    history.append(histories.said("lobby", 6, 5000))
    history.react([click(1), click(2500), click(5001, kind="wow")])
    messages = [
        message for message in histories.everything(history, "lobby") if message.seq != 2500
    ]

    found = history.reactions_to([messages[0], messages[-5]])

    assert [id.seq for id in found] == [1, 5001]


def test_more_than_can_be_told_at_once_come_in_parts_in_the_order_of_the_changes(
    history: History,
) -> None:
    count = MOST_TOLD + 3
    history.append(histories.said("lobby", 6, count - 5))
    mark = history.last_mark("lobby")
    for seq in range(count, 0, -1):  # each with a mark of its own
        history.react([click(seq)])
    history.react([click(count, on=False)])

    parts = list(history.reacted_after("lobby", mark, people=1))

    (before, first), (last, second) = parts
    assert [state.id.seq for state in first] == list(range(count - 1, count - 1 - MOST_TOLD, -1))
    assert [state.id.seq for state in second] == [2, 1, count]
    assert before == first[-1].mark - 1
    assert last == second[-1].mark == history.last_mark("lobby")
    assert (second[0].people, dict(second[-1].counts)) == ({"like": [ANN]}, {})
    assert len(history.reactions_to(histories.everything(history, "lobby"))) == count - 1
    assert [it for _, (it,) in history.reacted_after("lobby", last - 1)] == [second[-1]]
    assert list(history.reacted_after("lobby", last)) == []
    assert list(history.reacted_after("garden", 0)) == []
    assert [it.id.seq for _, part in history.reacted_after("lobby", 0, 2) for it in part] == [2, 1]


def test_many_changes_at_once_are_told_once_each(history: History) -> None:
    """As where somebody's reactions are all forgotten; the marks may be the same."""
    count = 2 * MOST_TOLD + 1
    history.append(histories.said("lobby", 6, count - 5))
    history.react([click(seq) for seq in range(1, count + 1)])
    mark = history.last_mark("lobby")
    assert history.forget_reactions("lobby", ANN.user_id) == count

    parts = list(history.reacted_after("lobby", mark))

    assert sorted(it.id.seq for _, part in parts for it in part) == list(range(1, count + 1))
    assert [len(part) for _, part in parts] == [MOST_TOLD, MOST_TOLD, 1]
    assert parts[0][0] >= mark
    assert parts[-1][0] == history.last_mark("lobby")


def test_everybody_who_has_a_reaction_is_known_once_with_a_name_if_there_is_one(
    history: History,
) -> None:
    history.append(histories.said("garden", 1, 1))
    nameless = ANN._replace(user_name="")
    history.react([click(1, nameless), click(2), click(2, BOB), click(3, BOB, "wow")])
    history.react([click(4, Person("c" * 16, "Cid")), click(4, Person("c" * 16, "Cid"), on=False)])

    assert sorted(history.who_reacted("lobby")) == [ANN, BOB]
    assert history.who_reacted("garden") == history.who_reacted("nowhere") == []
