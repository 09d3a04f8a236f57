"""Message and Draft: values, whole when made."""

from __future__ import annotations

import dataclasses

import pytest

from chatroom.message import Draft, Message, RoomSummary

MESSAGE = Message("lobby", 7, "0123456789abcdef", "Ann", "hi", "10:42 AM", 1_700_000_000_000)


def test_a_message_reads_as_in_the_original():
    assert str(MESSAGE) == "Ann at 10:42 AM says hi"


def test_an_id_is_the_seq_and_the_nonce():
    assert MESSAGE.id == "7-0123456789abcdef"


def test_a_message_never_changes():
    with pytest.raises(AttributeError):
        MESSAGE.body = "bye"


def test_messages_with_the_same_fields_are_equal():
    assert MESSAGE._replace() == MESSAGE
    assert MESSAGE._replace(nonce="f" * 16) != MESSAGE


def test_the_texts_of_a_draft_are_the_middle_of_a_message():
    *draft, _reply_to = Draft("Ann", "hi", "10:42 AM")

    assert Message("lobby", 7, MESSAGE.nonce, *draft, sent_at=MESSAGE.sent_at) == MESSAGE


def test_a_plain_users_message_has_no_user_id_and_no_cmid():
    assert (MESSAGE.user_id, MESSAGE.cmid) == ("", "")


def test_messages_of_two_users_differ():
    assert MESSAGE._replace(user_id="u1") != MESSAGE._replace(user_id="u2")


def test_a_summary_never_changes():
    summary = RoomSummary("lobby", 3, 7, MESSAGE.nonce, MESSAGE.sent_at)

    with pytest.raises(dataclasses.FrozenInstanceError):
        summary.seq = 8
