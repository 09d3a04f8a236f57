"""Messages and acts as the functions in the database take them, and rows as messages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from chatroom.history.host_log import FREQUENT, KEEP_MS, MOST_ENTRIES, LogEntry
from chatroom.history.postgresql.exact import ESCAPE, from_stored, to_stored
from chatroom.history.shared import SaidThere, Saying, Verdict
from chatroom.message import Evidence, Held, Message

# In the order in which Message has them.
COLUMNS = (
    "seq, nonce, user_name, body, stamp, sent_at, user_id, cmid, made_by, reply_to, "
    "edited_at, rev, removed, file"
)

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

Row = tuple[Any, ...]


class Head(NamedTuple):
    """What a batch has of one room."""

    place: int
    """The room's, among those of the batch; from 1."""
    first: int
    messages: list[Message]

    @property
    def last(self) -> Message:
        """The newest."""
        return self.messages[-1]


def heads_of(messages: Iterable[Message]) -> dict[str, Head]:
    """The rooms of the messages.

    Raises:
        ValueError: the messages of a room are not one after the other; it says which.
    """
    heads: dict[str, Head] = {}
    for message in messages:
        head = heads.get(message.room)
        if head is None:
            heads[message.room] = Head(len(heads) + 1, message.seq, [message])
            continue
        if message.seq != head.last.seq + 1:
            ours = f"message {message.seq} of room {message.room!r}"
            raise ValueError(f"{ours} isn't the one after {head.last.seq}")
        head.messages.append(message)
    return heads


def has_twins(messages: Iterable[Message]) -> bool:
    """Whether two have the same room, user and cmid."""
    cmids = [(one.room, one.user_id, one.cmid) for one in messages if one.cmid]
    return len(set(cmids)) < len(cmids)


def heads_json(heads: Mapping[str, Head], charters: Mapping[str, str]) -> str:
    """For ``append``."""
    rows = []
    for room, head in heads.items():
        row: dict[str, Any] = {
            "place": head.place,
            "name": to_stored(room),
            "first": head.first,
            "last": head.last.seq,
            "nonce": to_stored(head.last.nonce),
            "sent_at": head.last.sent_at,
        }
        if room in charters:
            row["charter"] = to_stored(charters[room])
        rows.append(row)
    return _encode(rows)


def batch_json(heads: Iterable[Head]) -> str:
    """For ``append`` and ``settle``."""
    return _encode([_said(head.place, one) for head in heads for one in head.messages])


def _said(place: int, message: Message) -> dict[str, Any]:
    row: dict[str, Any] = {
        "place": place,
        "seq": message.seq,
        "nonce": to_stored(message.nonce),
        "sent_at": message.sent_at,
        "user_name": to_stored(message.user_name),
        "body": to_stored(message.body),
        "stamp": to_stored(message.timestamp),
    }
    if message.user_id:
        row["user_id"] = to_stored(message.user_id)
    if message.cmid:
        row["cmid"] = to_stored(message.cmid)
    if message.by:
        row["made_by"] = to_stored(message.by)
    if message.reply_to:
        row["reply_to"] = to_stored(message.reply_to)
    if message.file:
        row["file"] = to_stored(message.file)
    if message.edited_at:
        row["edited_at"] = message.edited_at
    return row


def sayings_json(sayings: Sequence[Saying]) -> str:
    """For ``say``."""
    return _encode([_saying(place, one) for place, one in enumerate(sayings)])


def _saying(place: int, saying: Saying) -> dict[str, Any]:
    known = saying.known
    row: dict[str, Any] = {
        "place": place,
        "name": to_stored(saying.room),
        "known_seq": known.last.seq,
        "known_nonce": to_stored(known.last.nonce),
        "known_decided": known.decided,
        "drafts": [_draft(item, draft) for item, draft in enumerate(saying.drafts)],
    }
    if saying.charter is not None:
        row["charter"] = to_stored(saying.charter)
    if saying.is_exact:
        row["is_exact"] = True
    if any(draft.cmid for draft in saying.drafts):
        row["has_cmids"] = True
    return row


def _draft(item: int, draft: Message) -> dict[str, Any]:
    row: dict[str, Any] = {
        "item": item,
        "nonce": draft.nonce,
        "user_name": to_stored(draft.user_name),
        "body": to_stored(draft.body),
        "stamp": to_stored(draft.timestamp),
        "user_id": to_stored(draft.user_id),
        "cmid": to_stored(draft.cmid),
        "made_by": draft.by,
    }
    if draft.reply_to:
        row["reply_to"] = to_stored(draft.reply_to)
    return row


def said_there(sayings: Sequence[Saying], answer: Iterable[Row]) -> list[SaidThere]:
    """What ``say`` has answered, for each."""
    said = [SaidThere(Verdict.STORED, [], {}, {}) for _ in sayings]
    for kind, place, item, *row in answer:
        saying, there = sayings[place], said[place]
        if kind == "missed":
            there.missed.append(message_of(saying.room, tuple(row)))
        elif kind == "known":
            there.recognised[item] = message_of(saying.room, tuple(row))
        elif kind == "again":
            there.placed[item] = message_of(saying.room, tuple(row))
        elif kind == "stored":
            first, sent_at = row[0], row[5]
            fresh = (item for item in range(len(saying.drafts)) if item not in there.recognised)
            for seq, item in enumerate(fresh, first):
                draft = saying.drafts[item]
                there.placed[item] = draft._replace(seq=seq, sent_at=sent_at)
        else:
            said[place] = there._replace(verdict=Verdict(kind))
    return said


def changes_json(changes: Sequence[tuple[Message, Evidence | None]]) -> str:
    """For ``enact``."""
    return _encode([_change(message, before) for message, before in changes])


def _change(message: Message, before: Evidence | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "seq": message.seq,
        "nonce": to_stored(message.nonce),
        "user_name": to_stored(message.user_name),
        "body": to_stored(message.body),
        "stamp": to_stored(message.timestamp),
        "edited_at": message.edited_at,
        "rev": message.rev,
        "removed": message.removed,
    }
    if before:
        was = before.message
        row |= {
            "was_user_name": to_stored(was.user_name),
            "was_body": to_stored(was.body),
            "was_stamp": to_stored(was.timestamp),
            "was_edited_at": was.edited_at,
            "removed_at": before.removed_at,
        }
    return row


def entry_json(entry: LogEntry | None) -> str:
    """For whatever notes it."""
    if entry is None:
        return "null"
    kept = {"keep_since": entry.at - KEEP_MS, "most": MOST_ENTRIES, "frequent": FREQUENT}
    return _encode({**entry_row(entry), **kept})


def entry_row(entry: LogEntry) -> dict[str, str | int]:
    """With the columns of ``host_log``."""
    return {key: _stored_value(value) for key, value in entry._asdict().items()}


def held_json(held: Held) -> str:
    """For ``hold``."""
    return _encode(held_row(held))


def held_row(held: Held) -> dict[str, str | int]:
    """With the columns of ``held``."""
    row = {key: _stored_value(value) for key, value in held._asdict().items() if key != "room"}
    row["stamp"] = row.pop("timestamp")
    return row


def words_json(words: Iterable[tuple[int, int, str]]) -> str:
    """For ``note_words``: of each message its seq, its rev and its words."""
    return _encode([{"seq": seq, "rev": rev, "words": terms} for seq, rev, terms in words])


def seqs_json(seqs: Sequence[int]) -> str:
    """For ``enact``."""
    return _encode(list(seqs))


def message_of(room: str, row: Row) -> Message:
    """The message that a row of ``COLUMNS`` has."""
    return Message(room, *exact(row))


def exact(row: Row) -> Row:
    """The row with its texts as they were."""
    for value in row:
        if type(value) is str and ESCAPE in value:
            break
    else:
        return row
    return tuple(from_stored(value) if type(value) is str else value for value in row)


def _stored_value(value: str | int) -> str | int:
    return to_stored(value) if isinstance(value, str) else value
