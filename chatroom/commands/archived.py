"""A message as an archive has it: with how many people have reacted to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from chatroom.history import History
from chatroom.message import Message, MessageId
from chatroom.wire.message_json import to_message

NOBODY: Mapping[str, int] = MappingProxyType({})


class Archived(NamedTuple):
    """A message, and what people think of it; of whom, an archive does not know."""

    message: Message
    counts: Mapping[str, int] = NOBODY
    """People, by the kind of their reaction."""
    mark: int = 0
    """Of these counts, in a room that goes on: see docs/protocol.md. In an archive, 0."""


class TakenBack(NamedTuple):
    """In place of a message that was removed."""

    id: str


def archived(found: Mapping[str, Any]) -> Archived:
    """The message from the fields that an export, or the API, has of it.

    Raises:
        ValueError: as ``to_message``. What cannot be read of the reactions is left out.
    """
    state = found.get("reactions")
    state = state if isinstance(state, dict) else {}
    counts, mark = state.get("counts"), state.get("mark")
    return Archived(
        to_message(found),
        {
            str(kind): count
            for kind, count in (counts.items() if isinstance(counts, dict) else ())
            if type(count) is int and count > 0
        },
        mark if type(mark) is int else 0,
    )


def all_archived(history: History, room: str, upto: int) -> Iterator[Archived | TakenBack]:
    """The room's messages up to this seq, oldest first; those that were removed, by their ids.

    Raises:
        HistoryUnavailable: it cannot be read now; also between two pages.
    """
    is_reacted_to = history.last_mark(room) > 0
    for page in history.pages(room, 0, upto):
        yield from _of_page(history, page, is_reacted_to=is_reacted_to)


def _of_page(
    history: History, page: list[Message], *, is_reacted_to: bool
) -> Iterator[Archived | TakenBack]:
    found = history.reactions_to(page) if is_reacted_to else {}
    for message in page:
        state = found.get(MessageId(message.seq, message.nonce))
        if message.removed:
            yield TakenBack(message.id)
        else:
            yield Archived(message, state.counts if state else NOBODY)
