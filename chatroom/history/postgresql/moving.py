"""A history that moves in from elsewhere, with ids, tokens and all that was decided."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from chatroom.errors import HistoryRefused
from chatroom.files.stored import StoredFile, id_in
from chatroom.history.deleted import KEPT_AS
from chatroom.history.interface import History
from chatroom.history.postgresql.check import examine, linked
from chatroom.history.postgresql.exact import to_stored
from chatroom.history.postgresql.failures import Failures
from chatroom.history.postgresql.files import file_row
from chatroom.history.postgresql.links import DatabaseLink
from chatroom.history.postgresql.rows import COLUMNS, entry_row, held_row
from chatroom.history.postgresql.schema import bring_up_to_date
from chatroom.history.postgresql.writer import claim, release
from chatroom.message import Evidence, Message, RoomSummary
from chatroom.reactions import MOST_TOLD, Reacted, Span

EVIDENCE_AT_ONCE = 500

EVERYBODY = 1 << 31

BEGIN = "UPDATE version SET is_moving = true"

TABLES = (
    *(
        "rooms",
        "messages",
        "evidence",
        "charters",
        "host_log",
        "held",
        "found",
        "searched",
        "secrets",
        "files",
        "reactions",
        "reacted",
    ),
)

EMPTY = f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY"

IS_USED = "SELECT EXISTS (SELECT FROM rooms)"

ROOM = """
    INSERT INTO rooms (name, first, seq, nonce, sent_at, rev, mark)
    VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING number"""

MESSAGES = f"""
    INSERT INTO messages (room, {COLUMNS})
    SELECT %s::int, {COLUMNS} FROM json_populate_recordset(NULL::messages, %s::json)"""

REACTED = """
    INSERT INTO reacted (room, seq, nonce, mark)
    SELECT %s::int, seq, nonce, mark FROM json_populate_recordset(NULL::reacted, %s::json)"""

REACTIONS = """
    INSERT INTO reactions (room, seq, kind, user_id, user_name)
    SELECT %s::int, seq, kind, user_id, user_name
    FROM json_populate_recordset(NULL::reactions, %s::json)"""

EVIDENCE = """
    INSERT INTO evidence (room, seq, edited_at, removed_at, user_name, body, stamp, file)
    SELECT %s::int, seq, edited_at, removed_at, user_name, body, stamp, coalesce(file, '')
    FROM json_populate_recordset(NULL::evidence, %s::json)"""

CHARTER = "INSERT INTO charters VALUES (%s::int, %s)"

LOG = """
    INSERT INTO host_log (room, at, act, by_id, by_name, whom_id, whom_name, what)
    SELECT %s::int, at, act, by_id, by_name, whom_id, whom_name, what
    FROM json_populate_recordset(NULL::host_log, %s::json)"""

HELD = """
    INSERT INTO held (room, id, held_at, user_name, body, stamp, user_id, cmid, reply_to, file)
    SELECT %s::int, id, held_at, user_name, body, stamp, user_id, cmid, reply_to, file
    FROM json_populate_recordset(NULL::held, %s::json)"""

FILES = "INSERT INTO files SELECT * FROM json_populate_recordset(NULL::files, %s::json)"

UNCLAIMED = {"act": "", "held": "", "number": 0, "seq": 0, "nonce": ""}

SECRET = "INSERT INTO secrets VALUES (%s, %s)"

END = "UPDATE version SET is_moving = false"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def move_in(
    url: str, source: History, note: Callable[[int], None], copy: Callable[[StoredFile], None]
) -> tuple[int, int]:
    """As ``chatroom.history.move_in``: step by step. Until the last one, everybody else refuses the
    database, and another call begins anew."""
    failures = Failures(url)
    with linked(url, failures) as link:
        claim(link, failures, is_alone=True)
        state = examine(link, failures, "full", is_moving=True)
        bring_up_to_date(link, failures)
        ((is_used,),) = link.call(IS_USED)
        if is_used and not state.is_moving:
            raise HistoryRefused(failures.name, "has rooms already", "use an empty database")
        link.call("SET synchronous_commit = on", prepare=False)
        link.call(BEGIN)
        link.call(EMPTY)
        known = {summary.name: summary for summary in source.rooms()}
        charters = source.charters()
        count = 0
        for name in sorted({"", *known, *source.decided()}):
            summary = known.get(name, RoomSummary(name, 0, 0, "0", 0))
            count += _move_room(link, source, summary, charters.get(name, ""), note, copy)
        link.call(SECRET, ["tokens", source.secret()])
        for mark, value in source.deleted().items():
            link.call(SECRET, [KEPT_AS + mark, value])
        link.call(END)
        release(link)
        return len(known), count


def _move_room(
    link: DatabaseLink,
    source: History,
    room: RoomSummary,
    charter: str,
    note: Callable[[int], None],
    copy: Callable[[StoredFile], None],
) -> int:
    """How many messages it has."""
    head = room.first, room.seq, to_stored(room.nonce), room.sent_at
    counted = source.rev(room.name), source.last_mark(room.name)
    ((number,),) = link.call(ROOM, [to_stored(room.name), *head, *counted])
    count = 0
    for page in source.pages(room.name, 0, room.seq):
        _move_files(link, source, copy, [(_said(number, one), one.file) for one in page])
        link.call(MESSAGES, [number, _encode([_row(message) for message in page])])
        _move_reactions(link, source, number, page)
        note(len(page))
        count += len(page)
    for some in _evidence(source, room):
        kept = [one.message for one in some]
        _move_files(link, source, copy, [(_said(number, one), one.file) for one in kept])
        link.call(EVIDENCE, [number, _encode([_evidence_row(one) for one in some])])
    if charter:
        link.call(CHARTER, [number, to_stored(charter)])
    oldest_first = source.host_log(room.name)[::-1]
    link.call(LOG, [number, _encode([entry_row(entry) for entry in oldest_first])])
    waiting = source.held(room.name)
    _move_files(link, source, copy, [({"held": to_stored(one.id)}, one.file) for one in waiting])
    link.call(HELD, [number, _encode([held_row(held) for held in waiting])])
    return count


def _said(number: int, message: Message) -> dict[str, Any]:
    """Where a message is, with the columns of ``files``."""
    return {"number": number, "seq": message.seq, "nonce": to_stored(message.nonce)}


def _move_files(
    link: DatabaseLink,
    source: History,
    copy: Callable[[StoredFile], None],
    carried: Iterable[tuple[dict[str, Any], str]],
) -> None:
    """Files, their bytes first.

    Args:
        carried: what has each file, with the columns of ``files``; and what it says of it, or "".
    """
    rows = []
    for whose, text in carried:
        file = source.file(id_in(text)) if text else None
        if file:
            copy(file)
            rows.append(file_row(file) | UNCLAIMED | whose)
    if rows:
        link.call(FILES, [_encode(rows)])


def _move_reactions(
    link: DatabaseLink, source: History, number: int, page: Sequence[Message]
) -> None:
    """Those to the messages of a page, with their marks: clients know these."""
    for first in range(page[0].seq, page[-1].seq + 1, MOST_TOLD):
        span = Span(first=first, last=min(first + MOST_TOLD - 1, page[-1].seq))
        states = source.reacted(page[0].room, span, people=EVERYBODY)
        if not states:
            continue
        link.call(REACTED, [number, _encode([_reacted_row(state) for state in states])])
        for state in states:  # each by itself: a hall may have reacted to it
            link.call(REACTIONS, [number, _encode(list(_reaction_rows(state)))])


def _reacted_row(state: Reacted) -> dict[str, Any]:
    return {"seq": state.id.seq, "nonce": to_stored(state.id.nonce), "mark": state.mark}


def _reaction_rows(state: Reacted) -> Iterator[dict[str, Any]]:
    for kind, people in state.people.items():
        for who in people:
            whose = {"user_id": to_stored(who.user_id), "user_name": to_stored(who.user_name)}
            yield {"seq": state.id.seq, "kind": kind} | whose


def _evidence(source: History, room: RoomSummary) -> Iterator[list[Evidence]]:
    upto = room.seq
    while seqs := source.kept_evidence(room.name, upto, EVIDENCE_AT_ONCE):
        found = (source.evidence(room.name, seq) for seq in seqs)
        yield [one for one in found if one]
        upto = seqs[-1] - 1


def _row(message: Message) -> dict[str, Any]:
    """With the columns of ``messages``: in their order, but for the room, those of a Message."""
    _room, *values = message
    stored = (to_stored(value) if isinstance(value, str) else value for value in values)
    return dict(zip(COLUMNS.split(", "), stored, strict=True))


def _evidence_row(evidence: Evidence) -> dict[str, Any]:
    was = evidence.message
    return {
        "seq": was.seq,
        "edited_at": was.edited_at,
        "removed_at": evidence.removed_at,
        "user_name": to_stored(was.user_name),
        "body": to_stored(was.body),
        "stamp": to_stored(was.timestamp),
        "file": to_stored(was.file),
    }
