"""Which files there are, whose they are, and what has them."""

from __future__ import annotations

import json
from typing import Any

from chatroom.files.stored import Claim, StoredFile
from chatroom.history.postgresql.exact import to_stored
from chatroom.history.postgresql.reads import Source, storable
from chatroom.history.postgresql.rows import exact

FIELDS = "id, room, name, type, size, width, height, user_id, uploaded_at, is_whole"

ADD = "SELECT add_file(%s, %s, %s)"

COMPLETE = "SELECT complete_file(%s, %s, %s)"

DISOWN = "SELECT disown_files(%s, %s, %s)"

DROP = "SELECT drop_files(%s, %s)"

MARK = "SELECT mark_files(%s, %s)"

IS_HELD = """
    SELECT FROM rooms JOIN held ON held.room = rooms.number
    WHERE rooms.name = files.room AND held.id = files.held"""

ITS_MESSAGE = """
    messages.room = files.number AND messages.seq = files.seq AND messages.nonce = files.nonce"""

KNOWN = f"""
    SELECT {FIELDS}, CASE
        WHEN seq <> 0 AND EXISTS (SELECT FROM messages WHERE {ITS_MESSAGE} AND removed = '')
            THEN 'said'
        WHEN seq = 0 AND held <> '' AND EXISTS ({IS_HELD}) THEN 'held'
        WHEN seq <> 0 OR held <> '' THEN 'gone'
        ELSE 'nobody' END
    FROM files"""

FILE = f"{KNOWN} WHERE id = %(id)s"

OF_PERSON = f"{KNOWN} WHERE user_id = %(user_id)s ORDER BY uploaded_at, id"

# By what there is, and not by what happened to it: so no way to remove a message can be forgotten.
LOST = f"""
    SELECT id FROM files
    WHERE (seq = 0 AND held = '' AND uploaded_at < %(before)s)
    OR (seq = 0 AND held <> '' AND NOT EXISTS ({IS_HELD}))
    OR (seq <> 0 AND NOT EXISTS (
        SELECT FROM messages WHERE {ITS_MESSAGE}
        AND (removed = '' OR EXISTS (
            SELECT FROM evidence
            WHERE evidence.room = messages.room AND evidence.seq = messages.seq
        ))
    ))
    LIMIT %(limit)s"""

TOTAL = "SELECT coalesce(sum(size), 0)::bigint FROM files"


def file_row(file: StoredFile) -> dict[str, Any]:
    """With the columns of ``files``, but for what has it."""
    fields = zip(FIELDS.split(", "), file[:10], strict=True)
    return {key: to_stored(value) if isinstance(value, str) else value for key, value in fields}


def file_json(file: StoredFile) -> str:
    """For ``add_file`` and ``complete_file``."""
    return json.dumps(file_row(file), ensure_ascii=False, separators=(",", ":"))


def file(source: Source, id: str) -> StoredFile | None:
    """As in the interface."""
    found = source.rows(FILE, {"id": to_stored(id)})
    return _known(found[0]) if found else None


def of(source: Source, user_id: str) -> list[StoredFile]:
    """As in the interface."""
    return [_known(row) for row in source.rows(OF_PERSON, {"user_id": to_stored(user_id)})]


def _known(row: tuple[Any, ...]) -> StoredFile:
    *values, claim = exact(row)
    return StoredFile._make((*values, Claim(claim)))


def lost(source: Source, uploaded_before: int, limit: int) -> list[str]:
    """As in the interface."""
    values = {"before": uploaded_before, "limit": storable(limit)}
    return [id for (id,) in source.rows(LOST, values)]


def total(source: Source) -> int:
    """As in the interface."""
    ((total,),) = source.rows(TOTAL, {})
    return int(total)
