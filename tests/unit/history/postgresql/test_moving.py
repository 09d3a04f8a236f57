"""A history that moves in from a file: all of it, or it is refused until it has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatroom.errors import HistoryRefused
from chatroom.files.stored import StoredFile
from chatroom.history import History, make_history, move_in
from chatroom.history.host_log import LogEntry
from chatroom.message import Evidence, Held, MessageId, Remover
from chatroom.reactions import Click, Person
from tests.support import postgresql
from tests.support.histories import at, everything, said, typed

pytestmark = [pytest.mark.database, pytest.mark.takes(seconds=2)]

NOW = 1_700_000_000_000

ROOMS = ("", "class", "garden", "old", "lobby", "empty", "odd\0")


@pytest.fixture
def url() -> Iterator[str]:
    with postgresql.shared().empty_database() as url:
        yield url


@pytest.fixture
def source(tmp_path: Path) -> Iterator[History]:
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        fill(history)
        yield history


def fill(history: History) -> None:
    """With something of each kind."""
    entry = LogEntry(NOW, "remove", "u1", "Ann", "u2", "Bob", "\0")
    messages = [typed("class", seq, "u2", f"c{seq}")._replace(by="host") for seq in range(1, 6)]
    history.append([*messages, *said("garden", 1, 3000), *said("old", 1, 5), *said("odd\0", 1)])
    history.rewrite(messages[0].edited("better", 1, NOW))
    history.rewrite(messages[1].taken_back(Remover.HOST, 2), Evidence(messages[1], NOW), entry)
    history.rewrite(messages[2].taken_back(Remover.AUTHOR, 3))
    history.enact("class", "{}", entry)
    history.enact("empty", "{}", None)
    history.enact("", "{}", entry._replace(by_id=""))
    history.hold(Held("class", "b", "Bob", "May\0I?", "10:42 AM", NOW, "u2", "c9"))
    history.hold(Held("class", "a", "Bob", "And I?", "10:42 AM", NOW, "u2", ""))
    for n, (seq, act) in enumerate(((6, "say"), (7, "remove"), (0, "hold")), 1):
        file = StoredFile(f"{n:032x}", "class", "a␛.png", "image/png", 70, 4, 3, "u3", NOW)
        history.add_file(file)
        history.complete_file(file._replace(is_whole=True))
        if seq:
            message = typed("class", seq, "u3", f"c{seq}")._replace(file=file.to_json())
            history.append([message])
            if act == "remove":
                removed = message.taken_back(Remover.HOST, 4)
                history.rewrite(removed, Evidence(message, NOW), entry)
        else:
            history.hold(Held("class", "c", "Dan", "", "", NOW, "u3", "", file=file.to_json()))
    people = [Person(f"u{n}", f"P\0{n}") for n in range(30)]
    ids = ["class", 5], ["class", 6], *(["garden", seq] for seq in range(1500, 2900, 7))
    history.react(
        [
            Click(str(room), MessageId(int(seq), f"{seq:016x}"), who, kind, on=True)
            for room, seq in ids
            for who in people[: 30 if seq == 6 else 2]
            for kind in ("like", "done")
        ]
    )
    history.forget_reactions("class", "u1")
    history.trim("garden", 2500, 0, 1000)
    history.trim("old", 0, NOW * 2, 1000)


def all_of(history: History) -> Any:
    """What there is to ask for."""
    asked: list[Any] = [history.rooms(), history.charters(), history.secret()]
    for room in ROOMS:
        asked += [everything(history, room), history.rev(room), history.changes(room, 0)]
        asked += [history.head(room), history.first(room), history.charter(room)]
        asked += [history.host_log(room), history.held(room)]
        asked += [history.reacted(room, people=99), history.last_mark(room)]
        asked += [history.reactions_of(room, f"u{n}") for n in range(3)]
        asked += [history.evidence(room, seq) for seq in history.kept_evidence(room, 9, 9)]
    return [*asked, history.files_bytes(), [history.file(f"{n:032x}") for n in range(1, 5)]]


def opened(url: str) -> Any:
    history = make_history(url, Path())
    history.open()
    return closing(history)


def test_everything_is_there_when_it_has_moved_in(source: History, url: str) -> None:
    steps: list[int] = []

    copied: list[StoredFile] = []

    assert move_in(url, source, steps.append, copied.append) == (4, 2508)

    assert sorted(file.id for file in copied) == [f"{n:032x}" for n in (1, 2, 3)]
    assert (sum(steps), len(steps) > 3) == (2508, True)
    with opened(url) as history:
        assert all_of(history) == all_of(source)
        assert history.find("class", "u2", "c4") == source.find("class", "u2", "c4") is not None
        assert [message.seq for message in history.search("garden", "hi", 9999, 5)] == [
            *range(2996, 3001)
        ]


def test_life_goes_on_where_it_was(source: History, url: str) -> None:
    move_in(url, source)

    with opened(url) as history:
        history.append([typed("class", 8, "u2", "c8"), *said("old", 6), *said("new", 1)])
        restored = history.evidence("class", 2)
        assert restored
        history.rewrite(restored.message._replace(rev=5))
        history.settle(history.held("class")[0], typed("class", 9, "u2", "c9"), None)
        assert [message.seq for message in everything(history, "class")] == [*range(1, 10)]
        assert history.first("old") == 6


def test_marks_go_on_behind_those_that_clients_know(source: History, url: str) -> None:
    last = max(source.last_mark(room) for room in ROOMS)
    move_in(url, source)

    with opened(url) as history:
        click = Click(
            "garden", MessageId(3000, f"{3000:016x}"), Person("u1", "Bob"), "wow", on=True
        )
        assert history.react([click]) == [True]
        assert history.last_mark("garden") > last
        assert history.opening("garden", 1, 99).version.mark == history.last_mark("garden")


def test_a_database_that_has_rooms_is_refused_and_keeps_them(source: History, url: str) -> None:
    with opened(url) as history:
        history.append(said("lobby", 1))

    with pytest.raises(HistoryRefused, match="has rooms already; use an empty database"):
        move_in(url, source)

    with opened(url) as history:
        assert [room.name for room in history.rooms()] == ["lobby"]


def test_a_database_in_use_is_refused(source: History, url: str) -> None:
    with opened(url), pytest.raises(HistoryRefused, match="is in use by chatroom on"):
        move_in(url, source)


def test_what_has_not_come_whole_is_refused_until_it_comes_again(source: History, url: str) -> None:
    class Interrupted(Exception):
        pass

    def interrupt(count: int) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        move_in(url, source, interrupt)
    for act in ("check", "open"):
        history = make_history(url, Path())
        with closing(history), pytest.raises(HistoryRefused, match="run `chatroom move` again"):
            getattr(history, act)()

    move_in(url, source)

    with opened(url) as history:
        assert all_of(history) == all_of(source)
