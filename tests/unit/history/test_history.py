"""One suite over every History."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chatroom.errors import HistoryUnavailable
from chatroom.history import History, is_history_url, make_history
from chatroom.history.memory.history import MemoryHistory
from chatroom.message import BEGINNING, Message
from tests.support.deadline import DEADLINE
from tests.support.histories import KINDS, everything, history_of, open_history_of, said

pytestmark = pytest.mark.takes(seconds=2)


@pytest.fixture(params=KINDS)
def closed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    """A history that isn't open yet."""
    with history_of(request.param, tmp_path) as history:
        yield history


@pytest.fixture(params=KINDS)
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    with open_history_of(request.param, tmp_path) as history:
        yield history


def test_a_new_room_is_empty(history: History) -> None:
    assert history.head("lobby") == BEGINNING
    assert history.tail("lobby", 10, 1 << 20) == []
    assert everything(history, "lobby") == []


def test_what_was_appended_comes_back_whole_and_in_order(history: History) -> None:
    first, second = said("lobby", 1, 3), said("lobby", 4, 2)

    history.append(first)
    history.append(second)

    assert everything(history, "lobby") == first + second
    assert history.tail("lobby", 10, 1 << 20) == first + second
    assert history.head("lobby") == (5, second[-1].nonce)


def test_appending_nothing_does_nothing(history: History) -> None:
    history.append([])

    assert history.head("lobby") == BEGINNING


@pytest.mark.parametrize(
    "text", ["", "\0", "a\0b", "日本語", "🎉\u202e", "'; DROP TABLE rooms; --"]
)
def test_every_text_comes_back_as_it_was(history: History, text: str) -> None:
    message = Message(text or "lobby", 1, "00" * 8, text, text, text, -1)

    history.append([message])

    assert everything(history, text or "lobby") == [message]


def test_rooms_do_not_see_each_other(history: History) -> None:
    mixed = [*said("one", 1), *said("two", 1, body="ho"), *said("one", 2)]

    history.append(mixed)

    assert everything(history, "one") == said("one", 1, 2)
    assert everything(history, "two") == said("two", 1, body="ho")
    assert history.head("two") == (1, mixed[1].nonce)
    assert history.head("three") == BEGINNING


def test_rooms_are_told_apart_by_case_and_trailing_space(history: History) -> None:
    names = ["lobby", "Lobby", "lobby ", "lobb"]
    history.append([message for name in names for message in said(name, 1, body=name)])

    assert [everything(history, name)[0].body for name in names] == names


def test_a_seq_that_is_taken_stores_nothing_of_the_whole_append(history: History) -> None:
    history.append(said("lobby", 1, 3))

    with pytest.raises(HistoryUnavailable, match="append again"):
        history.append([*said("new", 1), *said("lobby", 4), *said("lobby", 3)])

    assert everything(history, "lobby") == said("lobby", 1, 3)
    assert everything(history, "new") == []
    history.append([*said("lobby", 4), *said("new", 1)])
    assert history.head("lobby")[0] == 4


def test_the_tail_ends_at_its_limit(history: History) -> None:
    history.append(said("lobby", 1, 20))

    assert history.tail("lobby", 3, 1 << 20) == said("lobby", 18, 3)
    assert history.tail("lobby", 0, 1 << 20) == []


def test_the_tail_ends_soon_after_its_bytes_are_reached(history: History) -> None:
    history.append(said("lobby", 1, 20, body="é" * 5000))

    assert [message.seq for message in history.tail("lobby", 20, 25_000)] == [18, 19, 20]
    assert [message.seq for message in history.tail("lobby", 20, 1)] == [20]
    assert history.tail("lobby", 20, 0) == []


@pytest.mark.parametrize(
    ("after", "upto"), [(0, 5), (2, 4), (4, 5), (5, 9), (3, 3), (4, 2), (-7, 1), (0, 1 << 70)]
)
def test_pages_start_after_the_one_and_end_with_the_other(
    history: History, after: int, upto: int
) -> None:
    history.append([*said("before", 1, 9), *said("lobby", 1, 5), *said("behind", 1, 9)])

    seqs = [message.seq for page in history.pages("lobby", after, upto) for message in page]

    assert seqs == [seq for seq in range(1, 6) if after < seq <= upto]


def test_pages_are_small_and_never_empty(history: History) -> None:
    long, short = said("lobby", 1, 20, body="x" * 50_000), said("lobby", 21, 5000, body="")
    history.append(long + short)

    pages = list(history.pages("lobby", 0, 1 << 40))

    assert [message for page in pages for message in page] == long + short
    assert all(page and sum(len(message.body) for message in page) < 350_000 for page in pages)
    assert max(map(len, pages)) <= 2048


def test_what_is_appended_between_two_pages_is_in_the_next(history: History) -> None:
    history.append(said("lobby", 1, 8, body="x" * 50_000))
    pages = history.pages("lobby", 0, 10)

    seen = len(next(pages))
    history.append(said("lobby", 9, 5))

    assert seen + sum(map(len, pages)) == 10


def test_threads_read_a_sound_room_while_the_server_appends(history: History) -> None:
    """Ten times as many threads as there are connections, and no gap in what they see."""
    done = threading.Event()

    def read() -> int:
        looks = 0
        while not done.is_set() or not looks:
            seq, _ = history.head("lobby")
            assert [m.seq for m in everything(history, "lobby")][:seq] == list(range(1, seq + 1))
            tail = [message.seq for message in history.tail("lobby", 50, 1 << 20)]
            assert tail == list(range(tail[0], tail[0] + len(tail)))
            looks += 1
        return looks

    history.append(said("lobby", 1))
    with ThreadPoolExecutor(40) as pool:
        readers = [pool.submit(read) for _ in range(40)]
        try:
            for first in range(2, 200, 3):
                history.append(said("lobby", first, 3))
        finally:
            done.set()
        assert all(reader.result(DEADLINE) for reader in readers)


def test_a_probe_stores_no_message(history: History) -> None:
    history.append(said("lobby", 1))

    history.probe()

    assert everything(history, "lobby") == said("lobby", 1)
    history.append(said("lobby", 2))


def every_call(history: History) -> Iterator[None]:
    """One step per call of the interface; each must raise HistoryUnavailable."""
    for call in (
        lambda: history.append(said("lobby", 1)),
        lambda: history.probe(),
        lambda: history.trim("lobby", 1, 0, 1),
        lambda: history.head("lobby"),
        lambda: history.tail("lobby", 1, 1),
        lambda: next(history.pages("lobby", 0, 1)),
        lambda: history.before("lobby", 2, 1, 1),
        lambda: history.first("lobby"),
        lambda: history.has("lobby", 1, said("lobby", 1)[0].nonce),
        lambda: history.find("lobby", "u1", "c1"),
        lambda: history.search("lobby", "hi", 2, 1),
        lambda: history.rooms(),
        lambda: history.secret(),
    ):
        with pytest.raises(HistoryUnavailable, match=f"^{re.escape(history.name)}: it isn't open"):
            call()
        yield


def test_before_open_it_is_unavailable(closed: History) -> None:
    assert len(list(every_call(closed))) == 13

    closed.check()
    closed.open()
    closed.append(said("lobby", 1))


def test_after_close_it_is_unavailable_and_a_second_close_is_fine(history: History) -> None:
    history.append(said("lobby", 1))
    pages = history.pages("lobby", 0, 1)

    history.close()
    history.close()

    assert len(list(every_call(history))) == 13
    with pytest.raises(HistoryUnavailable):
        next(pages)


def test_memory_forgets_the_oldest_but_never_the_head() -> None:
    history = MemoryHistory(limit_bytes=50_000)
    history.open()
    history.append(said("quiet", 1, 3))

    for seq in range(1, 101):
        history.append(said("busy", seq, body="x" * 1000))

    kept = everything(history, "busy")
    assert kept == said("busy", 101 - len(kept), len(kept), body="x" * 1000)
    assert 20 < len(kept) < 50
    assert history.tail("quiet", 9, 1 << 20) == []
    assert history.head("quiet") == (3, said("quiet", 3)[0].nonce)


def test_a_history_knows_whether_it_was_made_just_now(tmp_path: Path) -> None:
    """One in memory always was."""
    for name, later in (("memory:", True), ("sqlite:chat.db", False)):
        for is_new in (True, later):
            history = make_history(name, tmp_path)
            history.open()
            assert history.is_new == is_new
            history.close()


@pytest.mark.parametrize("url", ["memory:", "sqlite:chat.db", "sqlite:/srv/a b?c#d%e.db"])
def test_a_setting_that_names_a_history_is_one(url: str, tmp_path: Path) -> None:
    """Making it opens nothing, so that a fork may follow."""
    assert is_history_url(url)
    assert make_history(url, tmp_path).name == url
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    ["", "memory", "memory:x", "sqlite:", "sqlite", "redis:x", "sqlite:a\0b", "sqlite:\ud800"],
)
def test_a_setting_that_names_none_is_none(url: str) -> None:
    assert not is_history_url(url)
