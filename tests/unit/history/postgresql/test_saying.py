"""What is said gets its place in the database: behind whatever other processes have said there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from chatroom.errors import Outdated
from chatroom.history import make_history
from chatroom.history.host_log import LogEntry
from chatroom.history.shared import SaidThere, Saying, SharedHistory, Verdict, Version
from chatroom.message import BEGINNING, Held, Message, MessageId
from tests.support import postgresql
from tests.support.deadline import DEADLINE, wait_for
from tests.support.histories import everything, said, typed
from tests.support.lost_answers import LostAnswers

pytestmark = [pytest.mark.database, pytest.mark.takes(seconds=3)]

ENTRY = LogEntry(1_700_000_000_000, "rules", "u1", "Ann")


@pytest.fixture
def history() -> Iterator[Any]:
    with postgresql.shared().opened() as opened:
        yield opened
        opened.known = None  # it is opened once, for many tests


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> LostAnswers:
    return LostAnswers(monkeypatch)


def draft(text: str, user_id: str = "", cmid: str = "", room: str = "lobby") -> Message:
    """Its nonce tells it from any other of another text."""
    nonce = f"{abs(hash((text, user_id, cmid))):016x}"[-16:]
    return Message(room, 0, nonce, "Ann", text, "10:42 AM", 0, user_id, cmid)


def known(history: SharedHistory, room: str = "lobby") -> Version:
    return history.opening(room, 1, 1000).version


def say(
    history: SharedHistory, *drafts: Message, at: Version | None = None, **more: Any
) -> SaidThere:
    """In one room, as far as it is known by default."""
    room = drafts[0].room
    saying = Saying(room, known(history, room) if at is None else at, list(drafts), **more)
    (there,) = history.say([saying], 0)
    return there


def waits(id: str, cmid: str, room: str = "class") -> Held:
    return Held(room, id, "Bob", "May I?", "10:42 AM", ENTRY.at, "u2", cmid)


def texts(messages: Any) -> list[str]:
    return [message.body for message in messages]


def test_what_is_said_comes_next(history: Any) -> None:
    there = say(history, draft("one"), draft("two"))

    assert there.verdict is Verdict.STORED
    assert (there.missed, there.recognised) == ([], {})
    assert [there.placed[0].seq, there.placed[1].seq] == [1, 2]
    assert everything(history, "lobby") == [there.placed[0], there.placed[1]]


def test_what_it_answers_is_told_to_whoever_has_missed_it_and_to_whoever_says_it_again(
    history: Any,
) -> None:
    before = known(history)
    answer = draft("one", "u1", "c1")._replace(reply_to=f"7-{'f' * 16}")
    said_first = say(history, answer).placed[0]

    recognised = say(history, answer._replace(nonce="e" * 16)).recognised[0]
    missed = say(history, draft("two"), at=before).missed[0]

    assert said_first.reply_to == answer.reply_to
    assert recognised == missed == said_first


def test_its_time_never_goes_back_in_a_room(history: Any) -> None:
    ahead = (1 << 42) + 7
    history.append([said("lobby", 1)[0]._replace(sent_at=ahead)])

    assert say(history, draft("two")).placed[0].sent_at == ahead


def test_what_others_have_said_meanwhile_comes_before_it_and_is_told(history: Any) -> None:
    before = known(history)
    say(history, draft("theirs"))

    there = say(history, draft("mine"), at=before)

    assert texts(there.missed) == ["theirs"]
    assert there.placed[0].seq == 2
    assert texts(everything(history, "lobby")) == ["theirs", "mine"]


def test_a_cmid_is_stored_once_whoever_has_stored_it(history: Any) -> None:
    before = known(history)
    first = say(history, draft("hello", "u1", "c1")).placed[0]

    again = draft("hello", "u1", "c1")._replace(nonce="f" * 16)
    there = say(history, draft("zero", "u1", "c0"), again, draft("two", "u1", "c2"), at=before)

    assert there.recognised == {1: first}
    assert [there.placed[item].seq for item in (0, 2)] == [2, 3]
    assert texts(everything(history, "lobby")) == ["hello", "zero", "two"]


def test_if_all_of_it_is_known_nothing_is_written(history: Any) -> None:
    say(history, draft("hello", "u1", "c1"))
    before = known(history)

    there = say(history, draft("hello", "u1", "c1")._replace(nonce="f" * 16), charter="{}")

    assert there.placed == {}
    assert known(history) == before
    assert history.charter("lobby") == ""


def test_a_batch_whose_answer_was_lost_is_stored_once_and_answered(
    history: Any, lost: LostAnswers
) -> None:
    history.append(said("lobby", 1))
    before = known(history)
    say(history, draft("theirs", "u2", "c1"))
    lost.left = 1

    there = say(
        history,
        draft("plain"),
        draft("typed", "u1", "c1"),
        draft("theirs", "u2", "c1")._replace(nonce="f" * 16),
        at=before,
    )

    assert there.verdict is Verdict.STORED
    assert not there.comes_after(before.last.seq)  # what comes before has to be looked at
    assert (there.placed[0].seq, there.placed[1].seq) == (3, 4)
    assert texts(there.recognised.values()) == ["theirs"]
    assert texts(everything(history, "lobby")) == ["hi", "theirs", "plain", "typed"]


def test_of_two_attempts_of_one_batch_that_cross_one_stores_it(
    history: Any, tmp_path: Path
) -> None:
    """The first hangs behind a lock, its line is lost, and it goes on later, before or after."""
    history.append(said("lobby", 1))
    saying = Saying("lobby", known(history), [draft("once"), draft("twice", "u1", "c1")])
    with closing(make_history(history._url, tmp_path)) as other, ThreadPoolExecutor(2) as pool:
        other.open()
        with postgresql.psycopg().connect(history._url) as holding:
            holding.execute("SELECT FROM chatroom.rooms WHERE name = 'lobby' FOR UPDATE")
            attempts = [pool.submit(one.say, [saying], 0) for one in (history, other)]
        answers = [attempt.result(DEADLINE)[0] for attempt in attempts]

    assert answers[0].placed == answers[1].placed
    assert texts(everything(history, "lobby")) == ["hi", "once", "twice"]


def test_where_the_last_message_is_another_one_nothing_is_stored(history: Any) -> None:
    history.append(said("lobby", 1, 2))
    there = known(history)
    other = there._replace(last=MessageId(2, "f" * 16))
    older = there._replace(last=MessageId(1, "f" * 16))
    newer = there._replace(last=MessageId(7, "f" * 16))

    for at in (other, older, newer):
        assert say(history, draft("lost"), at=at).verdict is Verdict.FORK
        assert history.missed("lobby", at).is_fork

    assert len(everything(history, "lobby")) == 2
    assert not history.missed("lobby", there).is_fork


def test_where_something_else_was_decided_nothing_is_stored(history: Any) -> None:
    before = known(history)
    history.enact("lobby", "{}", ENTRY)

    assert say(history, draft("mine"), at=before).verdict is Verdict.OUTDATED
    assert say(history, draft("mine")).verdict is Verdict.STORED


@pytest.mark.parametrize("were_there", [0, 3])
def test_where_the_whole_server_has_decided_something_nothing_is_stored(
    history: Any, were_there: int
) -> None:
    history.append(said("lobby", 1, were_there))
    before = known(history)
    history.enact("", "{}", ENTRY)

    for drafts in ([draft("mine")], [draft("mine"), draft("yours")]):
        (there,) = history.say([Saying("lobby", before, drafts)], 0)
        assert there.verdict is Verdict.OUTDATED
        assert known(history) == before
    (there,) = history.say([Saying("lobby", before, [draft("mine")])], 1)
    assert there.placed[0].seq == were_there + 1


def test_where_seconds_count_nobody_may_have_said_anything_meanwhile(history: Any) -> None:
    before = known(history)
    say(history, draft("theirs"))

    assert say(history, draft("mine"), at=before, is_exact=True).verdict is Verdict.OUTDATED
    assert say(history, draft("mine"), is_exact=True).verdict is Verdict.STORED


def test_who_is_far_behind_has_to_look_first(history: Any) -> None:
    history.append(said("lobby", 1, 600))

    assert say(history, draft("mine"), at=Version()).verdict is Verdict.BEHIND

    at = Version()
    heard: list[Message] = []
    while True:
        missed = history.missed("lobby", at)
        heard += missed.messages
        at = missed.version
        if missed.is_all:
            break
    assert [message.seq for message in heard] == list(range(1, 601))
    assert say(history, draft("mine"), at=at).placed[0].seq == 601


def test_one_room_does_not_keep_another_from_being_stored(history: Any) -> None:
    history.enact("garden", "{}", ENTRY)

    outdated, stored = history.say(
        [
            Saying("garden", Version(), [draft("no", room="garden")]),
            Saying("lobby", Version(), [draft("yes")]),
        ],
        0,
    )

    assert (outdated.verdict, stored.verdict) == (Verdict.OUTDATED, Verdict.STORED)
    assert texts(everything(history, "garden")) == []


def test_eight_processes_in_three_rooms_give_one_order_without_holes(
    history: Any, tmp_path: Path
) -> None:
    rooms = ("a", "b", "c")
    with ExitStack() as stack:
        others = [
            stack.enter_context(closing(make_history(history._url, tmp_path))) for _ in range(8)
        ]

        def talk(number: int) -> None:
            one: Any = others[number]
            one.open()
            at = {room: Version() for room in rooms}
            for turn in range(25):
                sayings = [
                    Saying(
                        room, at[room], [draft(f"{number} {turn} {i}", room=room) for i in (0, 1)]
                    )
                    for room in (rooms if turn % 2 else reversed(rooms))
                ]
                for saying, there in zip(sayings, one.say(sayings, 0), strict=True):
                    assert there.verdict is Verdict.STORED
                    assert [it.seq for it in there.missed] == list(
                        range(at[saying.room].last.seq + 1, there.placed[0].seq)
                    )
                    last = MessageId(there.placed[1].seq, there.placed[1].nonce)
                    at[saying.room] = at[saying.room]._replace(last=last)

        threads = [threading.Thread(target=talk, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE)

    for room in rooms:
        stored = everything(history, room)
        assert [message.seq for message in stored] == list(range(1, 8 * 25 * 2 + 1))
        assert len({message.nonce for message in stored}) == len(stored)
        for number in range(8):
            own = [it.body for it in stored if it.body.startswith(f"{number} ")]
            assert own == [f"{number} {turn} {i}" for turn in range(25) for i in (0, 1)]


# -- what was missed -------------------------------------------------------------------------------


def test_what_was_missed_is_all_of_one_moment(history: Any) -> None:
    history.append(said("lobby", 1, 3))
    at = known(history)
    history.append(said("lobby", 4))
    history.rewrite(said("lobby", 2)[0].edited("new", 1, 7), None, None)
    history.enact("lobby", '{"rev":1}', ENTRY)
    history.hold(waits("a", "c1", "lobby"))

    missed = history.missed("lobby", at)

    assert (missed.is_all, missed.is_fork, missed.first) == (True, False, 1)
    assert [message.seq for message in missed.messages] == [4]
    assert [(it.seq, it.body, it.rev) for it in missed.changes] == [(2, "new", 1)]
    assert missed.decided.charter == '{"rev":1}'
    assert [held.id for held in missed.decided.held] == ["a"]
    assert missed.decided.entries == [ENTRY]
    assert missed.version == known(history)
    again = history.missed("lobby", missed.version)
    assert (again.messages, again.changes, again.decided) == ([], [], None)


def test_of_the_host_log_only_what_is_new_is_told(history: Any) -> None:
    history.enact("lobby", "{}", ENTRY)
    at = known(history)
    later = ENTRY._replace(at=ENTRY.at + 1, what="later")
    history.enact("lobby", "{}", later)

    assert history.missed("lobby", at).decided.entries == [later]


def test_many_changes_come_a_page_at_a_time(history: Any) -> None:
    history.append(said("lobby", 1, 30))
    at = known(history)
    for rev in range(1, 31):
        history.rewrite(said("lobby", rev)[0].edited("x" * 20_000, rev, 7), None, None)

    revs: list[int] = []
    pages = 0
    while True:
        missed = history.missed("lobby", at)
        revs += [message.rev for message in missed.changes]
        pages, at = pages + 1, missed.version
        if missed.is_all:
            break

    assert revs == list(range(1, 31))
    assert pages > 1


def test_whose_last_message_was_trimmed_with_what_came_next_has_missed_too_much(
    history: Any,
) -> None:
    history.append(said("lobby", 1, 5))
    at = Version(MessageId(1, said("lobby", 1)[0].nonce))
    history.trim("lobby", 2, 0, 100)

    assert history.missed("lobby", at).is_fork
    assert say(history, draft("mine"), at=at).verdict in (Verdict.BEHIND, Verdict.FORK)
    assert history.missed("lobby", Version()).is_fork


def test_a_room_that_was_deleted_and_made_anew_is_another_one(history: Any) -> None:
    history.append(said("lobby", 1, 2))
    at = known(history)
    history.delete("lobby")

    assert history.missed("lobby", at).is_fork
    assert history.changed({"lobby": at}) == ["lobby"]


def test_only_rooms_of_which_there_is_news_are_named(history: Any) -> None:
    history.append([*said("lobby", 1), *said("garden", 1), *said("attic", 1)])
    versions = {room: known(history, room) for room in ("lobby", "garden", "attic")}
    versions |= {"nowhere": Version(), "": known(history, "")}
    assert history.changed(versions) == []

    history.append(said("garden", 2))
    history.enact("", "{}", ENTRY)

    assert sorted(history.changed(versions)) == ["", "garden"]


# -- what was decided elsewhere --------------------------------------------------------------------


DECISIONS: dict[str, Any] = {
    "enact": lambda history: history.enact("class", "{}", ENTRY),
    "rewrite": lambda history: history.rewrite(said("class", 1)[0].edited("new", 1, 7), None, None),
    "hold": lambda history: history.hold(waits("b", "c2")),
    "settle": lambda history: history.settle(waits("a", "c1"), typed("class", 2, "u2", "c1"), None),
}


@pytest.mark.parametrize("decision", DECISIONS)
def test_a_decision_that_does_not_know_another_one_is_not_carried_out(
    history: Any, decision: str
) -> None:
    history.append(said("class", 1))
    history.hold(waits("a", "c1"))
    history.known = {"": known(history, ""), "class": known(history, "class")}
    act = DECISIONS[decision]
    history.known["class"] = history.known["class"]._replace(decided=0)
    before = known(history, "class")

    with pytest.raises(Outdated, match="has decided something else by now"):
        act(history)
    assert known(history, "class") == before

    history.known["class"] = before
    act(history)
    after = known(history, "class")
    noted = history.known["class"]
    assert (noted.decided, noted.logged) == (after.decided, after.logged)


@pytest.mark.parametrize("decision", DECISIONS)
def test_a_decision_whose_answer_was_lost_is_carried_out_once_and_known(
    history: Any, lost: LostAnswers, decision: str
) -> None:
    history.append(said("class", 1))
    history.hold(waits("a", "c1"))
    history.known = {"": known(history, ""), "class": known(history, "class")}
    lost.left = 1

    DECISIONS[decision](history)

    after = known(history, "class")
    assert history.known["class"].decided == after.decided


def test_one_process_keeps_it_in_order_until_it_is_gone(history: Any, tmp_path: Path) -> None:
    one, other = (make_history(history._url, tmp_path) for _ in range(2))
    with closing(one), closing(other):
        assert isinstance(one, SharedHistory)
        assert isinstance(other, SharedHistory)
        one.open()
        other.open()
        assert (one.keeps(), other.keeps()) == (True, False)
        one.close()
        wait_for(other.keeps, "the other one keeps it")


def test_an_entry_of_long_ago_keeps_its_number(history: Any) -> None:
    old = LogEntry(1, "quiet", "u1", "Ann", "u2", "Bob")
    history.enact("lobby", "{}", old)
    assert known(history).logged > 0
    assert known(history).last == BEGINNING
