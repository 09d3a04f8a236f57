"""What rooms have decided, and what hosts have done: one suite over every History."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatroom.errors import CmidTaken, HistoryUnavailable
from chatroom.history import History
from chatroom.history.effects import Effects
from chatroom.history.host_log import FREQUENT, KEEP_DAYS, MOST_ENTRIES, LogEntry
from chatroom.message import Evidence, Message, Remover
from tests.support.histories import (
    KINDS,
    FullWriter,
    at,
    everything,
    open_history_of,
    said,
    snapshot,
    typed,
)
from tests.support.old_database import made_by_schema_3

DAY_MS = 24 * 60 * 60 * 1000
NOW = 1_700_000_000_000

SLOW, HOSTS = '{"speak":"slow"}', '{"speak":"hosts"}'


@pytest.fixture(params=KINDS)
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    with open_history_of(request.param, tmp_path) as history:
        yield history


def entry(moment: int = NOW, act: str = "rules") -> LogEntry:
    return LogEntry(moment, act, "u1", "Ann", "u2", "Bob", "slow (5 s)")


def acts(history: History, room: str = "class") -> list[str]:
    return [entry.act for entry in history.host_log(room)]


def test_a_room_has_the_charter_that_it_gave_itself_last(history: History) -> None:
    assert history.charter("class") == ""

    history.enact("class", SLOW, entry())
    history.enact("class", HOSTS, entry())
    history.enact("", SLOW, None)

    assert history.charter("class") == HOSTS
    assert history.charter("") == SLOW
    assert history.charter("garden") == ""
    assert sorted(history.decided()) == ["", "class"]
    assert history.charters() == {room: history.charter(room) for room in ("", "class")}


def test_a_room_that_decides_nothing_any_more_has_none(history: History) -> None:
    history.enact("class", SLOW, None)

    history.enact("class", "", None)

    assert history.charter("class") == ""
    assert history.decided() == []


def test_what_the_whole_server_decides_comes_with_a_rooms_charter(history: History) -> None:
    history.enact("class", SLOW, entry(), Effects(house=HOSTS))
    assert (history.charter("class"), history.charter("")) == (SLOW, HOSTS)
    assert len(history.host_log("class")) == 1

    history.enact("class", "", entry())
    assert (history.charter("class"), history.charter("")) == ("", HOSTS)

    history.enact("class", SLOW, entry(), Effects(house=""))
    assert (history.charter("class"), history.decided()) == (SLOW, ["class"])


def test_what_hosts_have_done_is_read_newest_first(history: History) -> None:
    for number in range(3):
        history.enact("class", SLOW, entry(NOW + number // 2, f"act {number}"))
    history.enact("garden", SLOW, None)

    assert acts(history) == ["act 2", "act 1", "act 0"]
    assert history.host_log("class")[0] == entry(NOW + 1, "act 2")
    assert history.host_log("garden") == history.host_log("") == []


def test_what_hosts_did_is_forgotten_after_ninety_days_wherever_they_did_it(
    history: History,
) -> None:
    later = NOW + KEEP_DAYS * DAY_MS
    history.enact("class", SLOW, entry(NOW, "long ago"))
    history.enact("garden", SLOW, entry(NOW, "long ago"))
    history.enact("class", SLOW, entry(NOW + 1, "not so long ago"))

    history.enact("class", SLOW, entry(later, "on the last day"))
    assert acts(history) == ["on the last day", "not so long ago", "long ago"]

    history.enact("class", SLOW, entry(later + 1, "now"))
    assert acts(history) == ["now", "on the last day", "not so long ago"]
    assert acts(history, "garden") == []


def test_what_hosts_did_is_forgotten_where_nobody_does_anything_any_more(history: History) -> None:
    """Some at a time, among old evidence."""
    for number in range(4):
        history.enact("class", SLOW, entry(NOW + number, f"act {number}"))
    history.enact("garden", SLOW, entry(NOW, "elsewhere"))
    (message,) = said("class", 1)
    history.append([message])
    history.rewrite(message.taken_back(Remover.HOST, 1), Evidence(message, 7))

    assert history.erase(7, 3, NOW) == 0
    assert [history.erase(8, 3, NOW + 3) for _ in range(3)] == [3, 2, 0]

    assert (acts(history), acts(history, "garden")) == (["act 3"], [])
    assert history.evidence("class", 1) is None
    assert history.charter("class") == SLOW


def test_a_room_keeps_so_many_entries_at_most(history: History) -> None:
    """A host who switches to and fro all day does not fill the disk."""
    history.enact("garden", SLOW, entry(NOW, "elsewhere"))
    for number in range(MOST_ENTRIES + 3):
        history.enact("class", SLOW, entry(NOW + number, f"act {number}"))

    kept = acts(history)

    assert (len(kept), kept[0], kept[-1]) == (MOST_ENTRIES, f"act {MOST_ENTRIES + 2}", "act 3")
    assert acts(history, "garden") == ["elsewhere"]


def test_what_a_host_does_all_day_crowds_nothing_else_out(history: History) -> None:
    """After so many approvals, nobody knew any more who had been removed."""
    history.enact("class", SLOW, entry(NOW, "bar"))
    for number in range(MOST_ENTRIES + 3):
        history.enact("class", SLOW, entry(NOW + number, FREQUENT[number % len(FREQUENT)]))

    kept = acts(history)

    assert (len(kept), kept[-1]) == (MOST_ENTRIES + 1, "bar")


def test_a_rooms_first_messages_and_its_charter_are_stored_together(history: History) -> None:
    history.append([*said("class", 1, 2), *said("garden", 1)], {"class": SLOW})

    assert (history.charter("class"), history.charter("garden")) == (SLOW, "")
    assert len(everything(history, "class")) == 2


def test_of_a_batch_that_is_refused_no_charter_is_stored(history: History) -> None:
    history.append([typed("class", 1, "u1", "c1")])

    with pytest.raises(CmidTaken):
        history.append([*said("garden", 1), typed("class", 2, "u1", "c1")], {"garden": SLOW})

    assert history.charter("garden") == ""
    assert everything(history, "garden") == []


def test_a_deleted_room_leaves_neither_charter_nor_log(history: History) -> None:
    history.append([*said("class", 1), *said("garden", 1)])
    for room in ("class", "garden", "empty"):
        history.enact(room, SLOW, entry())

    history.delete("class")
    history.delete("empty")

    assert history.decided() == ["garden"]
    assert acts(history, "class") == acts(history, "empty") == []
    assert acts(history, "garden") == ["rules"]


def test_trimming_leaves_what_a_room_has_decided(history: History) -> None:
    history.append(said("class", 1, 3), {"class": SLOW})
    history.enact("class", HOSTS, entry())

    while history.trim("class", 1, NOW * 2, 10):
        pass

    assert (history.charter("class"), acts(history)) == (HOSTS, ["rules"])


def test_a_closed_history_decides_and_tells_nothing(history: History) -> None:
    history.close()
    for call in (
        lambda: history.enact("class", SLOW, entry()),
        lambda: history.charter("class"),
        lambda: history.host_log("class"),
        lambda: history.decided(),
    ):
        with pytest.raises(HistoryUnavailable):
            call()


# -- the file --------------------------------------------------------------------------------------


def test_what_was_decided_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    for charter in (SLOW, HOSTS):
        with closing(at(tmp_path / "chat.db")) as history:
            history.open()
            history.enact("class", charter, entry())

    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        assert (history.charter("class"), len(acts(history))) == (HOSTS, 2)


def test_rooms_of_an_older_file_have_decided_nothing_and_can(tmp_path: Path) -> None:
    with closing(at(made_by_schema_3(tmp_path / "chat.db"))) as history:
        history.open()
        assert history.decided() == []

        history.enact("lobby", SLOW, entry())

        assert (history.charter("lobby"), acts(history, "lobby")) == (SLOW, ["rules"])


def test_a_disk_that_fails_leaves_charter_and_log_as_they_were(tmp_path: Path) -> None:
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        history.enact("class", SLOW, entry(act="before"))
        full = FullWriter(history._writer)
        history._writer = full  # type: ignore[assignment]
        full.is_full = True

        with pytest.raises(HistoryUnavailable):
            history.enact("class", HOSTS, entry(act="after"))
        with pytest.raises(HistoryUnavailable):
            history.append(said("garden", 1), {"garden": SLOW})

        full.is_full = False
        assert (history.charter("class"), acts(history)) == (SLOW, ["before"])
        assert history.charter("garden") == ""
        history.enact("class", HOSTS, entry(act="after"))
        assert (history.charter("class"), acts(history)) == (HOSTS, ["after", "before"])


# -- what goes with an act -------------------------------------------------------------------------


def removal(message: Message, rev: int) -> tuple[Message, Evidence]:
    return message.taken_back(Remover.HOST, rev), Evidence(message, NOW)


def test_messages_go_with_the_act_that_removes_them(history: History) -> None:
    messages = [typed("class", seq, "u2", f"c{seq}", body=f"body {seq}") for seq in (1, 2, 3)]
    history.append(messages)
    gone = [removal(messages[0], 1), removal(messages[2], 2)]

    history.enact("class", SLOW, entry(), Effects(removed=gone))

    assert everything(history, "class") == [gone[0][0], messages[1], gone[1][0]]
    assert (history.rev("class"), history.changes("class", 0)) == (2, [m for m, _ in gone])
    assert history.evidence("class", 3) == gone[1][1]
    assert history.find("class", "u2", "c1") == gone[0][0]
    assert history.kept_evidence("class", 9, 9) == [3, 1]
    assert history.kept_evidence("class", 9, 1) == [3]
    assert history.kept_evidence("class", 2, 9) == [1]
    assert history.kept_evidence("garden", 9, 9) == []

    history.enact("class", SLOW, entry(), Effects(erased=[3]))

    assert history.evidence("class", 3) is None
    assert history.kept_evidence("class", 9, 9) == [1]


def test_what_one_act_has_removed_is_found_and_restored_together(history: History) -> None:
    messages = [typed("class", seq, "u2", f"c{seq}") for seq in range(1, 8)]
    history.append(messages)
    times = {1: 70, 2: 50, 3: 50, 4: 60, 5: 50, 6: 50}
    gone = [
        (message.taken_back(Remover.HOST, rev), Evidence(message, times[message.seq]))
        for rev, message in enumerate(messages[:6], 1)
    ]
    history.enact("class", SLOW, entry(), Effects(removed=gone))

    assert [m.seq for m in history.taken_at("class", 50, 9, 9, 9999)] == [6, 5, 3, 2]
    assert [m.seq for m in history.taken_at("class", 50, 5, 2, 9999)] == [5, 3]
    assert history.taken_at("class", 50, 3, 9, 1) == [messages[2]]
    assert history.taken_at("class", 51, 9, 9, 9999) == []
    assert history.taken_at("garden", 50, 9, 9, 9999) == []

    back = [messages[2]._replace(rev=7), messages[4]._replace(rev=8)]
    history.enact("class", SLOW, entry(), Effects(restored=back))

    assert [m.seq for m in history.taken_at("class", 50, 9, 9, 9999)] == [6, 2]
    assert history.rev("class") == 8
    assert history.changes("class", 6) == back
    assert [m.seq for m in everything(history, "class") if not m.removed] == [3, 5, 7]
    assert history.evidence("class", 3) is None
    assert history.find("class", "u2", "c3") == back[0]
    assert [m.seq for m in history.search("class", messages[2].body, 9, 9)] == [3, 5, 7]


def test_what_is_not_there_any_more_cannot_be_restored(history: History) -> None:
    messages = [typed("class", seq, "u2", f"c{seq}") for seq in (1, 2)]
    history.append(messages)
    history.enact("class", SLOW, entry(), Effects(removed=[removal(messages[0], 1)]))
    foreign = messages[1]._replace(nonce="f" * 16, rev=3)

    with pytest.raises(HistoryUnavailable, match="class"):
        history.enact(
            "class", HOSTS, entry(), Effects(restored=[messages[0]._replace(rev=2), foreign])
        )

    assert history.rev("class") == 1
    assert history.charter("class") == SLOW
    assert history.evidence("class", 1)


def test_an_act_is_done_as_a_whole_or_not_at_all(history: History) -> None:
    messages = [typed("class", seq, "u2", f"c{seq}") for seq in (1, 2)]
    history.append(messages[:1])
    gone = [removal(message, rev) for rev, message in enumerate(messages, 1)]

    with pytest.raises(HistoryUnavailable, match="class"):
        history.enact("class", SLOW, entry(), Effects(HOSTS, gone, [1]))

    assert everything(history, "class") == messages[:1]
    assert (history.rev("class"), history.decided(), acts(history)) == (0, [], [])
    assert history.evidence("class", 1) is None


def test_a_text_that_an_act_has_removed_and_another_one_erased_is_in_no_file(
    tmp_path: Path,
) -> None:
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        messages = [typed("class", seq, "u2", f"c{seq}", body="xyzzy") for seq in range(1, 200)]
        history.append(messages)
        gone = [removal(message, message.seq) for message in messages]
        history.enact("class", SLOW, entry(), Effects(removed=gone))
        history.enact("class", SLOW, entry(), Effects(erased=[m.seq for m in messages]))

        history.clean()

        assert not any(b"xyzzy" in content for content in snapshot(tmp_path).values())
