"""Deleting a room: one suite over every History, then what is left in the files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatroom.errors import HistoryUnavailable
from chatroom.history import History, make_history
from chatroom.history.deleted import mark
from chatroom.message import BEGINNING, MessageId
from tests.support.histories import KINDS, everything, open_history_of, said, typed


@pytest.fixture(params=KINDS)
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    with open_history_of(request.param, tmp_path) as history:
        yield history


def test_a_room_goes_with_all_its_messages_and_no_other_does(history: History) -> None:
    history.append([*said("garden", 1, 3), *said("lobby", 1, 2)])

    assert history.delete("garden") == 3

    assert [room.name for room in history.rooms()] == ["lobby"]
    assert everything(history, "garden") == []
    assert (history.head("garden"), history.first("garden")) == (BEGINNING, 0)
    assert everything(history, "lobby") == said("lobby", 1, 2)


def test_what_is_not_there_is_not_deleted(history: History) -> None:
    history.append(said("lobby", 1))

    assert history.delete("garden") == 0
    assert len(history.rooms()) == 1


def test_a_cursor_of_the_deleted_room_is_good_no_more(history: History) -> None:
    (old,) = said("garden", 1)
    history.append([old])
    history.delete("garden")
    new = old._replace(nonce="f" * 16)
    history.append([new])

    assert not history.reaches_back_to("garden", MessageId(old.seq, old.nonce))
    assert everything(history, "garden") == [new]


def test_a_cmid_may_be_used_again(history: History) -> None:
    message = typed("garden", 1, "ann", "a1")
    history.append([message])
    history.delete("garden")

    history.append([message])

    assert history.find("garden", message.user_id, message.cmid) == message


def test_that_there_was_a_room_is_known_by_a_mark_that_is_another_one_each_time(
    history: History,
) -> None:
    assert history.deleted() == {}
    history.append([*said("garden", 1), *said("lobby", 1)])

    history.delete("garden")
    first = history.deleted()
    history.append([said("garden", 1)[0]._replace(nonce="f" * 16)])
    history.delete("garden")
    history.delete("lobby")

    assert first.keys() == {mark(history.secret(), "garden")}
    again = history.deleted()
    assert again.keys() == {mark(history.secret(), room) for room in ("garden", "lobby")}
    assert not set(first.values()) & set(again.values())


def test_a_closed_history_deletes_nothing(history: History) -> None:
    history.append(said("garden", 1))
    history.close()

    with pytest.raises(HistoryUnavailable):
        history.delete("garden")


def test_nothing_of_a_deleted_room_is_left_in_any_file(tmp_path: Path) -> None:
    secret = "Xylophon"
    with closing(make_history("sqlite:chat.db", tmp_path)) as history:
        history.open()
        long = [*said("garten-geheim", 1, 200, body=f"{secret} {'x' * 5000}")]
        short = [*said("lobby", 1, 200, body="harmless")]
        for one, other in zip(long, short, strict=True):
            history.append([one, other])
        history.trim("garten-geheim", 150, 0, 50)
        assert history.search("garten-geheim", secret, 1000, 5)

        assert history.delete("garten-geheim") == 150

        files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        assert history.search("lobby", "harmless", 1000, 5)
    for name, content in files.items():
        for text in (secret, secret.lower(), "garten-geheim"):
            assert text.encode() not in content, name
    assert len(files["chat.db"]) < 130_000
