"""What a history has of one person: one suite over every History."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatroom.errors import CmidTaken
from chatroom.history import History
from chatroom.history.effects import Effects
from chatroom.history.host_log import LogEntry
from chatroom.history.memory.history import MemoryHistory
from chatroom.message import Evidence, Remover
from tests.support.histories import KINDS, everything, open_history_of, typed


@pytest.fixture(params=KINDS)
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    with open_history_of(request.param, tmp_path) as history:
        yield history


def test_a_persons_messages_are_found_among_all_others_a_page_at_a_time(history: History) -> None:
    theirs = [typed("lobby", seq, "ann", "", "x" * 20_000) for seq in range(1, 60, 2)]
    others = [typed("lobby", seq, "bob", "") for seq in range(2, 60, 2)]
    history.append(sorted([*theirs, *others], key=lambda it: it.seq))
    history.append([typed("garden", 1, "ann", "")])

    found, after = [], 0
    while page := history.written_by("lobby", "ann", after):
        assert len(page) < 20
        found += page
        after = page[-1].seq

    assert found == theirs
    assert history.written_by("nowhere", "ann", 0) == []


def test_what_is_wiped_is_no_more_than_a_place_and_leaves_no_evidence(history: History) -> None:
    one, two, three = (typed("lobby", seq, "ann", f"a{seq}", f"text {seq}") for seq in (1, 2, 3))
    history.append([one, two, three])
    gone = two.taken_back(Remover.HOST, 1)
    history.rewrite(gone, Evidence(two, 7))

    wiped = [one.taken_back(Remover.AUTHOR, 2)]
    history.enact("lobby", "", None, Effects(erased=[2], wiped=wiped))

    assert everything(history, "lobby") == [*wiped, gone, three]
    assert history.rev("lobby") == 2
    assert history.kept_evidence("lobby", 9, 9) == []


def test_what_is_removed_can_be_made_nobodys(history: History) -> None:
    one, two, three = (typed("lobby", seq, "ann", f"a{seq}", f"text {seq}") for seq in (1, 2, 3))
    history.append([one, two, three])
    gone = two.taken_back(Remover.HOST, 1)
    history.rewrite(gone, Evidence(two, 7))

    wiped = one.taken_back(Remover.AUTHOR, 2)._replace(user_id="", cmid="")
    history.enact("lobby", "", None, Effects(erased=[2], wiped=[wiped], disowned=[1, 2]))

    assert everything(history, "lobby") == [wiped, gone._replace(user_id="", cmid=""), three]
    assert history.written_by("lobby", "ann", 0) == [three]
    assert history.find("lobby", "ann", "a1") is history.find("lobby", "ann", "a2") is None
    assert history.changes("lobby", 0) == [gone._replace(user_id="", cmid=""), wiped]


def test_a_cmid_of_what_was_made_nobodys_is_as_good_as_new(history: History) -> None:
    """Sent again, the message is another one, and is found from then on."""
    one, two = typed("lobby", 1, "ann", "a1"), typed("lobby", 2, "ann", "a2")
    history.append([one, two])
    history.rewrite(two.taken_back(Remover.AUTHOR, 1))
    wiped = one.taken_back(Remover.AUTHOR, 2)._replace(user_id="", cmid="")
    history.enact("lobby", "", None, Effects(erased=[2], wiped=[wiped], disowned=[1, 2]))

    again = [typed("lobby", 3, "ann", "a1"), typed("lobby", 4, "ann", "a2")]
    history.append(again)

    assert [history.find("lobby", "ann", cmid) for cmid in ("a1", "a2")] == again
    with pytest.raises(CmidTaken):
        history.append([typed("lobby", 5, "ann", "a1")])
    assert history.trim("lobby", 1, 0, 9) == 3
    assert everything(history, "lobby") == again[1:]
    assert history.find("lobby", "ann", "a2") == again[1]


def test_nothing_is_counted_of_what_was_made_nobodys_and_is_gone() -> None:
    history = MemoryHistory()
    history.open()
    one, two = typed("lobby", 1, "ann", "a1"), typed("lobby", 2, "ann", "a2")
    history.append([one, two])
    history.rewrite(two.taken_back(Remover.HOST, 1), Evidence(two, 7))
    wiped = one.taken_back(Remover.AUTHOR, 2)._replace(user_id="", cmid="")
    history.enact("lobby", "", None, Effects(erased=[2], wiped=[wiped], disowned=[1, 2]))

    assert history.delete("lobby") == 2

    assert history._bytes == 0
    assert not history._cmids and not history._changes


def test_somebody_is_forgotten_in_one_rooms_log_and_acts_are_not(history: History) -> None:
    entries = [
        LogEntry(1, "bar", "ann", "Ann", "bob", "Bob", "60 s"),
        LogEntry(2, "quiet", "bob", "Bob", "ann", "Ann"),
        LogEntry(3, "clear", "bob", "Ann"),
    ]
    for room in ("lobby", "garden"):
        for entry in entries:
            history.enact(room, '{"listed":false}', entry)

    history.forget_in_log("lobby", "ann", "stranger")
    history.forget_in_log("nowhere", "ann", "stranger")

    forgotten = [it.without("ann", "stranger") for it in entries]
    assert [(it.by_id, it.by_name) for it in forgotten] == [
        *(("stranger", ""), ("bob", "Bob"), ("bob", "Ann"))
    ]
    assert [(it.whom_id, it.whom_name) for it in forgotten] == [
        *(("bob", "Bob"), ("stranger", ""), ("", ""))
    ]
    assert history.host_log("lobby") == forgotten[::-1]
    assert history.host_log("garden") == entries[::-1]
