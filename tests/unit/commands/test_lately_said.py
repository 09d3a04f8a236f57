"""Whom somebody at a terminal means: by the name that is on the screen."""

from __future__ import annotations

import pytest

from chatroom.commands.lately_said import NAMES, LatelySaid
from chatroom.message import Message


def said(seq: int, name: str, user_id: str = "id") -> Message:
    return Message("lobby", seq, f"{seq:016x}", name, "hi", "", 0, user_id)


@pytest.fixture
def lately() -> LatelySaid:
    lately = LatelySaid()
    for seq, name in enumerate(["Ann", "Ann Lee", "Bob", "Ann", "Zoë"], 1):
        lately.add(said(seq, name))
    lately.add(said(6, "Bob", ""))
    return lately


@pytest.mark.parametrize(
    ("line", "seq", "rest"),
    [
        ("Ann good idea", 4, "good idea"),
        ("ann: good idea", 4, "good idea"),
        ("Ann", 4, ""),
        ("Ann Lee, yes", 2, "yes"),
        ("Bob yes", 3, "yes"),
        ("~Bob yes", 6, "yes"),
        ("ZOË  yes", 5, "yes"),
    ],
)
def test_the_last_message_of_a_name_is_meant(
    lately: LatelySaid, line: str, seq: int, rest: str
) -> None:
    assert lately.addressed(line) == (said(seq, "").id, rest)


@pytest.mark.parametrize("line", ["", "Anna yes", "Cid yes", "good idea, Ann"])
def test_nobody_is_meant_whose_name_is_not_there(lately: LatelySaid, line: str) -> None:
    assert lately.addressed(line) == ("", line)


def test_a_message_that_is_removed_is_not_answered(lately: LatelySaid) -> None:
    assert lately.last == said(6, "").id
    lately.forget(said(6, "").id)

    assert lately.last == said(5, "").id
    assert lately.addressed("~Bob yes") == ("", "~Bob yes")
    assert LatelySaid().last == ""


def test_only_so_many_names_are_remembered() -> None:
    lately = LatelySaid()
    for seq in range(1, NAMES + 2):
        lately.add(said(seq, f"Person {seq}"))

    assert lately.addressed("Person 1")[0] == ""
    assert lately.addressed("Person 2")[0] == said(2, "").id
