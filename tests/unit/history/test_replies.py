"""What a message answers: one suite over every History, then databases from before it was kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatroom.history import History, make_history, move_in
from chatroom.history.effects import Effects
from chatroom.history.host_log import LogEntry
from chatroom.history.memory.history import weight
from chatroom.history.sqlite import schema
from chatroom.message import Evidence, Held, Message, MessageId, Remover
from tests.support import postgresql
from tests.support.histories import KINDS, at, everything, open_history_of, said, typed

NOW = 1_700_000_000_000

ENTRY = LogEntry(NOW, "approve", "u1", "Ann", "u2", "Bob")


@pytest.fixture(params=KINDS)
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    with open_history_of(request.param, tmp_path) as history:
        yield history


def conversation() -> list[Message]:
    """Two messages, of which the second answers the first."""
    question, answer = said("lobby", 1)[0], typed("lobby", 2, "u1", "c1", "tea")
    return [question, answer._replace(reply_to=question.id)]


def waits(id: str, reply_to: str, cmid: str = "") -> Held:
    return Held("lobby", id, "Bob", "May I?", "10:42 AM", NOW, "u2", cmid, reply_to)


def test_a_reply_is_read_back_with_what_it_answers_however_it_is_asked_for(
    history: History,
) -> None:
    question, answer = conversation()
    history.append([question, answer])

    assert everything(history, "lobby") == [question, answer]
    assert history.tail("lobby", 1, 1 << 20) == [answer]
    assert history.one("lobby", MessageId(answer.seq, answer.nonce)) == answer
    assert history.find("lobby", "u1", "c1") == answer
    assert history.search("lobby", "tea", 9, 9) == [answer]


def test_an_answer_to_nothing_that_is_there_is_stored_all_the_same(history: History) -> None:
    answer = said("lobby", 1)[0]._replace(reply_to="7-" + "f" * 16)

    history.append([answer])

    assert everything(history, "lobby") == [answer]


def test_an_edit_keeps_what_is_answered(history: History) -> None:
    question, answer = conversation()
    history.append([question, answer])

    history.rewrite(answer.edited("coffee", 1, NOW))

    (edited,) = history.changes("lobby", 0)
    assert (edited.body, edited.reply_to) == ("coffee", question.id)


def test_the_answer_stays_as_it_is_when_what_it_answers_is_removed(history: History) -> None:
    question, answer = conversation()
    history.append([question, answer])

    history.rewrite(question.taken_back(Remover.AUTHOR, 1))

    assert everything(history, "lobby")[1] == answer


def test_a_removed_answer_comes_back_as_one(history: History) -> None:
    question, answer = conversation()
    history.append([question, answer])
    history.rewrite(answer.taken_back(Remover.HOST, 1), Evidence(answer, NOW))

    kept = history.evidence("lobby", 2)
    assert kept
    assert kept.message == answer
    assert history.taken_at("lobby", NOW, 9, 9, 1 << 20) == [answer]
    history.enact("lobby", "{}", None, Effects(restored=[answer._replace(rev=2)]))

    assert everything(history, "lobby")[1] == answer._replace(rev=2)


def test_what_waits_for_a_host_answers_what_it_will_answer_once_it_is_said(
    history: History,
) -> None:
    (question,) = said("lobby", 1)
    history.append([question])
    held = waits("a", question.id, "c2")
    history.hold(held)
    assert history.held("lobby") == history.held_before(NOW + 1, 9) == [held]

    answer = typed("lobby", 2, "u2", "c2", held.body)._replace(reply_to=held.reply_to)
    history.settle(held, answer, ENTRY)

    assert history.find("lobby", "u2", "c2") == answer


def test_in_memory_the_id_of_what_is_answered_has_its_weight() -> None:
    question, answer = conversation()

    assert weight(answer) > weight(answer._replace(reply_to="")) >= weight(question)


# -- from before -----------------------------------------------------------------------------------


def made_by_schema_6(path: Path) -> Path:
    """With a message that was removed, and one that waits."""
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        for statements in schema.UPGRADES[:6]:
            for statement in statements:
                old.execute(statement)
        old.execute("INSERT INTO secrets VALUES ('tokens', zeroblob(32))")
        old.execute("INSERT INTO rooms (number, name, rev) VALUES (1, 'lobby', 1)")
        columns = "key, nonce, user_name, body, timestamp, sent_at, rev, removed"
        for row in (
            (1 << 40 | 1, "1" * 16, "Ann", "hi", "", NOW, 0, ""),
            (1 << 40 | 2, "2" * 16, "", "", "", NOW, 1, "host"),
        ):
            old.execute(f"INSERT INTO messages ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        old.execute("INSERT INTO evidence VALUES (?, 'Bob', 'ho', '', 0, ?)", (1 << 40 | 2, NOW))
        old.execute("INSERT INTO held VALUES ('a', 'lobby', 'Bob', 'May I?', '', 7, 'u2', 'c9')")
    return path


def test_a_file_from_before_has_messages_that_answer_nothing_and_then_ones_that_do(
    tmp_path: Path,
) -> None:
    with closing(at(made_by_schema_6(tmp_path / "chat.db"))) as history:
        history.open()
        first, second = everything(history, "lobby")
        assert (first.body, first.reply_to, second.removed) == ("hi", "", "host")
        kept = history.evidence("lobby", 2)
        assert kept
        assert (kept.message.body, kept.message.reply_to) == ("ho", "")
        (held,) = history.held("lobby")
        assert held == Held("lobby", "a", "Bob", "May I?", "", 7, "u2", "c9")

        answer = said("lobby", 3)[0]._replace(reply_to=first.id)
        history.append([answer])
        history.hold(waits("b", first.id))

    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        assert everything(history, "lobby")[2] == answer
        assert [one.reply_to for one in history.held("lobby")] == ["", first.id]


@pytest.mark.database
def test_a_history_that_moves_into_a_database_takes_along_what_is_answered(tmp_path: Path) -> None:
    with (
        closing(at(tmp_path / "chat.db")) as source,
        postgresql.shared().empty_database() as url,
    ):
        source.open()
        question, answer = conversation()
        source.append([question, answer])
        source.hold(waits("a", question.id))

        move_in(url, source)

        with closing(make_history(url, Path())) as history:
            history.open()
            assert everything(history, "lobby") == [question, answer]
            assert history.held("lobby") == [waits("a", question.id)]
