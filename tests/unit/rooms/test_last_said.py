"""When people last said something: bounded, however many there are."""

from __future__ import annotations

import pytest

from chatroom.rooms import last_said
from chatroom.rooms.last_said import LastSaid


def test_the_last_time_counts_in_each_room() -> None:
    said = LastSaid()
    said.note("class", "u1", 1)
    said.note("garden", "u1", 2)
    said.note("class", "u1", 3)

    assert said == {("garden", "u1"): 2, ("class", "u1"): 3}


def test_of_too_many_the_one_is_forgotten_who_said_nothing_for_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A crowd that says something in the same minute does not cost more and more."""
    monkeypatch.setattr(last_said, "MOST_PEOPLE", 3)
    said = LastSaid()
    for now, who in enumerate(["u1", "u2", "u3", "u1", "u4", "u5"]):
        said.note("class", who, now)

    assert [who for _, who in said] == ["u1", "u4", "u5"]
