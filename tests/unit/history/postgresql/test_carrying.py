"""The step to schema 3: what carries a file, and processes of schema 2 that go on meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from chatroom.errors import Outdated
from chatroom.files.stored import Claim, StoredFile
from chatroom.history import History
from chatroom.history.shared import SharedHistory, Version
from chatroom.message import Held, Message
from tests.support import postgresql
from tests.support.histories import everything, said, typed
from tests.support.postgresql import columns_and_rows, rows

pytestmark = pytest.mark.database

NOW = 1_700_000_000_000

ANSWERS_OF_SCHEMA_2 = (
    *("kind", "place", "item", "seq", "nonce", "user_name", "body", "stamp", "sent_at"),
    *("user_id", "cmid", "made_by", "reply_to", "edited_at", "rev", "removed"),
)


@pytest.fixture
def url() -> Iterator[str]:
    """Of a database of schema 2, with a message."""
    with postgresql.shared().empty_database() as url:
        with postgresql.older_schema(url, 2):
            pass
        (first,) = said("lobby", 1)
        head = {"place": 1, "name": "lobby", "first": 1, "last": 1}
        head |= {"nonce": first.nonce, "sent_at": first.sent_at}
        rows(
            url,
            "SELECT chatroom.append(%s, %s, 9e9)",
            json.dumps([head]),
            json.dumps([as_schema_2_says(first)]),
        )
        yield url


def as_schema_2_says(message: Message) -> dict[str, object]:
    """With its texts, and no file."""
    texts = {"user_name": message.user_name, "body": message.body, "stamp": message.timestamp}
    whose = {"user_id": message.user_id, "cmid": message.cmid}
    place = {"place": 1, "seq": message.seq, "nonce": message.nonce, "sent_at": message.sent_at}
    return place | texts | whose


def change(message: Message, rev: int, **more: object) -> str:
    """As a process of schema 2 has a message changed."""
    state = {"edited_at": 0, "rev": rev, "removed": ""}
    return json.dumps([as_schema_2_says(message) | state | more])


ENACT = """
    SELECT verdict FROM chatroom.enact(%s, 'lobby', NULL, NULL, %s, '[]', '{}', NULL, NULL, 9e9)"""


def uploaded(history: History, n: int = 1) -> StoredFile:
    file = StoredFile(f"{n:032x}", "lobby", "␛a.png", "image/png", 70, 0, 0, "ann", NOW)
    assert history.add_file(file)
    file = file._replace(is_whole=True)
    history.complete_file(file)
    return file


def carried(history: History, seq: int = 2) -> Message:
    message = typed("lobby", seq, "ann", f"c{seq}")._replace(file=uploaded(history).to_json())
    history.append([message])
    return message


def claim(history: History, n: int = 1) -> Claim:
    file = history.file(f"{n:032x}")
    assert file
    return file.claim


def test_what_was_stored_before_has_no_file(history: History) -> None:
    assert [message.file for message in everything(history, "lobby")] == [""]
    assert history.files_bytes() == 0


def test_a_process_that_knows_schema_2_says_and_hears_what_it_can(
    url: str, history: History
) -> None:
    message = carried(history)
    draft = {"item": 0, "nonce": "b" * 16, "user_name": "Bob", "body": "ho", "stamp": ""}
    draft |= {"user_id": "", "cmid": "", "made_by": ""}
    known = {"known_seq": 1, "known_nonce": said("lobby", 1)[0].nonce, "known_decided": 0}
    saying = json.dumps([{"place": 0, "name": "lobby", "drafts": [draft]} | known])

    columns, found = columns_and_rows(url, "SELECT * FROM chatroom.speak(0, %s, 9e9)", saying)

    assert tuple(columns) == ANSWERS_OF_SCHEMA_2
    assert [(row[0], row[3]) for row in found] == [("missed", 2), ("stored", 3)]
    assert [one.file for one in everything(history, "lobby")] == ["", message.file, ""]


def test_what_it_edits_keeps_its_file(url: str, history: History) -> None:
    message = carried(history)

    rows(url, ENACT, "a1", change(message._replace(body="better"), 1))

    after = everything(history, "lobby")[1]
    assert (after.body, after.file) == ("better", message.file)
    assert claim(history) is Claim.SAID


def test_what_it_removes_is_lost_and_what_it_restores_has_its_file_again(
    url: str, history: History
) -> None:
    message = carried(history)
    was = {"was_user_name": "Ann", "was_body": "hi", "was_stamp": "", "was_edited_at": 0}
    empty = message._replace(user_name="", body="", timestamp="")
    rows(url, ENACT, "a1", change(empty, 1, removed="host", removed_at=NOW, **was))
    assert everything(history, "lobby")[1].file == ""
    assert (claim(history), history.lost_files(0, 9)) == (Claim.GONE, [])
    evidence = history.evidence("lobby", 2)
    assert evidence
    assert evidence.message.file == message.file

    rows(url, ENACT, "a2", change(message, 2))
    assert everything(history, "lobby")[1].file == message.file
    assert claim(history) is Claim.SAID

    rows(url, ENACT, "a3", change(empty, 3, removed="author"))
    assert history.lost_files(0, 9) == [f"{1:032x}"]


@pytest.mark.parametrize(("batch", "became"), [(True, Claim.SAID), (False, Claim.GONE)])
def test_what_it_approves_has_its_file_and_what_it_refuses_is_lost(
    url: str, history: History, batch: bool, became: Claim
) -> None:
    file = uploaded(history).to_json()
    history.hold(Held("lobby", "h1", "Ann", "Look", "", NOW, "ann", "c2", file=file))
    said_by_it = [as_schema_2_says(typed("lobby", 2, "ann", "c2"))] if batch else []

    found = rows(
        url,
        "SELECT verdict FROM chatroom.settle('a1', 'lobby', 'h1', %s, NULL, NULL, 9e9)",
        json.dumps(said_by_it),
    )

    assert found == [("done",)]
    assert [one.file for one in everything(history, "lobby")[1:]] == [file] * batch
    assert claim(history) is became


# -- what comes again ------------------------------------------------------------------------------


def test_what_comes_again_is_stored_once_with_its_file(history: SharedHistory) -> None:
    """Its answer was lost; by now the message is removed, and its file is gone."""
    message = carried(history)
    history.append([message])
    assert everything(history, "lobby")[1:] == [message]

    history.drop_files([f"{1:032x}"])
    history.append([message])

    assert everything(history, "lobby")[1:] == [message]


def test_what_is_whole_is_so_again_if_that_comes_again(url: str, history: History) -> None:
    file = StoredFile(f"{1:032x}", "lobby", "a", "image/png", 70, 0, 0, "ann", NOW)
    assert history.add_file(file)
    assert history.add_file(file)
    assert history.files_bytes() == 70
    whole = json.dumps({"id": file.id, "type": "image/png", "size": 60, "uploaded_at": NOW})

    done = [
        rows(url, "SELECT chatroom.complete_file(%s, %s, 9e9)", act, whole)[0][0]
        for act in ("a1", "a1", "a2")
    ]

    assert done == [True, True, False]


def test_nothing_is_said_with_a_file_behind_the_back_of_a_decision(history: SharedHistory) -> None:
    message = typed("lobby", 2, "ann", "c2")._replace(file=uploaded(history).to_json())
    known = {"": Version(), "lobby": history.opening("lobby", 1, 1000).version}
    history.enact("lobby", "{}", None)

    history.known = known
    with pytest.raises(Outdated):
        history.append([message])
    assert claim(history) is Claim.NOBODY

    history.known = {"": Version(), "lobby": history.opening("lobby", 1, 1000).version}
    history.append([message])
    assert claim(history) is Claim.SAID


def test_all_files_together_have_a_limit(history: History) -> None:
    file = StoredFile(f"{1:032x}", "lobby", "a", "image/png", 70, 0, 0, "ann", NOW)

    assert not history.add_file(file, 69)
    assert history.files_bytes() == 0
    assert history.add_file(file, 70)
    assert not history.add_file(file._replace(id=f"{2:032x}"), 139)
