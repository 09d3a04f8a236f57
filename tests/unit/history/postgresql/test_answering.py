"""The step to schema 2: what is answered, and processes of schema 1 that go on meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatroom.history import make_history
from tests.support import postgresql
from tests.support.histories import everything, said
from tests.support.postgresql import columns_and_rows, rows

pytestmark = pytest.mark.database

ANSWERS_OF_SCHEMA_1 = (
    *("kind", "place", "item", "seq", "nonce", "user_name", "body", "stamp", "sent_at"),
    *("user_id", "cmid", "made_by", "edited_at", "rev", "removed"),
)


@pytest.fixture
def url() -> Iterator[str]:
    """Of a database of schema 1, with a message."""
    with postgresql.shared().empty_database() as url:
        with postgresql.older_schema(url, 1) as history:
            history.append(said("lobby", 1))
        yield url


def saying(known_seq: int, known_nonce: str, nonce: str, **more: str) -> str:
    """What a process says for Bob, knowing the room so far."""
    draft = {"item": 0, "nonce": nonce, "user_name": "Bob", "body": "ho", "stamp": ""}
    draft |= {"user_id": "", "cmid": "", "made_by": "", **more}
    room = {"place": 0, "name": "lobby", "known_decided": 0, "drafts": [draft]}
    return json.dumps([room | {"known_seq": known_seq, "known_nonce": known_nonce}])


def test_what_was_stored_before_answers_nothing(url: str) -> None:
    with closing(make_history(url, Path())) as history:
        history.open()

        assert everything(history, "lobby") == said("lobby", 1)
        assert not history.is_new


def test_a_process_that_knows_schema_1_says_and_hears_what_it_can(url: str) -> None:
    (first,) = said("lobby", 1)
    with closing(make_history(url, Path())) as history:
        history.open()
        answer = said("lobby", 2)[0]._replace(reply_to=first.id)
        history.append([answer])

        said_by_it = saying(1, first.nonce, "b" * 16)
        columns, found = columns_and_rows(url, "SELECT * FROM chatroom.say(0, %s, 9e9)", said_by_it)

        assert tuple(columns) == ANSWERS_OF_SCHEMA_1
        assert [(row[0], row[3], row[6]) for row in found] == [
            ("missed", 2, "hi"),
            ("stored", 3, None),
        ]
        assert [one.reply_to for one in everything(history, "lobby")] == ["", first.id, ""]


@pytest.mark.parametrize("known", [1, 2])
def test_what_is_answered_is_stored_whether_or_not_the_room_is_as_it_is_known(
    url: str, known: int
) -> None:
    messages = said("lobby", 1, 2)
    with closing(make_history(url, Path())) as history:
        history.open()
        history.append(messages[1:])
        nonce = messages[known - 1].nonce

        text = saying(known, nonce, "b" * 16, reply_to=messages[0].id)
        found = rows(url, "SELECT * FROM chatroom.speak(0, %s, 9e9)", text)

        assert [row[0] for row in found] == ["missed"] * (2 - known) + ["stored"]
        assert everything(history, "lobby")[2].reply_to == messages[0].id
