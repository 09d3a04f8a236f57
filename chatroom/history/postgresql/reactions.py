"""Who has reacted to what. What goes with a message goes by what ``reacting.sql`` says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from chatroom.history.postgresql.exact import to_stored
from chatroom.history.postgresql.reads import MAX_SEQ, ROOM, Source, storable
from chatroom.history.postgresql.rows import exact
from chatroom.message import MessageId
from chatroom.reactions import KINDS, MOST_TOLD, Click, Person, Place, Reacted, Span

REACT = "SELECT react(%s, %s)"

FORGET = "SELECT forget_reactions(%s, %s, %s)"

# Of few changes, or of few messages: the other condition is not to lead to an index (the zero).
CHANGED = f"""
    SELECT room, seq, nonce, mark FROM reacted
    WHERE room = {ROOM} AND mark > %(mark)s AND seq + 0 >= %(first)s AND seq + 0 <= %(last)s
    ORDER BY seq + 0 DESC LIMIT {MOST_TOLD}"""

OF_MESSAGES = f"""
    SELECT room, seq, nonce, mark FROM reacted
    WHERE room = {ROOM} AND mark + 0 > %(mark)s AND seq >= %(first)s AND seq <= %(last)s
    ORDER BY seq DESC LIMIT {MOST_TOLD}"""

# Many have one mark, where a person's were forgotten.
IN_ORDER = f"""
    SELECT room, seq, nonce, mark FROM reacted
    WHERE room = {ROOM} AND mark >= %(mark)s AND (mark > %(mark)s OR seq > %(seq)s)
    AND seq + 0 <= %(last)s ORDER BY mark, seq LIMIT {MOST_TOLD}"""

ITS = "any_one.room = told.room AND any_one.seq = told.seq"

# One statement, and so of one moment: a mark goes with its counts.
STATES = f"""
    WITH told AS MATERIALIZED ({{}})
    SELECT told.seq, nonce, mark, its.kind, its.number, who.user_id, who.user_name, EXISTS (
        SELECT FROM reactions AS any_one
        WHERE {ITS} AND any_one.kind = its.kind AND any_one.user_id = %(user_id)s
    )
    FROM told LEFT JOIN LATERAL (
        SELECT kind, count(*) AS number FROM reactions AS any_one WHERE {ITS} GROUP BY kind
    ) AS its ON true
    LEFT JOIN LATERAL (
        SELECT user_id, user_name FROM reactions AS any_one
        WHERE {ITS} AND any_one.kind = its.kind ORDER BY user_id LIMIT %(people)s
    ) AS who ON true
    ORDER BY told.seq, its.kind, who.user_id"""

STATES_CHANGED, STATES_OF_MESSAGES = STATES.format(CHANGED), STATES.format(OF_MESSAGES)

STATES_IN_ORDER = STATES.format(IN_ORDER)

LAST_MARK = f"SELECT coalesce(max(mark), 0) FROM reacted WHERE room = {ROOM}"

# A name that is known comes before none.
WHO = f"SELECT user_id, max(user_name) FROM reactions WHERE room = {ROOM} GROUP BY user_id"

OF_PERSON = f"""
    SELECT seq, nonce, kind FROM reactions JOIN reacted USING (room, seq)
    WHERE user_id = %(user_id)s AND room = {ROOM} ORDER BY seq, kind"""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def clicks_json(clicks: Sequence[Click]) -> str:
    """For ``react``."""
    return _encode(
        [
            {
                "item": item,
                "name": to_stored(click.room),
                "seq": storable(click.id.seq),
                "nonce": to_stored(click.id.nonce),
                "kind": to_stored(click.kind),
                "user_id": to_stored(click.who.user_id),
                "user_name": to_stored(click.who.user_name),
                "is_on": click.on,
            }
            for item, click in enumerate(clicks)
        ]
    )


def reacted(source: Source, room: str, span: Span, people: int, user_id: str = "") -> list[Reacted]:
    """As in the interface."""
    values = {
        "room": to_stored(room),
        "mark": storable(span.after),
        "first": storable(span.first),
        "last": MAX_SEQ if span.last is None else storable(span.last),
        "people": storable(people),
        "user_id": to_stored(user_id),
    }
    query = STATES_CHANGED if span.after else STATES_OF_MESSAGES
    return _states(source.rows(query, values), user_id)


def in_order(source: Source, room: str, place: Place, last: int, people: int) -> list[Reacted]:
    """As in the interface."""
    values = {
        "room": to_stored(room),
        "mark": storable(place.mark),
        "seq": storable(place.seq),
        "last": storable(last),
        "people": storable(people),
        "user_id": "",
    }
    states = _states(source.rows(STATES_IN_ORDER, values))
    return sorted(states, key=lambda state: (state.mark, state.id.seq))


def _states(rows: Iterable[tuple[Any, ...]], user_id: str = "") -> list[Reacted]:
    """Of messages, by seq.

    Args:
        rows: of ``STATES``.
        user_id: whoever asks.
    """
    by_message = groupby(map(exact, rows), lambda row: row[:3])
    return [
        _state(MessageId(seq, nonce), mark, its, user_id) for (seq, nonce, mark), its in by_message
    ]


def _state(id: MessageId, mark: int, rows: Iterable[tuple[Any, ...]], user_id: str) -> Reacted:
    """Of one message.

    Args:
        rows: of each kind, one for each person who is named, and at least one.
    """
    count_of: dict[str, int] = {}
    named: dict[str, list[Person]] = {}
    own: set[str] = set()
    for *_, kind, number, who, name, is_own in rows:
        if kind is None:  # all were taken back
            continue
        count_of[kind] = number
        if who is not None:
            named.setdefault(kind, []).append(Person(who, name))
        if is_own:
            own.add(kind)
    kinds = [kind for kind in KINDS if kind in count_of]
    return Reacted(
        id,
        mark,
        {kind: count_of[kind] for kind in kinds},
        {kind: named[kind] for kind in kinds if kind in named},
        [kind for kind in kinds if kind in own] if user_id else None,
    )


def last_mark(source: Source, room: str) -> int:
    """As in the interface."""
    ((mark,),) = source.rows(LAST_MARK, {"room": to_stored(room)})
    return int(mark)


def who(source: Source, room: str) -> list[Person]:
    """As in the interface."""
    return [Person(*exact(row)) for row in source.rows(WHO, {"room": to_stored(room)})]


def of_person(source: Source, room: str, user_id: str) -> list[tuple[MessageId, str]]:
    """As in the interface."""
    values = {"room": to_stored(room), "user_id": to_stored(user_id)}
    rows = map(exact, source.rows(OF_PERSON, values))
    return [(MessageId(seq, nonce), kind) for seq, nonce, kind in rows]
