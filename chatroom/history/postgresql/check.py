"""Whether the server can keep what the room promises; changes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from psycopg import Error

from chatroom.errors import HistoryRefused
from chatroom.history.postgresql.failures import Failures
from chatroom.history.postgresql.links import PATIENCE, READING, DatabaseLink, LinkLost
from chatroom.history.postgresql.schema import State, state_of

OLDEST_SERVER = 130000

# reset_val: not what our own session has set.
SERVER = """
    SELECT current_setting('server_encoding'), pg_is_in_recovery(),
    current_setting('transaction_read_only')::boolean,
    current_setting('fsync')::boolean, current_setting('full_page_writes')::boolean,
    (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'),
    has_database_privilege(current_database(), 'CREATE'), current_user::text,
    current_database()::text"""

RIGHTS = """
    SELECT bool_and(pg_has_role(relowner, 'USAGE')) AND
    has_schema_privilege('chatroom', 'CREATE')
    FROM pg_class WHERE relnamespace = to_regnamespace('chatroom') AND relkind = 'r'"""

SCHEMA_RIGHT = "SELECT has_schema_privilege('chatroom', 'CREATE')"


def examine(link: DatabaseLink, failures: Failures, sync: str, *, is_moving: bool = False) -> State:
    """What there is of the schema.

    Args:
        sync: as the setting ``historySync`` says.
        is_moving: whether a part of the history may be missing.

    Raises:
        HistoryRefused: the server or the database cannot be used, or must not be.
    """

    def refused(cause: str, way_out: str) -> HistoryRefused:
        return HistoryRefused(failures.name, cause, way_out)

    if link.version < OLDEST_SERVER:
        version = f"{link.version // 10000}.{link.version % 10000}"
        raise refused(f"is PostgreSQL {version}", "use PostgreSQL 13 or later")
    ((encoding, is_standby, is_read_only, fsync, full_pages, commit, may_create, user, name),) = (
        link.call(SERVER, prepare=False)
    )
    if is_standby or is_read_only:
        what = "a standby" if is_standby else "read-only"
        raise refused(
            f"is {what}", "name the primary, or all servers: the one that can write is used"
        )
    if encoding != "UTF8":
        way_out = "make one with: createdb --encoding=UTF8 --template=template0 --locale=C NAME"
        raise refused(f"has the encoding {encoding}, which lacks characters", way_out)
    for setting, is_on in (("fsync", fsync), ("full_page_writes", full_pages)):
        if not is_on:
            cause = f"{setting} is off there: a power cut could damage the database"
            raise refused(cause, f"set {setting} = on in postgresql.conf")
    if sync == "full" and commit == "off":
        cause = "synchronous_commit is off there, so what people have seen could be lost"
        raise refused(cause, 'set it to on for this role, or "historySync" to "normal"')
    state = state_of(link, failures)
    if not state.exists and not may_create:
        way_out = f'as its owner: CREATE SCHEMA chatroom AUTHORIZATION "{user}"'
        raise refused(f"user {user!r} may create nothing in database {name!r}", way_out)
    rights = RIGHTS if state.version else SCHEMA_RIGHT
    if state.exists and not link.call(rights, prepare=False)[0][0]:
        cause = f'user {user!r} does not own the schema "chatroom" and its tables'
        raise refused(cause, "connect as the role that does")
    if not is_moving:
        state.demand_whole(failures.name)
    return state


@contextmanager
def linked(url: str, failures: Failures, attrs: str = "read-write") -> Iterator[DatabaseLink]:
    """A connection for the length of a block, in which errors are refusals.

    Raises:
        HistoryRefused: nobody is reached there, or lets us in.
    """
    try:
        link = DatabaseLink(url, failures, READING, time.monotonic() + PATIENCE, attrs=attrs)
    except LinkLost as lost:
        if attrs == "read-write":
            _look_who_is_there(url, failures)
        raise failures.refused(lost.cause) from lost
    try:
        yield link
    except LinkLost as lost:
        raise failures.refused(lost.cause) from lost
    except Error as error:
        raise failures.refused(error) from error
    finally:
        link.close()


def _look_who_is_there(url: str, failures: Failures) -> None:
    """Refuse a standby in our words: libpq only says that nobody there can be written to."""
    with suppress(LinkLost, Error):
        link = DatabaseLink(url, failures, READING, time.monotonic() + PATIENCE, attrs="any")
        try:
            examine(link, failures, "full")
        finally:
            link.close()
