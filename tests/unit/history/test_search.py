"""Searching: one suite over every History, and over an SQLite without FTS5 where it can."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatroom.errors import HistoryUnavailable
from chatroom.history import History, make_history
from chatroom.history.memory.history import MemoryHistory
from chatroom.history.sqlite import search
from chatroom.history.words import MAX_TEXT, MAX_WORDS, words_of
from chatroom.message import Message
from tests.support.histories import at, said, typed

pytestmark = pytest.mark.takes(seconds=19)

URLS = {
    "memory": "memory:",
    "sqlite": "sqlite:chat.db",
    "without fts5": "sqlite:chat.db",
}


def opened(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    if kind == "without fts5":
        monkeypatch.setattr(search, "has_fts5", lambda readers: False)
    history = make_history(URLS[kind], folder)
    history.open()
    return history


@pytest.fixture(params=URLS)
def history(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[History]:
    with closing(opened(request.param, tmp_path, monkeypatch)) as history:
        yield history


@pytest.fixture(params=["memory", "sqlite"])
def clever(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[History]:
    """A history that knows words, cases and accents."""
    with closing(opened(request.param, tmp_path, monkeypatch)) as history:
        yield history


def says(history: History, *bodies: str, room: str = "lobby") -> None:
    seq, _ = history.head(room)
    history.append(
        [
            replace(message, body=body)
            for message, body in zip(said(room, seq + 1, len(bodies)), bodies, strict=True)
        ]
    )


def found(history: History, text: str, before: int = sys.maxsize, limit: int = 100) -> list[str]:
    return [message.body for message in history.search("lobby", text, before, limit)]


# -- what is found ---------------------------------------------------------------------------


def test_whole_messages_are_found_oldest_first(history: History) -> None:
    messages = [typed("lobby", 1, "u1", "c1", "one fish"), *said("lobby", 2), *said("other", 1)]
    messages += [*said("lobby", 3, body="two fish"), *said("other", 2, body="no fish")]
    history.append(messages)

    assert history.search("lobby", "fish", sys.maxsize, 10) == [messages[0], messages[3]]


def test_the_newest_below_are_found(history: History) -> None:
    says(history, *(f"fish {n}" for n in range(1, 10)))

    assert found(history, "fish", limit=3) == ["fish 7", "fish 8", "fish 9"]
    assert found(history, "fish", before=7, limit=3) == ["fish 4", "fish 5", "fish 6"]
    assert found(history, "fish", before=3, limit=3) == ["fish 1", "fish 2"]


@pytest.mark.parametrize(
    ("before", "limit"), [(1, 9), (0, 9), (-1, 9), (-(1 << 70), 9), (9, 0), (9, -1)]
)
def test_nothing_is_found_below_the_first_or_within_no_limit(
    history: History, before: int, limit: int
) -> None:
    says(history, "fish", "fish")

    assert found(history, "fish", before, limit) == []


@pytest.mark.parametrize("before", [3, 1 << 40, 1 << 63, 1 << 70])
def test_any_number_may_be_the_end(history: History, before: int) -> None:
    says(history, "fish", "fish")
    says(history, "fish", room="behind")

    assert found(history, "fish", before) == ["fish", "fish"]


def test_nothing_is_found_in_a_room_that_is_not_there(history: History) -> None:
    assert found(history, "fish") == []


def test_what_was_said_after_a_search_is_found_by_the_next(history: History) -> None:
    says(history, "one fish")
    assert found(history, "fish") == ["one fish"]

    says(history, "two fish")

    assert found(history, "fish") == ["one fish", "two fish"]


def test_all_words_are_wanted_in_any_order(history: History) -> None:
    says(history, "the quick brown fox", "the slow brown bear")

    assert found(history, "brown the") == ["the quick brown fox", "the slow brown bear"]
    assert found(history, "fox quick") == ["the quick brown fox"]
    assert found(history, "fox slow") == []


def test_the_last_word_may_be_a_beginning(history: History) -> None:
    says(history, "good morning")

    assert found(history, "m") == ["good morning"]
    assert found(history, "good mor") == ["good morning"]
    assert found(history, "good morningstar") == []


def test_case_does_not_count(history: History) -> None:
    says(history, "Hello WORLD")

    assert found(history, "hELLO world") == ["Hello WORLD"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("Café au lait", "cafe"),
        ("cafe au lait", "CAFÉ"),
        ("cafe\u0301 au lait", "café au"),
        ("Straße", "straße"),
        ("Łódź", "łodz"),
        ("Việt Nam", "viet nam"),
        ("ΑΘΗΝΑ", "αθηνα"),
        ("Привет, мир!", "ПРИВЕТ мир"),
        ("日本語 テキスト", "日本"),
        ("don't stop", "don't"),
        ("a well-known name", "well-kno"),
        ("see v1.2.3", "v1.2"),
        ("hi@example.com wrote", "example.com"),
        ("snake_case_name", "case"),
        ('she said "hello"', 'said "hel'),
        ("#topic, of course", "#topic"),
    ],
)
def test_people_find_what_they_mean(clever: History, body: str, text: str) -> None:
    says(clever, "something else", body, "and more")

    assert found(clever, text) == [body]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("concatenate", "cat"),  # no beginning
        ("a cat apart", "ca apart"),  # only the last word may be a beginning
        ("name is well known", "well-name"),  # the parts of one word follow each other
        ("good morning", "goodmorning"),
    ],
)
def test_people_do_not_find_what_they_do_not_mean(clever: History, body: str, text: str) -> None:
    says(clever, body)

    assert found(clever, text) == []


def test_without_fts5_a_word_is_found_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(opened("without fts5", tmp_path, monkeypatch)) as history:
        says(history, "concatenate", "100% of it", "a_b", "a!b", "axb")

        assert found(history, "CAT") == ["concatenate"]
        assert found(history, "0%") == ["100% of it"]
        assert found(history, "a_b") == ["a_b"]
        assert found(history, "a!b") == ["a!b"]
        assert not (tmp_path / "chat.db.search").exists()


def test_without_fts5_a_long_room_is_read_in_steps_and_for_a_while_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "READING_LENGTH", 10)
    with closing(opened("without fts5", tmp_path, monkeypatch)) as history:
        says(history, "first", *(f"fish {n}" for n in range(2, 101)))
        assert found(history, "fish", limit=25) == [f"fish {n}" for n in range(76, 101)]
        assert found(history, "first") == ["first"]

        monkeypatch.setattr(search, "READING_SECONDS", 0)
        with pytest.raises(HistoryUnavailable, match="too long to search without FTS5"):
            found(history, "first")


# -- hostile input ---------------------------------------------------------------------------

HOSTILE = [
    "",
    " ",
    "\0",
    "fish\0",
    "\0fish",
    '"',
    '""',
    '"fish',
    "fish*",
    "*",
    "fi* OR 1",
    "NEAR(fish, 2)",
    "fish NOT fish",
    "AND",
    "fish AND",
    "body:fish",
    "-body : fish",
    "{body} : fish",
    "^fish",
    "(fish",
    "fish)",
    "fish + fish",
    "'; DROP TABLE messages; --",
    "%",
    "_",
    "fi%h",
    "\\",
    "\ud800",
    "fish\udfff",
    "🎉",
    "fish 🎉",
    "\u202efish",
    "\u0301",
    "\U0001e900\U00011b00\U00016a70",  # letters that are younger than FTS5's tables
    "\U0001ccd6\U00010ec2",
    "fish " * 10_000,
    "f" * 1_000_000,
    "() " * 1000,
    '" ' * 5000,
    "a-" * 600,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:20])
def test_whatever_is_searched_for_is_words(history: History, text: str) -> None:
    says(history, "body", "a fish", "fish and chips")

    assert set(found(history, text)) <= {"a fish", "fish and chips", "body"}
    assert found(history, "fish") == ["a fish", "fish and chips"]


@pytest.mark.parametrize("text", ["fish*", '"fish"', "fish\0", "(fish)", "^fish", "fish\udfff"])
def test_signs_around_a_word_do_not_count(clever: History, text: str) -> None:
    says(clever, "a fish")

    assert found(clever, text) == ["a fish"]


@pytest.mark.parametrize("text", ["", " \t\n", "\0", "\ud800", "?!", "🎉 🎉", "%", "_", "\u0301"])
def test_nothing_is_found_without_a_word(history: History, text: str) -> None:
    says(history, "%", "_", "🎉", "?!")

    assert found(history, text) == []


def test_only_so_much_of_a_search_counts() -> None:
    assert len(words_of("a " * 10_000)) == MAX_WORDS
    assert words_of("x" * 10_000) == ["x" * MAX_TEXT]


TEXTS = st.one_of(
    st.text(max_size=30),
    st.text(st.sampled_from("aAáÁäbB'\"*-_()^:+ \0.%!"), max_size=30),
)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:20])
def test_no_hostile_text_upsets_the_index(searched: tuple[History, Path], text: str) -> None:
    """It isn't made anew, which is what an error inside SQLite would lead to."""
    history, index = searched
    before = index.stat().st_ino

    found(history, text)

    assert index.stat().st_ino == before


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
def test_no_text_upsets_the_index(searched: tuple[History, Path], text: str) -> None:
    history, index = searched
    before = index.stat().st_ino

    found(history, text)

    assert index.stat().st_ino == before


@pytest.fixture
def searched(tmp_path: Path) -> Iterator[tuple[History, Path]]:
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        says(history, "a fish", "b")
        assert found(history, "fish") == ["a fish"]
        yield history, tmp_path / "chat.db.search"


LETTERS = st.text(st.sampled_from("aAáÁäbBß'\"*-_()^:+ .%!"), max_size=12)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(bodies=st.lists(LETTERS, min_size=1, max_size=5), text=LETTERS)
def test_memory_and_sqlite_find_the_same(
    pair: tuple[History, History, list[int]], bodies: list[str], text: str
) -> None:
    one, other, rooms = pair
    rooms.append(len(rooms))
    room = f"room {len(rooms)}"
    results: list[list[Message]] = []
    for history in (one, other):
        says(history, *bodies, room=room)
        results.append(history.search(room, text.replace("ß", ""), sys.maxsize, 10))

    assert results[0] == results[1]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[History, History, list[int]]]:
    with closing(at(tmp_path / "chat.db")) as stored, closing(MemoryHistory()) as kept:
        stored.open()
        kept.open()
        yield stored, kept, []
