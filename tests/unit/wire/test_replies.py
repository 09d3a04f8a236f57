"""What a message answers, as JSON: read, refused, and written behind everything else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatroom.errors import Refusal
from chatroom.message import Held, Message
from chatroom.wire import typed
from chatroom.wire.message_json import held_fields, to_json, to_message
from chatroom.wire.typed import Say

ID = "12-" + "a" * 16
PLAIN = Message("lobby", 13, "b" * 16, "Ann", "tea", "9:05", 1000)


def decode(**fields: Any) -> typed.Request:
    return typed.decode(
        json.dumps({"type": "message", "cmid": "c1", "body": "tea", **fields}), max_name_length=64
    )


def test_a_message_says_what_it_answers() -> None:
    assert decode(timestamp="9:05", replyTo=ID) == Say("c1", "tea", "9:05", ID)


@pytest.mark.parametrize("fields", [{}, {"replyTo": ""}])
def test_a_message_that_answers_nothing_need_not_say_so(fields: dict[str, str]) -> None:
    assert decode(timestamp="9:05", **fields) == Say("c1", "tea", "9:05", "")


@pytest.mark.parametrize(
    "wrong",
    [
        *(None, 12, [ID], {}, True, "12", "0-0", "12-xyz", " " + ID, "x" * 99),
        *("12-abc", f"0{ID}", f"{10**12}-{'a' * 16}", ID.upper(), f"{ID}\n"),
    ],
)
def test_what_is_no_message_is_refused_by_name_value_and_way_out(wrong: object) -> None:
    with pytest.raises(Refusal) as refusal:
        decode(replyTo=wrong)

    assert (refusal.value.code, refusal.value.more["cmid"]) == ("bad-frame", "c1")
    assert refusal.value.detail.startswith(f"replyTo is {json.dumps(wrong)[:40]}; wanted: the id ")
    assert len(refusal.value.detail) < 200


def test_a_plain_message_is_what_it_was() -> None:
    assert to_json(PLAIN) == (
        '{"userName":"Ann","body":"tea","timestamp":"9:05",'
        f'"id":"{PLAIN.id}","room":"lobby","sentAt":"1970-01-01T00:00:01.000Z"}}'
    )


@pytest.mark.parametrize(
    "message",
    [PLAIN, PLAIN._replace(user_id="u1", cmid="c1", by="host"), PLAIN.edited("coffee", 1, 2000)],
)
def test_what_is_answered_stands_behind_everything_else(message: Message) -> None:
    answer = message._replace(reply_to=ID)

    assert to_json(answer) == f'{to_json(message)[:-1]},"replyTo":"{ID}"}}'
    assert to_message(json.loads(to_json(answer))) == answer._replace(rev=0)


def test_what_waits_says_what_it_answers() -> None:
    held = Held("lobby", "a", "Bob", "May I?", "9:05", 1000, "u2", "c2")

    assert "replyTo" not in held_fields(held)
    assert list(held_fields(held._replace(reply_to=ID)).items())[-1] == ("replyTo", ID)


def test_a_message_with_a_broken_answer_is_no_message() -> None:
    with pytest.raises(ValueError, match='replyTo is "x"; wanted: the id'):
        to_message({**json.loads(to_json(PLAIN)), "replyTo": "x"})


def test_what_another_program_has_written_answers_what_it_says() -> None:
    """No client could say that; but the message is not to be lost for it."""
    found = to_message({**json.loads(to_json(PLAIN)), "replyTo": "0012-abc"})

    assert found.reply_to == "12-abc"
