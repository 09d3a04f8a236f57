"""PostgreSQL's errors as ours, with a way out."""

from __future__ import annotations

import re

from psycopg import Error

from chatroom.errors import HistoryAway, HistoryRefused, HistoryUnavailable
from chatroom.history.postgresql.address import MASK, masked, passwords

RECOVERS = "the room recovers by itself"

CHANGED = (
    'another program has changed the schema "chatroom": stop, keep what is there, and restore a '
    "backup"
)

UNREACHED = f"start PostgreSQL, or check its address, user and password: {RECOVERS}"

# By SQLSTATE, or its class: https://www.postgresql.org/docs/current/errcodes-appendix.html
WAYS_OUT = {
    "22": "this is a bug: report it with the log",
    "25006": "connect to the primary: this server is read-only",
    "28": "check user and password, and what pg_hba.conf allows",
    "3D000": "create the database, such as with createdb",
    "3F": CHANGED,
    "40": "try again",
    "42501": 'give the role its rights on the schema "chatroom" back',
    "42": CHANGED,
    "53100": f"free some space on PostgreSQL's disk: {RECOVERS}",
    "53300": f"raise max_connections, or end other connections: {RECOVERS}",
    "55P03": f"another connection holds a lock there; when it ends, {RECOVERS}",
    "57014": "try again",
    "57": f"PostgreSQL is going down or coming up: {RECOVERS}",
    "58": "check PostgreSQL's disk",
    "XX": "stop, keep a copy of the database, and restore a backup",
}

SAID = {
    'database ".*" does not exist': "3D000",
    'role ".*" does not exist|password authentication failed|no password supplied': "28",
    "no pg_hba.conf entry": "28",
    "too many (clients|connections)|remaining connection slots": "53300",
    "database system is (starting up|shutting down)": "57P03",
}
"""What a server says that does not let us in, by the SQLSTATE that libpq keeps to itself then. If
it says so in another language, the way out is that of all connections."""

PASSING = ("57", "53300")
"""SQLSTATEs of a server that may let us in a moment later."""


class Failures:
    """Makes the errors of one history; none of them shows a password.

    Args:
        url: of the database.
    """

    def __init__(self, url: str) -> None:
        self.name = masked(url)
        # What everybody may see anyway says nothing: many a test database has the user's name.
        self._passwords = [one for one in passwords(url) if one not in self.name]

    def text(self, error: Exception) -> str:
        """What PostgreSQL says, in one line."""
        said = (error.diag.message_primary if isinstance(error, Error) else "") or str(error)
        for password in self._passwords:
            said = said.replace(password, MASK)
        return " ".join(said.split()) or type(error).__name__

    def unavailable(self, error: Exception) -> HistoryUnavailable:
        """It did not work this time."""
        return HistoryUnavailable(self.name, self.text(error), way_out(error))

    def lost(self, cause: Exception) -> HistoryUnavailable:
        """The connection is gone, and so is another one; ``cause`` as of ``LinkLost``."""
        return self.unavailable(cause) if isinstance(cause, Error) else self.late()

    def late(self) -> HistoryUnavailable:
        """It gave no answer in time."""
        return HistoryUnavailable(self.name, "PostgreSQL does not answer", f"check it: {RECOVERS}")

    def hung(self) -> HistoryUnavailable:
        """What it has written waits for somebody else."""
        cause = "commits wait for a synchronous standby that does not answer"
        way_out = f"start it, or set synchronous_standby_names to '': {RECOVERS}"
        return HistoryUnavailable(self.name, cause, way_out)

    def closed(self) -> HistoryUnavailable:
        """It is not open."""
        return HistoryUnavailable(self.name, "it isn't open", "start the program again")

    def refused(self, error: Exception) -> HistoryRefused:
        """It cannot be used as it is."""
        way = way_out(error)
        is_away = way == UNREACHED or _state_of(error).startswith(PASSING)
        return (HistoryAway if is_away else HistoryRefused)(self.name, self.text(error), way)


def way_out(error: Exception) -> str:
    """What to do about it."""
    state = _state_of(error)
    return WAYS_OUT.get(state) or WAYS_OUT.get(state[:2]) or UNREACHED


def _state_of(error: Exception) -> str:
    if not isinstance(error, Error):
        return ""
    said = str(error)
    found = (state for pattern, state in SAID.items() if re.search(pattern, said))
    return error.sqlstate or next(found, "")
