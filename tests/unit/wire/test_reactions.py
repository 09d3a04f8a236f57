"""Reactions, as clients ask for them and are told of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatroom.errors import Refusal
from chatroom.message import MessageId
from chatroom.reactions import KINDS, Person, Reacted
from chatroom.wire import typed
from chatroom.wire.reactions import AskReactions, React, with_counts, with_reactions

ID = MessageId(12, "a" * 16)


def decode(**fields: Any) -> typed.Request:
    return typed.decode(json.dumps(fields), max_name_length=64)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_can_be_given_and_taken_back(kind: str) -> None:
    asked = {"type": "react", "cmid": "c1", "id": str(ID), "kind": kind}

    assert decode(**asked) == decode(**asked, on=True) == React("c1", ID, kind, True)
    assert decode(**asked, on=False) == React("c1", ID, kind, False)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"kind": "shrug"}, "bad-frame"),
        ({"kind": None}, "bad-frame"),
        ({"kind": ["like"]}, "bad-frame"),
        ({"on": 1}, "bad-frame"),
        ({"on": None}, "bad-frame"),
        ({"id": "12"}, "bad-frame"),
        ({"cmid": ""}, "bad-cmid"),
    ],
)
def test_what_is_wrong_is_refused(wrong: dict[str, object], code: str) -> None:
    asked = {"type": "react", "cmid": "c1", "id": str(ID), "kind": "like", **wrong}

    with pytest.raises(Refusal) as refusal:
        decode(**asked)

    assert refusal.value.code == code
    assert refusal.value.more.get("cmid", "") == asked["cmid"]


@pytest.mark.parametrize("field", ["id", "kind"])
def test_a_refusal_shows_what_is_wrong_and_not_all_of_it(field: str) -> None:
    """Else ten frames would come back as half a megabyte."""
    asked = {"type": "react", "cmid": "c1", "id": str(ID), "kind": "like", field: "x" * 60_000}

    with pytest.raises(Refusal) as refusal:
        decode(**asked)

    assert "xxx" in refusal.value.detail
    assert len(refusal.value.detail) < 200


def test_they_are_asked_for_from_a_mark_or_a_message_on() -> None:
    assert decode(type="reactions") == AskReactions(0, 0, False)
    asked = decode(type="reactions", since=7, people=True, **{"from": str(ID)})
    assert asked == AskReactions(7, 12, True)


@pytest.mark.parametrize("wrong", [{"since": -1}, {"since": "7"}, {"people": 1}, {"from": 3}])
def test_a_wrong_question_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Refusal):
        decode(type="reactions", **wrong)


def test_a_state_has_what_is_known_of_it() -> None:
    ann = Person("u1", "Ann")
    states = [Reacted(ID, 3, {"like": 2}, {"like": [ann]}, ["like"]), Reacted(ID, 4, {}, {})]

    frame = typed.reactions(4, states)

    told = json.loads(frame[frame.index(b"{") :])
    people = {"like": [{"userId": "u1", "userName": "Ann"}]}
    assert told == {
        "type": "reactions",
        "mark": 4,
        "messages": [
            {"id": str(ID), "mark": 3, "counts": {"like": 2}, "people": people, "mine": ["like"]},
            {"id": str(ID), "mark": 4, "counts": {}},
        ],
    }


def test_a_message_has_the_counts_behind_its_other_fields() -> None:
    text = '{"body":"hi"}'
    state = Reacted(ID, 7, {"like": 2}, {"like": [Person("a", "Ann")]})

    assert with_reactions(text, None) == with_counts(text, {}) == text
    assert with_reactions(text, state) == (
        '{"body":"hi","reactions":{"mark":7,"counts":{"like":2}}}'
    )
    assert with_counts(text, {"like": 2}) == '{"body":"hi","reactions":{"counts":{"like":2}}}'
