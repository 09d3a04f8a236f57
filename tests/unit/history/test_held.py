"""What waits for a host's approval: one suite over every History."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatroom.errors import CmidTaken, HistoryUnavailable
from chatroom.history import History, make_history
from chatroom.history.effects import Effects
from chatroom.history.host_log import LogEntry
from chatroom.history.sqlite.rewrite import LOG, PAGES, chores
from chatroom.message import Held, Message
from tests.support.histories import at, everything, said, typed

NOW = 1_700_000_000_000

ENTRY = LogEntry(NOW, "approve", "u1", "Ann", "u2", "Bob")


@pytest.fixture(params=["memory:", "sqlite:chat.db"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    with closing(make_history(request.param, tmp_path)) as history:
        history.open()
        yield history


def waits(id: str, cmid: str = "", room: str = "class", body: str = "May I?") -> Held:
    return Held(room, id, "Bob", body, "10:42 AM", NOW, "u2", cmid)


def said_now(held: Held, seq: int) -> Message:
    return typed(held.room, seq, held.user_id, held.cmid)._replace(body=held.body)


def test_what_is_held_waits_in_its_room_in_the_order_in_which_it_came(history: History) -> None:
    first, second, elsewhere = waits("b"), waits("a"), waits("c", room="garden")
    for held in (first, second, elsewhere):
        history.hold(held)

    assert history.held("class") == [first, second]
    assert history.held("garden") == [elsewhere]
    assert history.held("lobby") == []


def test_what_is_held_is_no_message(history: History) -> None:
    history.hold(waits("a", "c1"))

    assert everything(history, "class") == []
    assert history.find("class", "u2", "c1") is None
    assert history.rooms() == []


def test_what_is_approved_is_a_message_and_held_no_longer(history: History) -> None:
    history.append(said("class", 1))
    held, other = waits("a", "c1"), waits("b", "c2")
    history.hold(held)
    history.hold(other)

    history.settle(held, said_now(held, 2), ENTRY)

    assert [message.body for message in everything(history, "class")] == ["hi", "May I?"]
    assert history.find("class", "u2", "c1") == said_now(held, 2)
    assert history.held("class") == [other]
    assert history.host_log("class") == [ENTRY]


def test_the_first_message_of_a_room_can_be_one_that_was_held(history: History) -> None:
    held = waits("a")
    history.hold(held)

    history.settle(held, said_now(held, 1), ENTRY)
    history.append(said("class", 2))

    assert [message.seq for message in everything(history, "class")] == [1, 2]


def test_what_is_refused_or_withdrawn_is_nowhere(history: History) -> None:
    refused, withdrawn = waits("a", "c1"), waits("b", "c2")
    history.hold(refused)
    history.hold(withdrawn)

    history.settle(refused, None, ENTRY)
    history.settle(withdrawn, None, None)

    assert history.held("class") == everything(history, "class") == []
    assert history.host_log("class") == [ENTRY]
    history.hold(waits("c", "c1"))  # its cmid is free again


def test_a_room_holds_nothing_twice(history: History) -> None:
    history.hold(waits("a", "c1"))

    with pytest.raises(CmidTaken):
        history.hold(waits("b", "c1"))

    for other in (waits("c"), waits("d"), waits("e", "c1", "garden")):
        history.hold(other)
    history.hold(waits("f", "c1")._replace(user_id="u3"))
    assert [held.id for held in history.held("class")] == ["a", "c", "d", "f"]


def test_nothing_is_settled_twice(history: History) -> None:
    held = waits("a")
    history.hold(held)
    history.settle(held, said_now(held, 1), ENTRY)

    with pytest.raises(HistoryUnavailable, match="class"):
        history.settle(held, said_now(held, 2), ENTRY)

    assert len(everything(history, "class")) == len(history.host_log("class")) == 1


def test_what_cannot_become_a_message_is_still_held(history: History) -> None:
    history.append([typed("class", 1, "u2", "c1")])
    held = waits("a", "c1")
    history.hold(held)

    with pytest.raises(CmidTaken):
        history.settle(held, said_now(held, 2), ENTRY)

    assert history.held("class") == [held]
    assert history.host_log("class") == []
    history.append(said("class", 2))  # and its seq is free


def test_a_deleted_room_holds_nothing(history: History) -> None:
    for held in (waits("a"), waits("b", room="garden")):
        history.hold(held)

    history.delete("class")

    assert history.held("class") == []
    assert len(history.held("garden")) == 1


def test_the_memory_holds_only_so_much(tmp_path: Path) -> None:
    with closing(make_history("memory:", tmp_path)) as history:
        history.open()
        with pytest.raises(HistoryUnavailable, match="waits for approval"):
            for number in range(1000):
                history.hold(waits(f"a{number}", body="x" * 60_000))
        held = history.held("class")
        for one in held:
            history.settle(one, None, None)
        history.hold(waits("again", body="x" * 60_000))

    assert 100 < len(held) < 200


def test_the_memory_counts_all_that_somebody_has_sent(tmp_path: Path) -> None:
    """Not the text alone."""
    with closing(make_history("memory:", tmp_path)) as history:
        history.open()
        with pytest.raises(HistoryUnavailable, match="waits for approval"):
            for number in range(1000):
                history.hold(waits(f"a{number}")._replace(timestamp="x" * 60_000))


def test_it_is_found_by_its_age_in_whichever_room(history: History) -> None:
    old, other, young = (
        waits(id, room=room)._replace(held_at=held_at)
        for id, room, held_at in (("a", "class", 1), ("b", "garden", 2), ("c", "class", 3))
    )
    for held in (old, other, young):
        history.hold(held)

    assert history.held_before(3, 9) == [old, other]
    assert len(history.held_before(9, 2)) == 2
    assert history.held_before(0, 9) == []


def test_an_act_ends_the_waiting_as_a_whole_or_not_at_all(history: History) -> None:
    held, gone = waits("a", "c1"), waits("b", "c2")
    history.hold(held)

    with pytest.raises(HistoryUnavailable, match="class"):
        history.enact("class", "{}", ENTRY, Effects(refused=[held, gone]))
    assert (history.held("class"), history.decided()) == ([held], [])

    history.enact("class", "{}", ENTRY, Effects(refused=[held]))
    assert (history.held("class"), history.decided()) == ([], ["class"])


def test_what_is_approved_gives_nothing_to_clean(tmp_path: Path) -> None:
    """Its text is still there. All was searched anew after each, and the file written anew."""
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        for seq in (1, 2):
            held = waits(f"a{seq}")
            history.hold(held)
            history.settle(held, said_now(held, seq), ENTRY)
            assert len(history.search("class", "May", 9, 9)) == seq
        index = (tmp_path / "chat.db.search").stat().st_ino
        assert chores(history._writer) == set()  # type: ignore[arg-type]
        refused = waits("b", body="unspeakable")
        history.hold(refused)
        history.settle(refused, None, ENTRY)
        assert chores(history._writer) == {LOG, PAGES}  # type: ignore[arg-type]

        history.clean()

        assert (tmp_path / "chat.db.search").stat().st_ino == index


def test_what_is_held_is_there_after_a_restart(tmp_path: Path) -> None:
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        history.hold(waits("a", "c1"))

    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        assert history.held("class") == [waits("a", "c1")]


def test_what_was_refused_is_in_no_file(tmp_path: Path) -> None:
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        for number in range(200):
            history.hold(waits(f"a{number}", body=f"unspeakable {number} " * 50))
        for held in history.held("class"):
            history.settle(held, None, ENTRY)
        history.clean()

        left = [path.name for path in tmp_path.iterdir() if b"unspeakable" in path.read_bytes()]

    assert left == []
