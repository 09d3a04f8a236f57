"""Ids of messages: what this program writes is what clients may send, on sockets and by HTTP."""

from __future__ import annotations

import re

import pytest

from chatroom.commands.importing import new_nonce
from chatroom.errors import Problem
from chatroom.history.sqlite.reads import MAX_SEQ
from chatroom.message import ID_PATTERN, MessageId
from chatroom.web.api import parameters
from chatroom.wire.ids import is_id, message_id

NONCE = "664c976f9a047975"


@pytest.mark.parametrize(
    "text", [f"42-{NONCE}", f"1-{'0' * 16}", f"{10**12 - 1}-{NONCE}", f"7-{new_nonce('a nonce')}"]
)
def test_what_a_message_can_be_called_is_an_id_everywhere(text: str) -> None:
    assert is_id(text)
    assert str(message_id(text)) == text
    assert parameters.message_id("since", text) == message_id(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "42", "42-", "abc", f"0-{NONCE}", f"042-{NONCE}", f"{10**12}-{NONCE}", "42-abc"),
        *(f"42-{NONCE}0", f"42-{NONCE.upper()}", f" 42-{NONCE}", f"42-{NONCE}\n", f"-42-{NONCE}"),
        f"\u0664\u0662-{NONCE}",
    ],
)
def test_what_no_message_is_called_is_one_nowhere(text: str) -> None:
    assert not is_id(text)
    with pytest.raises(ValueError, match="wanted: an id such as"):
        message_id(text)
    with pytest.raises(Problem) as refused:
        parameters.message_id("since", text)
    assert refused.value.code == "bad-parameter"


def test_the_beginning_is_a_cursor_and_no_message() -> None:
    assert message_id("0-0") == MessageId(0, "0")
    assert not is_id("0-0")


def test_no_seq_that_is_stored_has_more_digits() -> None:
    """In SQLite, one could have one more: after 30 years of a thousand messages a second."""
    assert re.fullmatch(ID_PATTERN, f"{MAX_SEQ // 10}-{NONCE}")
