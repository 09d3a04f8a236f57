"""Ids of files: nobody guesses one, and one that was ours is known for good."""

from __future__ import annotations

import pytest

from chatroom.files.file_ids import FileIds, demand_id, is_id

IDS = FileIds(b"s" * 32)


def test_an_id_is_known_as_its_rooms_without_anything_kept() -> None:
    id = IDS.new("garden")

    assert is_id(id)
    assert FileIds(b"s" * 32).is_of("garden", id)
    assert not IDS.is_of("lobby", id)
    assert not FileIds(b"t" * 32).is_of("garden", id)
    assert not IDS.is_of("garden", id[:-1] + ("0" if id[-1] != "0" else "1"))


def test_no_two_are_alike() -> None:
    assert len({IDS.new("lobby") for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "text", ["", "../etc/passwd", "0" * 31, "0" * 33, "G" * 32, "0" * 32 + "\n"]
)
def test_what_is_none_becomes_no_part_of_a_path(text: str) -> None:
    assert not is_id(text)
    assert not IDS.is_of("lobby", text)
    with pytest.raises(ValueError, match="not the id of a file"):
        demand_id(text)
