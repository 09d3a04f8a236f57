"""Who has reacted to what. What goes with a message goes by the triggers of ``schema.py``."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from chatroom.history.sqlite.readers import Readers
from chatroom.history.sqlite.reads import MAX_SEQ, WITHIN, storable
from chatroom.history.sqlite.rewrite import LOG, PAGES, note_chores
from chatroom.message import MessageId
from chatroom.reactions import KINDS, MOST_NAMED, MOST_TOLD, Click, Person, Place, Reacted, Span

IS_THERE = "SELECT 1 FROM messages WHERE key = ? AND nonce = ? AND removed = ''"

REACT = "INSERT OR IGNORE INTO reactions (key, kind, user_id, user_name) VALUES (?, ?, ?, ?)"

TAKE_BACK = "DELETE FROM reactions WHERE key = ? AND kind = ? AND user_id = ?"

# A new mark: the message's row goes to the end.
MARK = "INSERT OR REPLACE INTO reacted (key, nonce) VALUES (?, ?)"

# Of few changes, or of few messages: the other condition is not to lead to an index (the plus).
NEWEST = f"SELECT {{columns}} FROM reacted WHERE {{condition}} LIMIT {MOST_TOLD}"
CHANGED = f"""
    mark > :mark AND {WITHIN.replace("key >", "+key >").replace("key <", "+key <")}
    ORDER BY +key DESC"""
IN_ORDER = CHANGED.replace("ORDER BY +key DESC", "ORDER BY mark")
OF_MESSAGES = f"+mark > :mark AND {WITHIN} ORDER BY key DESC"

# Of all these messages at once: a question for each would be thousands of them.
COUNTS = f"""
    SELECT key, kind, count(*) FROM reactions
    WHERE key IN ({NEWEST.format(columns="key", condition="{}")}) GROUP BY key, kind"""

# All kinds are named, so that SQLite looks nowhere but at what this person can have.
MINE = f"""
    SELECT key, kind FROM reactions
    WHERE key IN ({NEWEST.format(columns="key", condition="{}")})
    AND kind IN ({", ".join(f"'{kind}'" for kind in KINDS)}) AND user_id = :user_id"""

PEOPLE = "SELECT user_id, user_name FROM reactions WHERE key = ? AND kind = ? LIMIT ?"

LAST_MARK = f"SELECT ifnull(max(mark), 0) FROM reacted WHERE {WITHIN}"

OF_PERSON = f"""
    SELECT key, nonce, kind FROM reactions JOIN reacted USING (key)
    WHERE user_id = :user_id AND {WITHIN} ORDER BY key"""

# A name that is known comes before none.
WHO = f"SELECT user_id, max(user_name) FROM reactions WHERE {WITHIN} GROUP BY user_id"

EVERYTHING = {"after": 0, "upto": MAX_SEQ}


def react(writer: sqlite3.Connection, base: int, click: Click) -> bool:
    """In the open transaction; False if its message is not there.

    Args:
        base: the prefix of the room's keys.
    """
    key, who = base | storable(click.id.seq), click.who  # more would be another room's
    if not writer.execute(IS_THERE, (key, click.id.nonce)).fetchall():
        return False
    if click.on:
        done = writer.execute(REACT, (key, click.kind, *who))
    else:
        done = writer.execute(TAKE_BACK, (key, click.kind, who.user_id))
    if done.rowcount:
        writer.execute(MARK, (key, click.id.nonce))
    return True


def forget(writer: sqlite3.Connection, room: str, user_id: str) -> int:
    """In the open transaction; how many."""
    values = {"room": room, "user_id": user_id, **EVERYTHING}
    theirs = writer.execute(OF_PERSON, values).fetchall()
    for key, nonce, kind in theirs:
        writer.execute(TAKE_BACK, (key, kind, user_id))
        writer.execute(MARK, (key, nonce))
    if theirs:  # what they were called
        note_chores(writer, (LOG, PAGES))
    return len(theirs)


def reacted(readers: Readers, room: str, span: Span, people: int, user_id: str) -> list[Reacted]:
    """As in the interface."""
    upto = MAX_SEQ if span.last is None else storable(span.last)
    bounds = {"room": room, "after": storable(span.first - 1), "upto": upto}
    values = {"mark": storable(span.after), "user_id": user_id, **bounds}
    return _states(readers, CHANGED if span.after else OF_MESSAGES, values, people)[::-1]


def in_order(readers: Readers, room: str, place: Place, last: int, people: int) -> list[Reacted]:
    """As in the interface. Each mark is of one message."""
    mark = storable(place.mark if place.seq else place.mark - 1)
    values = {"mark": mark, "user_id": "", "room": room, "after": 0, "upto": storable(last)}
    return _states(readers, IN_ORDER, values, people)


def _states(
    readers: Readers, condition: str, values: Mapping[str, object], people: int
) -> list[Reacted]:
    """In the order of the condition."""
    user_id = values["user_id"]
    query = NEWEST.format(columns="key, nonce, mark", condition=condition)
    with readers.reader() as reader:
        reader.execute("BEGIN")  # one snapshot: a mark goes with its counts
        try:
            found = reader.execute(query, values).fetchall()
            counts = _counts(reader.execute(COUNTS.format(condition), values))
            mine: set[tuple[int, str]] | None = None
            if user_id:
                mine = set(reader.execute(MINE.format(condition), values).fetchall())
            named = _named(reader, counts, people)
        finally:
            reader.execute("COMMIT")
    return [
        Reacted(
            MessageId(key & MAX_SEQ, nonce),
            mark,
            counts.get(key, {}),
            named.get(key, {}),
            None if mine is None else [it for it in KINDS if (key, it) in mine],
        )
        for key, nonce, mark in found
    ]


def _counts(rows: Iterable[tuple[int, str, int]]) -> dict[int, dict[str, int]]:
    """By key, in the order of keys; by kind, in the order of ``KINDS``."""
    found: dict[int, dict[str, int]] = {}
    for key, kind, count in rows:
        found.setdefault(key, {})[kind] = count
    return {
        key: {kind: count_of[kind] for kind in KINDS if kind in count_of}
        for key, count_of in sorted(found.items())
    }


def _named(
    reader: sqlite3.Connection, counts: dict[int, dict[str, int]], people: int
) -> dict[int, dict[str, list[Person]]]:
    """The newest messages first, as long as somebody may be named: see ``MOST_NAMED``."""
    named: dict[int, dict[str, list[Person]]] = {}
    left = MOST_NAMED
    for key in reversed(counts) if people else ():
        left -= sum(min(people, count) for count in counts[key].values())
        if left < 0:
            break
        named[key] = {
            kind: [Person(*row) for row in reader.execute(PEOPLE, (key, kind, people))]
            for kind in counts[key]
        }
    return named


def last_mark(readers: Readers, room: str) -> int:
    """As in the interface."""
    with readers.reader() as reader:
        found = reader.execute(LAST_MARK, {"room": room, **EVERYTHING}).fetchall()
    return int(found[0][0])


def who(readers: Readers, room: str) -> list[Person]:
    """As in the interface."""
    with readers.reader() as reader:
        rows = reader.execute(WHO, {"room": room, **EVERYTHING}).fetchall()
    return [Person(*row) for row in rows]


def of_person(readers: Readers, room: str, user_id: str) -> list[tuple[MessageId, str]]:
    """As in the interface."""
    values = {"room": room, "user_id": user_id, **EVERYTHING}
    with readers.reader() as reader:
        rows = reader.execute(OF_PERSON, values).fetchall()
    return [(MessageId(key & MAX_SEQ, nonce), kind) for key, nonce, kind in rows]
