"""The schema of the database: made, upgraded, and the secret in it."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import NamedTuple

from psycopg import Error, errors

from chatroom.errors import HistoryRefused
from chatroom.history.postgresql.failures import Failures
from chatroom.history.postgresql.links import KEY, DatabaseLink

SECRET_BYTES = 32

FIRST_SCHEMA = (
    *("tables.sql", "saying.sql", "acting.sql", "clearing.sql", "finding.sql"),
    "attending.sql",
)

SECOND_SCHEMA = ("answering.sql", "arriving.sql")

THIRD_SCHEMA = ("carrying.sql",)

FOURTH_SCHEMA = ("reacting.sql",)

FIFTH_SCHEMA = ("removing.sql",)

SIXTH_SCHEMA = ("forgetting.sql",)

UPGRADES = (
    *(FIRST_SCHEMA, SECOND_SCHEMA, THIRD_SCHEMA),
    *(FOURTH_SCHEMA, FIFTH_SCHEMA, SIXTH_SCHEMA),
)
"""The files from each schema version to the next; the first from an empty schema. A later one only
adds, so that machines can be updated one after the other."""

SCHEMA_VERSION = len(UPGRADES)

STATE = """
    SELECT to_regnamespace('chatroom') IS NOT NULL,
    to_regclass('chatroom.version') IS NOT NULL AND to_regclass('chatroom.rooms') IS NOT NULL,
    EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('chatroom'))"""

VERSION = "SELECT max(version), bool_or(is_moving) FROM chatroom.version"

LOCK = f"SELECT pg_advisory_xact_lock({KEY}, 2)"

SECRET = "SELECT value FROM chatroom.secrets WHERE name = 'tokens'"

MAKE_SECRET = "INSERT INTO chatroom.secrets VALUES ('tokens', %s) ON CONFLICT DO NOTHING"


class State(NamedTuple):
    """What there is of the schema."""

    exists: bool
    version: int
    """0: nothing is in it."""
    is_moving: bool = False
    """A history is on its way into it, and not all of it is there."""

    def demand_whole(self, name: str) -> None:
        """Raise HistoryRefused if a part of the history called ``name`` is missing."""
        if self.is_moving:
            cause = "a history was on its way into this database, and not all of it has come"
            raise HistoryRefused(name, cause, "run `chatroom move` again: it begins anew")


def state_of(link: DatabaseLink, failures: Failures) -> State:
    """Of the database.

    Raises:
        HistoryRefused: the schema is another program's, or newer than this one.
    """
    try:
        ((exists, is_ours, is_filled),) = link.call(STATE, prepare=False)
        if not is_ours and is_filled:
            cause = 'the schema "chatroom" of this database is another program\'s'
            raise HistoryRefused(failures.name, cause, "use a database of its own")
        if not is_ours:
            return State(exists, 0)
        ((version, is_moving),) = link.call(VERSION, prepare=False)
    except errors.InsufficientPrivilege:
        cause = 'this role may not use the schema "chatroom"'
        raise HistoryRefused(failures.name, cause, "connect as the role that owns it") from None
    if not version or version > SCHEMA_VERSION:
        cause = f"has schema {version}, of another chatroom version; this one has {SCHEMA_VERSION}"
        raise HistoryRefused(failures.name, cause, "start that version, or use another database")
    return State(exists, version, is_moving)


def bring_up_to_date(link: DatabaseLink, failures: Failures) -> bool:
    """Make or upgrade the schema, in one transaction, and one process at a time.

    Returns:
        Whether there was none before.

    Raises:
        HistoryRefused: as ``state_of``.
        psycopg.Error: it is as it was.
    """
    if state_of(link, failures).version == SCHEMA_VERSION:
        return False
    link.call("BEGIN", prepare=False)
    try:
        link.call(LOCK, prepare=False)
        state = state_of(link, failures)  # anew: somebody else may have been quicker
        if not state.exists:
            link.call("CREATE SCHEMA chatroom", prepare=False)
        for files in UPGRADES[state.version :]:
            for file in files:
                script = Path(__file__).with_name(file).read_text(encoding="utf-8")
                link.call(script, prepare=False)
        link.call("DELETE FROM version", prepare=False)
        link.call(f"INSERT INTO version VALUES ({SCHEMA_VERSION})", prepare=False)
        link.call("COMMIT", prepare=False)
    except (Error, HistoryRefused):
        link.call("ROLLBACK", prepare=False)
        raise
    return not state.version


def secret_of(link: DatabaseLink) -> bytes:
    """The secret; made if there is none yet, the same for all processes."""
    if not link.call(SECRET, prepare=False):
        link.call(MAKE_SECRET, [secrets.token_bytes(SECRET_BYTES)], prepare=False)
    return bytes(link.call(SECRET, prepare=False)[0][0])


def peek_secret(link: DatabaseLink, failures: Failures) -> bytes:
    """The secret of a history that a server may be using meanwhile.

    Raises:
        HistoryRefused: it has none yet.
    """
    found = link.call(SECRET, prepare=False) if state_of(link, failures).version else []
    if not found:
        raise HistoryRefused(failures.name, "has no secret yet", "start the server once")
    return bytes(found[0][0])
