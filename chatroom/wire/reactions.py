"""Reactions on the wire: what a client asks for, and states of messages as JSON has them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from chatroom.message import MessageId
from chatroom.reactions import Reacted


class React(NamedTuple):
    """The user reacts to a message, or takes that back."""

    cmid: str
    """The client's own id for the request: the answer bears it."""
    id: MessageId
    kind: str
    """One of ``reactions.KINDS``."""
    on: bool


class AskReactions(NamedTuple):
    """The user wants to know the reactions that there are."""

    since: int
    """Only of messages whose reactions have changed after this mark."""
    first: int
    """Only of messages from this seq on."""
    people: bool
    """Some of those who have reacted are to be named."""


def reacted_fields(reacted: Reacted) -> dict[str, Any]:
    """The reactions to a message, without its id; empty lists are left out."""
    fields: dict[str, Any] = {"mark": reacted.mark, "counts": dict(reacted.counts)}
    if reacted.people:
        # Without those whose name nobody knew: they have reacted over HTTP, and count.
        fields["people"] = {
            kind: [
                {"userId": who.user_id, "userName": who.user_name}
                for who in people
                if who.user_name
            ]
            for kind, people in reacted.people.items()
        }
    if reacted.mine is not None:
        fields["mine"] = list(reacted.mine)
    return fields


def messages_fields(states: Iterable[Reacted]) -> list[dict[str, Any]]:
    """Likewise of several messages, with their ids."""
    return [{"id": str(reacted.id), **reacted_fields(reacted)} for reacted in states]


def with_reactions(message: str, reacted: Reacted | None) -> str:
    """A message as JSON, with what people think of it, if they do."""
    return with_counts(message, reacted.counts, reacted.mark) if reacted else message


def with_counts(message: str, counts: Mapping[str, int], mark: int = 0) -> str:
    """A message as JSON, with how many people have reacted to it, by kind; without, if nobody has.

    Args:
        mark: of these counts; 0 where it says nothing to anybody, as in an archive.
    """
    if not counts:
        return message
    fields = {"mark": mark, "counts": dict(counts)} if mark else {"counts": dict(counts)}
    return f'{message[:-1]},"reactions":{_encode(fields)}}}'


def reactions_json(states: Iterable[Reacted]) -> str:
    """The reactions to these messages, as an event of a stream has them."""
    return _encode({"messages": messages_fields(states)})


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
