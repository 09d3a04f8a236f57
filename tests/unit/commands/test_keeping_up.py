"""What tail --json asks for, so that no change of people's reactions is missed."""

from __future__ import annotations

from typing import Any

from chatroom.client.events import Event, ReactionCounts
from chatroom.commands.keeping_up import KeepingUp
from chatroom.message import Message

MESSAGE = Message("lobby", 7, f"{7:016x}", "Ann", "hi", "", 0, "ann-id")


class Asked:
    """In place of a ChatClient."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, str | None]] = []

    def ask_reactions(self, since: int, first: str | None) -> None:
        self.asked.append((since, first))


def welcome(mark: int | None, **more: Any) -> Event:
    fields = {"type": "welcome", **more} | ({} if mark is None else {"reactions": mark})
    return Event("welcome", fields)


def told(mark: int, *, mine: bool = False) -> ReactionCounts:
    state: dict[str, Any] = {"id": MESSAGE.id, "mark": mark, "counts": {"like": 1}}
    state |= {"mine": []} if mine else {}
    return ReactionCounts("reactions", {"type": "reactions", "mark": mark, "messages": [state]})


def keeping(*items: Message | Event) -> tuple[KeepingUp, list[tuple[int, str | None]]]:
    chat: Any = Asked()
    kept = KeepingUp(chat)
    for item in items:
        kept.take(item)
    return kept, chat.asked


def test_what_is_there_already_is_asked_for_once_the_past_is_complete() -> None:
    kept, asked = keeping(welcome(5), MESSAGE, MESSAGE._replace(seq=8))
    assert (kept.has_any, asked) == (True, [])

    kept.catch_up()

    assert asked == [(0, MESSAGE.id)]
    assert kept.is_waiting
    kept.take(told(6))
    assert kept.is_waiting, "somebody has just clicked"
    kept.take(told(6, mine=True))
    assert not kept.is_waiting


def test_nothing_is_asked_where_nobody_has_reacted_or_nothing_is_shown() -> None:
    for items in ([welcome(None), MESSAGE], [welcome(5)]):
        kept, asked = keeping(*items)
        kept.catch_up()
        assert (asked, kept.is_waiting) == ([], False)


def test_whoever_comes_back_asks_for_what_has_changed_since() -> None:
    kept, asked = keeping(welcome(5))
    kept.know()
    for item in (told(6), told(8), welcome(9, recovered=True), told(10)):
        kept.take(item)
    kept.catch_up()
    assert asked == [(8, None)]
    kept.take(welcome(12, recovered=True))  # without an answer
    kept.catch_up()
    assert asked[1:] == [(8, None)]
    kept.take(told(12, mine=True))
    kept.take(welcome(12, recovered=True))
    kept.catch_up()
    assert len(asked) == 2


def test_whoever_comes_back_to_a_gap_begins_anew() -> None:
    kept, asked = keeping(welcome(5))
    kept.know()
    for item in (welcome(5, recovered=False), MESSAGE):
        kept.take(item)
    kept.catch_up()
    assert asked == [(0, MESSAGE.id)]


def test_the_first_reaction_of_all_is_noticed_while_the_past_is_read() -> None:
    kept, _ = keeping(welcome(None), told(1))
    assert kept.has_any
