"""Frames and lines of JSON, back as values."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.events import Changed, Event, ReactionCounts, Removed, hear, hear_all
from chatroom.message import Message
from chatroom.wire.message_json import iso_time, milliseconds, to_json, to_message
from tests.support.strategies import MESSAGES

NONCE = "a" * 16


@given(MESSAGES)
def test_what_the_server_says_is_the_message_that_it_has(message: Message):
    assert hear(to_json(message)) == message


@given(st.integers(0, 4_000_000_000_000))
def test_a_time_goes_there_and_back(time: int):
    assert milliseconds(iso_time(time)) == time


def test_a_frame_with_another_type_is_an_event():
    assert hear('{"type":"live"}') == Event("live", {"type": "live"})
    assert isinstance(hear('{"type":"something-new","x":1}'), Event)


GOOD = {
    "userName": "Ann",
    "body": "hi",
    "timestamp": "",
    "id": "1-00000000000000ff",
    "room": "lobby",
    "sentAt": "2026-01-31T09:05:00.123Z",
}


def test_a_message_that_changed_is_one_again():
    changed = hear(json.dumps({"type": "changed", "rev": 7, "message": GOOD}))

    assert isinstance(changed, Changed)
    assert (changed.type, changed.rev, changed.message) == ("changed", 7, to_message(GOOD))


def test_a_message_that_was_removed_is_an_id():
    removed = hear(json.dumps({"type": "removed", "rev": 8, "id": GOOD["id"], "by": "host"}))

    assert isinstance(removed, Removed)
    assert (removed.type, removed.rev, removed.id, removed.by) == ("removed", 8, GOOD["id"], "host")


def test_several_messages_that_were_removed_at_once_are_an_event_each():
    """Their revs are consecutive: whoever loses the line between two of them resumes there."""
    ids = ["1-00000000000000aa", "5-00000000000000bb"]
    heard = hear_all(json.dumps({"type": "removed", "rev": 8, "ids": ids, "by": "host"}))

    assert all(isinstance(one, Removed) for one in heard)
    assert [(one.id, one.rev, one.by) for one in heard] == [
        (ids[0], 7, "host"),
        (ids[1], 8, "host"),
    ]
    assert hear_all(json.dumps(GOOD)) == [to_message(GOOD)]


@pytest.mark.parametrize("ids", ["1-00000000000000aa", ["x"], [1], {}, 1])
def test_removed_messages_that_cannot_be_are_refused(ids: object):
    with pytest.raises(ValueError):
        hear_all(json.dumps({"type": "removed", "rev": 8, "ids": ids}))


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "changed", "message": GOOD},
        {"type": "changed", "rev": "7", "message": GOOD},
        {"type": "changed", "rev": 7},
        {"type": "changed", "rev": 7, "message": {**GOOD, "body": 1}},
        {"type": "changed", "rev": 7, "message": {**GOOD, "editedAt": "once"}},
        {"type": "removed", "id": GOOD["id"]},
        {"type": "removed", "rev": 7},
        {"type": "removed", "rev": 7, "id": "x"},
    ],
)
def test_a_change_that_cannot_be_is_refused(fields: dict[str, object]):
    with pytest.raises(ValueError):
        hear(json.dumps(fields))


def test_what_people_think_of_messages_is_told_by_their_ids():
    states = [
        {"id": f"{seq}-{NONCE}", "mark": 6 + seq, "counts": {"like": seq, "shrug": 1}, "people": {}}
        for seq in (1, 2)
    ]
    event = hear(json.dumps({"type": "reactions", "mark": 8, "messages": states}))

    assert isinstance(event, ReactionCounts)
    assert (event.type, event.mark, event.is_answer) == ("reactions", 8, False)
    assert event.counts[f"2-{NONCE}"] == {"like": 2, "shrug": 1}
    assert event.marks == {f"1-{NONCE}": 7, f"2-{NONCE}": 8}
    for answer in ([], [states[0] | {"mine": []}]):
        told = hear(json.dumps({"type": "reactions", "mark": 8, "messages": answer}))
        assert isinstance(told, ReactionCounts)
        assert told.is_answer


STATE = {"id": f"1-{NONCE}", "mark": 7, "counts": {"like": 1}}


@pytest.mark.parametrize(
    "fields",
    [
        {"mark": "8", "messages": []},
        {"mark": 8},
        {"mark": 8, "messages": {}},
        {"mark": 8, "messages": ["x"]},
        {"mark": 8, "messages": [STATE | {"id": "x"}]},
        {"mark": 8, "messages": [STATE | {"mark": None}]},
        {"mark": 8, "messages": [STATE | {"counts": []}]},
        {"mark": 8, "messages": [STATE | {"counts": {"like": "many"}}]},
    ],
)
def test_reactions_that_cannot_be_are_refused(fields: dict[str, object]):
    with pytest.raises(ValueError, match=r"mark|messages|counts|id is"):
        hear(json.dumps({"type": "reactions", **fields}))


def test_unknown_fields_and_the_type_of_a_message_do_not_matter():
    assert hear(json.dumps({**GOOD, "type": "message", "later": []})) == to_message(GOOD)


@pytest.mark.parametrize("text", ["", "[]", "1", '{"type":1}', "{}", '{"type":"message"}'])
def test_what_is_no_frame_is_refused(text: str):
    with pytest.raises(ValueError):
        hear(text)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", "1"),
        ("id", "-00000000000000ff"),
        ("id", "1-xyz"),
        ("id", "1" * 16 + "-00000000000000ff"),
        ("id", 1),
        ("body", None),
        ("body", "\ud800"),
        ("sentAt", "yesterday"),
        ("sentAt", "2026-02-31T09:05:00Z"),
        ("sentAt", "2026-01-31T09:05:00"),
        ("userId", 7),
    ],
)
def test_a_message_with_a_wrong_field_is_refused(key: str, value: object):
    with pytest.raises(ValueError):
        to_message({**GOOD, key: value})
