"""Searching: one suite over every History, and over an SQLite without FTS5 where it can."""

# ruff: noqa: RUF001 (letters that look like others are what is searched for)

from __future__ import annotations

import sys
import threading
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatroom.errors import SearchTooLong
from chatroom.history import History, searching
from chatroom.history.effects import Effects
from chatroom.history.paging import PAGE_LENGTH
from chatroom.history.sqlite import search
from chatroom.history.words import MAX_TEXT, MAX_WORDS, tokens, words_of
from chatroom.message import Evidence, Message, Remover
from tests.support.deadline import DEADLINE
from tests.support.effort import is_linear
from tests.support.histories import at, everything, open_history_of, said, typed

pytestmark = pytest.mark.takes(seconds=6)

URLS = {
    "memory": "memory:",
    "sqlite": "sqlite:chat.db",
    "without fts5": "sqlite:chat.db",
    "postgresql": "postgresql:",
}


@contextmanager
def opened(kind: str, folder: Path) -> Iterator[History]:
    with open_history_of(URLS[kind], folder) as history:
        yield history


def miss_fts5(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "has_fts5", lambda readers: False)


OVER_ALL = [
    pytest.param(kind, marks=pytest.mark.database if kind == "postgresql" else ()) for kind in URLS
]


@pytest.fixture(scope="module", params=OVER_ALL)
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def history(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[History]:
    """One of the test's own."""
    if kind == "without fts5":
        miss_fts5(monkeypatch)
    with opened(kind, tmp_path) as history:
        yield history


@pytest.fixture(scope="module")
def open_history(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """One of each kind, for all tests that need no more than a room of their own."""
    with opened(kind, tmp_path_factory.mktemp("searched")) as history:
        yield history


@pytest.fixture
def room(
    kind: str, open_history: History, room: str, monkeypatch: pytest.MonkeyPatch
) -> SearchedRoom:
    if kind == "without fts5":
        miss_fts5(monkeypatch)
    return SearchedRoom(open_history, room)


@dataclass(frozen=True)
class SearchedRoom:
    """In a history that has others, which are not searched."""

    history: History
    name: str

    def says(self, *bodies: str) -> None:
        says(self.history, *bodies, room=self.name)

    def found(self, text: str, before: int = sys.maxsize, limit: int = 100) -> list[str]:
        return found(self.history, text, before, limit, room=self.name)


def says(history: History, *bodies: str, room: str = "lobby") -> None:
    seq, _ = history.head(room)
    history.append(
        [
            message._replace(body=body)
            for message, body in zip(said(room, seq + 1, len(bodies)), bodies, strict=True)
        ]
    )


def found(
    history: History, text: str, before: int = sys.maxsize, limit: int = 100, room: str = "lobby"
) -> list[str]:
    return [message.body for message in history.search(room, text, before, limit)]


# -- what is found ---------------------------------------------------------------------------


def test_whole_messages_are_found_oldest_first(history: History) -> None:
    messages = [typed("lobby", 1, "u1", "c1", "one fish"), *said("lobby", 2), *said("other", 1)]
    messages += [*said("lobby", 3, body="two fish"), *said("other", 2, body="no fish")]
    history.append(messages)

    assert history.search("lobby", "fish", sys.maxsize, 10) == [messages[0], messages[3]]


def test_the_newest_below_are_found(room: SearchedRoom) -> None:
    room.says(*(f"fish {n}" for n in range(1, 10)))

    assert room.found("fish", limit=3) == ["fish 7", "fish 8", "fish 9"]
    assert room.found("fish", before=7, limit=3) == ["fish 4", "fish 5", "fish 6"]
    assert room.found("fish", before=3, limit=3) == ["fish 1", "fish 2"]


@pytest.mark.parametrize(
    ("before", "limit"), [(1, 9), (0, 9), (-1, 9), (-(1 << 70), 9), (9, 0), (9, -1)]
)
def test_nothing_is_found_below_the_first_or_within_no_limit(
    room: SearchedRoom, before: int, limit: int
) -> None:
    room.says("fish", "fish")

    assert room.found("fish", before, limit) == []


@pytest.mark.parametrize("before", [3, 1 << 40, 1 << 63, 1 << 70])
def test_any_number_may_be_the_end(room: SearchedRoom, before: int) -> None:
    room.says("fish", "fish")
    replace(room, name=f"behind {room.name}").says("fish")

    assert room.found("fish", before) == ["fish", "fish"]


def test_nothing_is_found_in_a_room_that_is_not_there(room: SearchedRoom) -> None:
    assert room.found("fish") == []


def test_what_was_said_after_a_search_is_found_by_the_next(room: SearchedRoom) -> None:
    room.says("one fish")
    assert room.found("fish") == ["one fish"]

    room.says("two fish")

    assert room.found("fish") == ["one fish", "two fish"]


def test_all_words_are_wanted_in_any_order(room: SearchedRoom) -> None:
    room.says("the quick brown fox", "the slow brown bear")

    assert room.found("brown the") == ["the quick brown fox", "the slow brown bear"]
    assert room.found("fox quick") == ["the quick brown fox"]
    assert room.found("fox slow") == []


def test_the_last_word_may_be_a_beginning(room: SearchedRoom) -> None:
    room.says("good morning")

    assert room.found("m") == ["good morning"]
    assert room.found("good mor") == ["good morning"]
    assert room.found("good morningstar") == []


def test_case_does_not_count(room: SearchedRoom) -> None:
    room.says("Hello WORLD")

    assert room.found("hELLO world") == ["Hello WORLD"]


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
def test_people_find_what_they_mean(room: SearchedRoom, body: str, text: str) -> None:
    room.says("something else", body, "and more")

    assert room.found(text) == [body]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("concatenate", "cat"),  # no beginning
        ("a cat apart", "ca apart"),  # only the last word may be a beginning
        ("name is well known", "well-name"),  # the parts of one word follow each other
        ("good morning", "goodmorning"),
    ],
)
def test_people_do_not_find_what_they_do_not_mean(room: SearchedRoom, body: str, text: str) -> None:
    room.says(body)

    assert room.found(text) == []


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("明天的会议改到下午三点", "会议"),
        ("明天的会议改到下午三点", "点"),
        ("明天的会议改到下午三点", "下午三点 会议"),
        ("新しいテストを書く", "テスト"),
        ("ﾃｽﾄを書く", "テスト"),
        ("회의록을 보냈어요", "의록"),
        ("ㅋㅋㅋㅋ 진짜", "ㅋㅋ"),
        ("ประชุมพรุ่งนี้ตอนบ่าย", "พรุ่งนี้"),
        ("ພາສາລາວ", "ລາວ"),
        ("ភាសាខ្មែរ", "ខ្មែរ"),
        ("မြန်မာစကား", "စကား"),
        ("新しいiPhoneケース", "iphone"),
        ("新しいiPhoneケース", "ケース iph"),
        ("第3章を読む", "3章"),
        ("हिन्दी में बात करें", "हिन्दी"),
        ("தமிழ் மொழி", "தமிழ்"),
    ],
)
def test_words_are_found_in_every_script(room: SearchedRoom, body: str, text: str) -> None:
    room.says("something else", body, "and more")

    assert room.found(text) == [body]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("会计的建议", "会议"),  # both characters, but no such word
        ("议会", "会议"),
        ("か", "が"),
        ("มา", "ม้า"),  # the tone tells two words apart
        ("कल", "कुल"),  # so does a vowel that is a mark
    ],
)
def test_characters_alone_are_no_word(room: SearchedRoom, body: str, text: str) -> None:
    room.says(body)

    assert room.found(text) == []


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("Goethestraße 5", "goethestrasse"),
        ("GOETHESTRASSE 5", "Goethestraße"),
        ("ＦＵＬＬ width", "full"),
        ("full width", "ＦＵＬＬ"),
        ("Łódź", "lodz"),
        ("Đà Nẵng", "da nang"),
        ("Smørrebrød", "smorrebrod"),
        ("Œuvre", "oeuvre"),
        ("Ærø", "aero"),
        ("Þingvellir, Ísafjörður", "thingvellir isafjordur"),
        ("İstanbul", "istanbul"),
        ("ISTANBUL", "ıstanbul"),
        ("Donau\u00addampf\u00adschiff", "donaudampfschiff"),
        ("donaudampfschiff", "Donau\u00addampf"),
        ("zero\u200bwidth \u2066isolated\u2069 \ufeffmark", "zerowidth isolated mark"),
        ("ﬁne ①", "fine 1"),
        ("𝐁𝐨𝐥𝐝", "bold"),
        ("Ёлка", "елка"),
        ("شُكْرًا", "شكرا"),
        ("שָׁלוֹם", "שלום"),
        ("ὀδύσσεια", "οδυσσεια"),
        ("ΟΔΟΣ", "οδος"),
    ],
)
def test_what_looks_or_sounds_alike_is_found(room: SearchedRoom, body: str, text: str) -> None:
    room.says("something else", body, "and more")

    assert room.found(text) == [body]


def test_folding_again_changes_nothing() -> None:
    for start in range(0, 0x3400, 64):
        line = tokens("x".join(map(chr, range(start, start + 64))))

        assert tokens(line) == line


# -- what has changed ------------------------------------------------------------------------


def change(history: History, seq: int, body: str, removed: str = "") -> None:
    message = next(m for m in history.tail("lobby", 100_000, 1 << 30) if m.seq == seq)
    rev = history.rev("lobby") + 1
    history.rewrite(message._replace(body=body, rev=rev, removed=removed))


def test_a_changed_message_is_found_by_its_new_words_alone(history: History) -> None:
    says(history, "a fish", "a bird", "a cat")
    assert found(history, "fish") == ["a fish"]

    change(history, 1, "a whale")

    assert found(history, "fish") == []
    assert found(history, "whale") == ["a whale"]
    assert found(history, "a") == ["a whale", "a bird", "a cat"]


def test_what_was_removed_is_not_found_until_it_is_restored(history: History) -> None:
    says(history, "one fish", "two fish")
    assert found(history, "fish") == ["one fish", "two fish"]

    change(history, 1, "", removed="host")
    assert found(history, "fish") == ["two fish"]

    change(history, 1, "one fish")
    assert found(history, "fish") == ["one fish", "two fish"]


def test_in_a_room_that_was_cleared_a_search_looks_at_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a second for 50,000 messages that were gone, each time, in which all threads stood."""
    looks: list[int] = []
    monkeypatch.setattr(searching.Hunt, "demand_time", lambda hunt: looks.append(1))
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        says(history, *(f"fish {number}" for number in range(50)))
        gone = [
            (m.taken_back(Remover.HOST, m.seq), Evidence(m, 1))
            for m in everything(history, "lobby")
        ]
        history.enact("lobby", "", None, Effects(removed=gone))
        says(history, "fish again")
        history.clean()

        assert found(history, "fish") == ["fish again"]

    assert len(looks) < 5


def test_in_a_room_that_came_back_a_search_reads_all_of_it_once_and_then_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    edited = search.edited

    def count(*asked: Any) -> list[Message]:
        page = edited(*asked)
        reads.append(len(page))
        return page

    monkeypatch.setattr(search, "edited", count)
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        says(history, *(f"fish {number}" for number in range(50)))
        there = everything(history, "lobby")
        gone = [(m.taken_back(Remover.HOST, m.seq), Evidence(m, 1)) for m in there]
        history.enact("lobby", "", None, Effects(removed=gone))
        assert found(history, "fish") == []
        back = [m._replace(rev=50 + m.seq) for m in there]
        history.enact("lobby", "", None, Effects(restored=back))
        assert len(found(history, "fish", limit=99)) == 50
        assert sum(reads) == 50

        history.clean()
        reads.clear()
        assert len(found(history, "fish", limit=99)) == 50
        change(history, 7, "a whale")

        assert len(found(history, "fish", limit=99)) == 49
        assert found(history, "whale") == ["a whale"]
        assert sum(reads) == 2, "the whale, twice"


@pytest.mark.parametrize("changed", [[], [1], [30], [15, 2, 29], [*range(1, 31)], [7, 7, 8]])
def test_changed_ones_stand_in_their_places(history: History, changed: list[int]) -> None:
    says(history, *(f"fish {n}" for n in range(1, 31)))
    found(history, "fish")
    bodies = [f"fish {n}" for n in range(1, 31)]
    for seq in changed:
        bodies[seq - 1] = f"changed fish {seq}"
        change(history, seq, bodies[seq - 1])

    for before in (31, 30, 16, 8, 2, 1):
        for limit in (1, 2, 5, 100):
            assert found(history, "fish", before, limit) == bodies[: before - 1][-limit:]


def test_where_most_have_changed_all_others_are_found(history: History) -> None:
    """More than are compared at once: pages without any unchanged message come in between."""
    count = 3 * search.COMPARED_AT_ONCE
    says(history, *("fish" for _ in range(count)))
    found(history, "fish")
    for seq in range(search.COMPARED_AT_ONCE // 2, 5 * search.COMPARED_AT_ONCE // 2):
        change(history, seq, "chips" if seq % 2 else "more fish")

    wanted = ["more fish" if m.rev else "fish" for m in history.tail("lobby", count, 1 << 30)
              if "fish" in m.body]  # fmt: skip
    assert found(history, "fish", limit=count) == wanted
    assert found(history, "fish", limit=40) == wanted[-40:]


def test_frequent_and_rare_words_are_found_wherever_they_are(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL looks in two ways: through the newest messages, and for the others."""
    with suppress(ImportError):  # without psycopg, there is nothing to change
        monkeypatch.setattr("chatroom.history.postgresql.search.NEWEST", 20)
    bodies = [f"fish {n} {'rare' if n in (3, 30, 79, 80, 81) else ''}" for n in range(1, 101)]
    says(history, *bodies)

    for before in (101, 90, 81, 30, 4, 2):
        for limit in (1, 3, 100):
            assert found(history, "fish", before, limit) == bodies[: before - 1][-limit:]
            rare = [body for body in bodies[: before - 1] if "rare" in body]
            assert found(history, "rare", before, limit) == rare[-limit:]


# -- how long it may take --------------------------------------------------------------------


def test_a_search_that_takes_too_long_says_so(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(history, "one fish", "two fish")
    found(history, "fish")

    with monkeypatch.context() as patch:
        patch.setattr(searching, "SEARCHING_SECONDS", 0)
        with pytest.raises(SearchTooLong, match="longer than 0 s; search for more words"):
            found(history, "fish")

    assert found(history, "fish") == ["one fish", "two fish"]


def test_the_index_itself_is_asked_for_so_long_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nothing is found that could be compared."""
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        says(history, *("fish" if n % 2 else "chips" for n in range(1000)))
        assert found(history, "chips", limit=1) == ["chips"]
        inode = (tmp_path / "chat.db.search").stat().st_ino
        monkeypatch.setattr(searching, "SEARCHING_SECONDS", 0)
        monkeypatch.setattr(search, "STEPS", 1)

        with pytest.raises(SearchTooLong):
            found(history, "fish chips")

        assert (tmp_path / "chat.db.search").stat().st_ino == inode


def test_a_long_search_delays_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        says(history, "a whale", "a fish")
        begun, goes_on = threading.Event(), threading.Event()

        def matcher_that_waits(words: list[str]) -> Callable[[str], bool]:
            def matches(body: str) -> bool:
                if words == ["whale"]:
                    begun.set()
                    assert goes_on.wait(DEADLINE)
                return True

            return matches

        monkeypatch.setattr(searching, "matcher", matcher_that_waits)
        with ThreadPoolExecutor(1) as pool:
            long_one = pool.submit(found, history, "whale")
            try:
                assert begun.wait(DEADLINE)
                assert found(history, "fish") == ["a fish"]
                assert not long_one.done()
            finally:
                goes_on.set()
            assert long_one.result(DEADLINE) == ["a whale"]


def test_without_fts5_there_is_no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    miss_fts5(monkeypatch)
    with opened("without fts5", tmp_path) as history:
        says(history, *(f"fish {n}" for n in range(PAGE_LENGTH + 10)))

        assert found(history, "fish 1", limit=3000)[0] == "fish 1"
        assert found(history, "fish 0") == ["fish 0"]
        assert not (tmp_path / "chat.db.search").exists()


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
def test_whatever_is_searched_for_is_words(room: SearchedRoom, text: str) -> None:
    room.says("body", "a fish", "fish and chips")

    assert set(room.found(text)) <= {"a fish", "fish and chips", "body"}
    assert room.found("fish") == ["a fish", "fish and chips"]


@pytest.mark.parametrize("text", ["fish*", '"fish"', "fish\0", "(fish)", "^fish", "fish\udfff"])
def test_signs_around_a_word_do_not_count(room: SearchedRoom, text: str) -> None:
    room.says("a fish")

    assert room.found(text) == ["a fish"]


@pytest.mark.parametrize("text", ["", " \t\n", "\0", "\ud800", "?!", "🎉 🎉", "%", "_", "\u0301"])
def test_nothing_is_found_without_a_word(room: SearchedRoom, text: str) -> None:
    room.says("%", "_", "🎉", "?!")

    assert room.found(text) == []


def test_marks_without_end_cost_no_more_than_any_other_text() -> None:
    """Six such messages, and the next search kept every thread waiting for eight seconds."""
    assert is_linear(lambda size: tokens("a" + "\u0301\u0323" * size), 1000)


def test_a_long_text_has_the_words_of_its_lines() -> None:
    lines = ["Cafe\u0301 au lait", "日本語 テキスト", "ﬁn de siècle", "각 각", "x" * 700] * 300

    assert tokens("\n".join(lines)) == " ".join(map(tokens, lines))
    for letter in "é각が":
        decomposed = unicodedata.normalize("NFD", letter)
        assert tokens(decomposed * 999) == tokens(letter * 999)


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


@given(text=TEXTS)
def test_no_text_upsets_the_index(searched: tuple[History, Path], text: str) -> None:
    history, index = searched
    before = index.stat().st_ino

    found(history, text)

    assert index.stat().st_ino == before


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[History, Path]]:
    folder = tmp_path_factory.mktemp("searched")
    with closing(at(folder / "chat.db")) as history:
        history.open()
        says(history, "a fish", "b")
        assert found(history, "fish") == ["a fish"]
        yield history, folder / "chat.db.search"


LETTERS = st.text(
    st.sampled_from(
        "aAáÁäbBß'\"*-_()^:+ .%!ıİłﬁＦ\u00ad\u200d\u0301\0你会议会が\u3099かｶﾞ회의ㅋ"
        "มา้ำราကြမ်ខ្មែລາहिन्दी①σς"
    ),
    max_size=12,
)


@pytest.mark.database
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=st.lists(LETTERS, min_size=1, max_size=5), text=LETTERS)
def test_all_histories_find_the_same(
    histories: list[History], rooms: Iterator[int], bodies: list[str], text: str
) -> None:
    room = f"room {next(rooms)}"
    results: list[list[Message]] = []
    for history in histories:
        says(history, *bodies, room=room)
        results.append(history.search(room, text, sys.maxsize, 10))

    assert results[0] == results[1] == results[2]


@pytest.mark.database
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=LETTERS, data=st.data())
def test_every_part_of_a_message_that_begins_with_a_token_is_found(
    histories: list[History], rooms: Iterator[int], body: str, data: st.DataObject
) -> None:
    parts = tokens(body).split()
    if not parts:
        return
    first = data.draw(st.integers(0, len(parts) - 1))
    text = "-".join(parts[first : data.draw(st.integers(first + 1, len(parts)))])
    room = f"room {next(rooms)}"
    for history in histories:
        says(history, body, room=room)

        assert len(history.search(room, text, sys.maxsize, 10)) == 1


@pytest.fixture
def histories(tmp_path: Path) -> Iterator[list[History]]:
    kinds = ("memory", "sqlite", "postgresql")
    with ExitStack() as stack:
        yield [stack.enter_context(opened(kind, tmp_path)) for kind in kinds]


@pytest.fixture
def rooms() -> Iterator[int]:
    return count()
