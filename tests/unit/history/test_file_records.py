"""What histories know of files: who has them, and which of them nothing has any more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatroom.errors import HistoryUnavailable
from chatroom.files.stored import UNCLAIMED_MS, Claim, StoredFile, alt_in, carried
from chatroom.history import History
from chatroom.history.effects import Effects
from chatroom.message import Evidence, Held, Message, Remover
from tests.support.histories import KINDS, at, everything, left_behind, open_history_of, typed

ANN = "ann-id"
NOW = 1_700_000_000_000


@pytest.fixture(params=KINDS)
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    with open_history_of(request.param, tmp_path) as history:
        yield history


def coming(n: int = 1, room: str = "lobby", at: int = NOW) -> StoredFile:
    return StoredFile(f"{n:032x}", room, "a.png", "application/octet-stream", 100, 3, 2, ANN, at)


def whole(history: History, n: int = 1, room: str = "lobby", at: int = NOW) -> StoredFile:
    file = coming(n, room, at)
    history.add_file(file)
    file = file._replace(type="image/png", size=70, is_whole=True)
    history.complete_file(file)
    return file


def carrying(file: StoredFile, seq: int = 1, cmid: str = "") -> Message:
    return typed(file.room, seq, ANN, cmid)._replace(file=file.to_json())


def said(history: History, n: int = 1, room: str = "lobby") -> Message:
    file = whole(history, n, room)
    message = carrying(file, history.head(room).seq + 1)
    history.append([message])
    return message


def waiting(file: StoredFile, id: str = "h1") -> Held:
    return Held(file.room, id, "Ann", "Look", "10:42 AM", NOW, ANN, "c1", file=file.to_json())


def claim(history: History, n: int = 1) -> Claim:
    file = history.file(f"{n:032x}")
    assert file
    return file.claim


def lost(history: History, before: int = NOW) -> list[int]:
    return sorted(int(id, 16) for id in history.lost_files(before, 1000))


def test_a_file_is_known_from_its_first_byte_on(history: History) -> None:
    file = coming()
    history.add_file(file)

    assert history.file(file.id) == file
    assert history.files_bytes() == 100
    assert not file.is_free_for("lobby", ANN, NOW)
    with pytest.raises(HistoryUnavailable):
        history.append([carrying(file)])
    assert everything(history, "lobby") == []

    now_whole = file._replace(type="image/png", size=70, is_whole=True)
    history.complete_file(now_whole)
    assert history.file(file.id) == now_whole
    assert history.files_bytes() == 70
    assert history.file(f"{2:032x}") is None
    with pytest.raises(HistoryUnavailable):  # once
        history.complete_file(now_whole)


def test_whose_it_is_decides_who_can_say_something_with_it() -> None:
    file = coming()._replace(is_whole=True)

    assert file.is_free_for("lobby", ANN, NOW)
    assert not file.is_free_for("garden", ANN, NOW)
    assert not file.is_free_for("lobby", "bob-id", NOW)
    assert not file._replace(user_id="").is_free_for("lobby", "", NOW)
    assert not file._replace(claim=Claim.HELD).is_free_for("lobby", ANN, NOW)
    assert not file.is_free_for("lobby", ANN, NOW + UNCLAIMED_MS)


def test_a_message_and_its_file_are_stored_in_one_go(history: History) -> None:
    message = said(history)

    assert everything(history, "lobby") == [message]
    assert json.loads(everything(history, "lobby")[0].file) == {
        "id": f"{1:032x}",
        "name": "a.png",
        "type": "image/png",
        "size": 70,
        "width": 3,
        "height": 2,
    }
    assert claim(history) is Claim.SAID
    assert lost(history, NOW + 1) == []


ALT = 'A "square", \\ and \\u0000 \N{BLACK SQUARE BUTTON}\u200d'


def test_what_a_picture_shows_is_kept_with_its_message_and_goes_with_it(history: History) -> None:
    file = whole(history)
    message = carrying(file)._replace(file=file.to_json(ALT))
    history.append([message])
    assert everything(history, "lobby") == [message]
    assert alt_in(carried(everything(history, "lobby")[0].file)) == ALT

    edited = message.edited("other words", 1, NOW + 1)
    history.rewrite(edited)
    assert everything(history, "lobby") == [edited]

    removed = edited.taken_back(Remover.HOST, 2)
    history.rewrite(removed, Evidence(edited, NOW + 2))
    assert ALT not in str(everything(history, "lobby"))
    evidence = history.evidence("lobby", 1)
    assert evidence
    assert evidence.message.file == message.file

    restored = evidence.message._replace(rev=3)
    history.rewrite(restored)
    assert everything(history, "lobby")[0].file == message.file


def test_what_a_picture_shows_waits_with_it(history: History) -> None:
    file = whole(history)
    held = waiting(file)._replace(file=file.to_json(ALT))
    history.hold(held)
    assert history.held("lobby") == [held]


def test_what_pictures_show_counts_in_a_page(history: History) -> None:
    """A page of them would otherwise be many times as large as others."""
    alt = "x" * 1000
    for n in range(1, 7):
        file = whole(history, n)
        history.append([carrying(file, n, f"c{n}")._replace(file=file.to_json(alt))])

    page = history.before("lobby", 7, 100, 3000)

    assert [message.seq for message in page] == [4, 5, 6]


@pytest.mark.parametrize(
    "other",
    [
        lambda message: message,
        lambda message: message._replace(user_id="bob-id"),
        lambda message: message._replace(room="garden", seq=1),
        lambda message: message._replace(file=coming(7).to_json()),
    ],
    ids=["again", "another's", "elsewhere", "unknown"],
)
def test_no_second_message_has_it(history: History, other: Callable[[Message], Message]) -> None:
    first = said(history)
    second = first._replace(seq=2, nonce="b" * 16)

    with pytest.raises(HistoryUnavailable):
        history.append([typed("lobby", 2, ANN, "c"), other(second)._replace(nonce="c" * 16)])

    assert everything(history, "lobby") == [first]
    assert everything(history, "garden") == []


def test_what_is_edited_keeps_its_file(history: History) -> None:
    message = said(history).edited("another text", 1, NOW)
    history.rewrite(message)

    assert everything(history, "lobby") == [message]
    assert message.file
    assert claim(history) is Claim.SAID


def test_what_its_author_removes_is_lost(history: History) -> None:
    history.rewrite(said(history).taken_back(Remover.AUTHOR, 1))

    assert everything(history, "lobby")[0].file == ""
    assert claim(history) is Claim.GONE
    assert lost(history) == [1]


def test_what_a_host_removes_is_read_by_nobody_and_lost_once_it_is_erased(
    history: History,
) -> None:
    message = said(history)
    history.rewrite(message.taken_back(Remover.HOST, 1), Evidence(message, NOW))

    assert claim(history) is Claim.GONE
    assert lost(history) == []

    history.erase(NOW + 1, 10)
    assert lost(history) == [1]


def test_what_is_restored_has_its_file_again(history: History) -> None:
    message = said(history)
    history.rewrite(message.taken_back(Remover.HOST, 1), Evidence(message, NOW))
    kept = history.evidence("lobby", 1)
    assert kept
    assert kept.message.file == message.file

    history.rewrite(kept.message._replace(rev=2))

    assert everything(history, "lobby") == [message._replace(rev=2)]
    assert claim(history) is Claim.SAID
    assert lost(history) == []


def test_a_sweep_takes_the_files_along_and_brings_them_back(history: History) -> None:
    messages = [said(history, n) for n in (1, 2, 3)]
    removed = [
        (message.taken_back(Remover.HOST, n), Evidence(message, NOW))
        for n, message in enumerate(messages, 1)
    ]
    history.enact("lobby", "", None, Effects(removed=removed))
    assert [claim(history, n) for n in (1, 2, 3)] == [Claim.GONE] * 3
    assert lost(history) == []

    back = history.taken_at("lobby", NOW, 3, 1, 1 << 20)
    assert [message.file for message in back] == [messages[2].file]
    history.enact("lobby", "", None, Effects(erased=[1], restored=[back[0]._replace(rev=4)]))

    assert claim(history, 3) is Claim.SAID
    assert lost(history) == [1]


def test_what_somebody_erases_of_theirs_is_lost(history: History) -> None:
    """Also what a host had removed, of which there was evidence."""
    first, second = said(history, 1), said(history, 2)
    history.rewrite(first.taken_back(Remover.HOST, 1), Evidence(first, NOW))

    wiped = [one.taken_back(Remover.AUTHOR, rev) for rev, one in ((2, first), (3, second))]
    history.enact("lobby", "", None, Effects(wiped=wiped))

    assert [message.file for message in everything(history, "lobby")] == ["", ""]
    assert lost(history) == [1, 2]


def test_all_together_have_a_limit(history: History) -> None:
    assert history.add_file(coming(1), 100)
    assert not history.add_file(coming(2), 199)
    assert history.files_bytes() == 100
    assert history.add_file(coming(2), 200)


def test_what_is_trimmed_is_lost(history: History) -> None:
    for n in (1, 2, 3):
        said(history, n)

    history.trim("lobby", 1, 0, 100)

    assert lost(history) == [1, 2]
    assert claim(history, 3) is Claim.SAID


def test_with_a_room_its_files_are_lost_and_the_next_room_has_none_of_them(
    history: History,
) -> None:
    said(history, 1)
    said(history, 2, "garden")
    whole(history, 3)

    history.delete("lobby")
    history.append([typed("new", 1, ANN, "")._replace(nonce="d" * 16)])

    assert claim(history, 1) is Claim.GONE
    assert lost(history) == [1]
    assert lost(history, NOW + 1) == [1, 3]


def test_what_nothing_has_claimed_in_time_is_lost(history: History) -> None:
    whole(history, 1, at=NOW - 1)
    history.add_file(coming(2, at=NOW - 1))  # a line that died
    whole(history, 3, at=NOW)

    assert lost(history) == [1, 2]
    assert len(history.lost_files(NOW, 1)) == 1


def test_what_is_dropped_is_known_no_more(history: History) -> None:
    history.rewrite(said(history, 1).taken_back(Remover.AUTHOR, 1))
    whole(history, 2)

    assert history.drop_files([f"{n:032x}" for n in (1, 7)]) == 70

    assert lost(history) == []
    assert history.file(f"{1:032x}") is None
    assert history.files_bytes() == 70


def test_what_waits_for_approval_has_its_file_until_that_is_decided(history: History) -> None:
    held = waiting(whole(history))
    history.hold(held)

    assert history.held("lobby") == [held]
    assert claim(history) is Claim.HELD
    assert lost(history, NOW + 1) == []
    with pytest.raises(HistoryUnavailable):
        history.hold(waiting(coming(), "h2")._replace(cmid="c2"))

    message = typed("lobby", 1, ANN, "c1")._replace(file=held.file)
    history.settle(held, message, None)

    assert everything(history, "lobby") == [message]
    assert claim(history) is Claim.SAID
    assert lost(history, NOW + 1) == []


def test_what_is_refused_is_lost(history: History) -> None:
    held = waiting(whole(history))
    history.hold(held)

    history.settle(held, None, None)

    assert claim(history) is Claim.GONE
    assert lost(history) == [1]


def test_a_history_of_before_has_no_files_and_takes_them(tmp_path: Path) -> None:
    """What was there before is read as it was."""
    path = left_behind(tmp_path / "chat.db", 2)
    history = at(path)
    history.open()
    try:
        before = everything(history, "lobby")
        assert [message.file for message in before] == ["", ""]
        said(history)
        assert claim(history) is Claim.SAID
    finally:
        history.close()


def test_somebodys_files_are_told_with_what_has_them(history: History) -> None:
    said(history, 1)
    history.hold(waiting(whole(history, 2)))
    history.add_file(coming(3)._replace(user_id="bob"))
    whole(history, 4, "garden")

    assert sorted((int(file.id, 16), file.claim) for file in history.files_of(ANN)) == [
        (1, Claim.SAID),
        (2, Claim.HELD),
        (4, Claim.NOBODY),
    ]


def test_what_somebody_disowns_is_lost_unless_something_has_it(history: History) -> None:
    said(history, 1)
    history.hold(waiting(whole(history, 2)))
    free = whole(history, 3)
    whole(history, 4, "garden")
    on_its_way = coming(5)
    history.add_file(on_its_way)

    history.disown_files("lobby", ANN)

    assert lost(history) == [3, 5]
    found = history.file(free.id)
    assert found
    assert not found.is_free_for("lobby", ANN, NOW)
    with pytest.raises(HistoryUnavailable):
        history.complete_file(on_its_way._replace(is_whole=True))
