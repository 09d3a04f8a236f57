"""Typed frames about changes: what is read, what is refused, what is written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatroom.errors import Refusal
from chatroom.message import Message, MessageId, Remover
from chatroom.wire import typed
from chatroom.wire.typed import Edit, Hello, Remove, Restore

ID = "12-" + "a" * 16
MESSAGE = Message("lobby", 12, "a" * 16, "Ann", "mornnig", "9:05", 1000, "u1", "c1")


def decode(**fields: Any) -> typed.Request:
    return typed.decode(json.dumps(fields), max_name_length=64)


def shown(frame: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(frame[frame.index(b"{") :])
    return fields


def test_changes_are_read() -> None:
    id = MessageId(12, "a" * 16)

    assert decode(type="edit", cmid="e", id=ID, body="x") == Edit("e", id, "x")
    assert decode(type="remove", cmid="r", id=ID) == Remove("r", id)
    assert decode(type="restore", cmid="r", id=ID) == Restore("r", id)


@pytest.mark.parametrize("kind", ["edit", "remove", "restore"])
@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"cmid": ""}, "bad-cmid"),
        ({"cmid": None}, "bad-cmid"),
        ({"cmid": 7}, "bad-cmid"),
        ({"cmid": "x" * 65}, "bad-cmid"),
        ({"id": None}, "bad-frame"),
        ({"id": 12}, "bad-frame"),
        ({"id": ""}, "bad-frame"),
        ({"id": "12"}, "bad-frame"),
        ({"id": "12-xyz"}, "bad-frame"),
        ({"id": "12-abc"}, "bad-frame"),
        ({"id": f"0{ID}"}, "bad-frame"),
        ({"id": "-1-" + "a" * 16}, "bad-frame"),
    ],
)
def test_what_makes_no_sense_is_refused(kind: str, wrong: dict[str, Any], code: str) -> None:
    with pytest.raises(Refusal) as refusal:
        decode(**{"type": kind, "cmid": "r1", "id": ID, "body": "x", **wrong})

    assert refusal.value.code == code
    assert ("cmid" in refusal.value.more) == (code != "bad-cmid")


@pytest.mark.parametrize(
    ("body", "code"), [("", "empty-body"), (None, "bad-frame"), (7, "bad-frame")]
)
def test_an_edit_needs_a_text(body: object, code: str) -> None:
    with pytest.raises(Refusal) as refusal:
        decode(type="edit", cmid="e1", id=ID, body=body)

    assert (refusal.value.code, refusal.value.more["cmid"]) == (code, "e1")


@pytest.mark.parametrize("rev", [-1, 1.5, "1", True, None, [1]])
def test_a_rev_that_is_no_whole_number_is_refused(rev: object) -> None:
    with pytest.raises(Refusal, match="rev must be a whole number, 0 or more"):
        decode(type="hello", userName="Ann", rev=rev)


@pytest.mark.parametrize("rev", [0, 7, 10**15])
def test_a_rev_is_read(rev: int) -> None:
    hello = decode(type="hello", userName="Ann", rev=rev)

    assert isinstance(hello, Hello)
    assert hello.rev == rev


def test_a_changed_message_is_told_whole() -> None:
    edited = MESSAGE.edited("morning", 3, 61_000)

    frame = shown(typed.changed(edited))

    assert (frame["type"], frame["rev"]) == ("changed", 3)
    assert frame["message"]["body"] == "morning"
    assert frame["message"]["editedAt"] == "1970-01-01T00:01:01.000Z"
    assert list(frame["message"])[-3:] == ["userId", "cmid", "editedAt"]


def test_of_a_removed_message_its_id_alone_is_told() -> None:
    gone = MESSAGE.edited("secret", 3, 61_000).taken_back(Remover.HOST, 4)

    frame = shown(typed.changed(gone))

    assert frame == {"type": "removed", "rev": 4, "id": ID, "by": "host"}


def test_done_bears_the_cmid() -> None:
    assert shown(typed.done("r1")) == {"type": "done", "cmid": "r1"}
