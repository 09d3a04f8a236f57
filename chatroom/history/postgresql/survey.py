"""What ``chatroom doctor`` says about a database that can be used, and whether processes can hear
each other through it; changes nothing."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from typing import NamedTuple

from chatroom.errors import HistoryRefused
from chatroom.history.postgresql.check import linked
from chatroom.history.postgresql.failures import Failures
from chatroom.history.postgresql.links import DatabaseLink
from chatroom.history.remarks import Remark

CONNECTIONS = 7
"""Of each process: one that writes and two that read, one that keeps order and one that reads for
it, one that tells other processes and one that hears them."""

HEARING_SECONDS = 3.0
"""How long a notification may take."""

CHANNEL = "chatroom_doctor"

DEAF = Remark(
    "notifications do not arrive: is there a pooler in transaction mode?",
    "let the address lead to PostgreSQL itself, or to a pooler in session mode",
    is_wrong=True,
)

NOTED, SERIOUS = 0.1, 0.5
"""How full the queue of notifications is: at 1, nothing can be told any more."""

# What everybody may see; of other roles' sessions, that is little.
STATE = """
    SELECT current_setting('server_version'),
    (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'),
    current_setting('synchronous_standby_names'),
    (SELECT count(*) FROM pg_stat_replication),
    pg_notification_queue_usage(),
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true)::int, 0),
    (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user),
    (SELECT datconnlimit FROM pg_database WHERE datname = current_database()),
    (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL
    AND pid <> pg_backend_pid() AND application_name NOT LIKE 'chatroom on %'),
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
    (SELECT string_agg(nspname, ', ' ORDER BY nspname) FROM pg_namespace AS space
    WHERE nspname NOT IN ('chatroom', 'information_schema') AND nspname !~ '^pg_' AND EXISTS
    (SELECT FROM pg_class WHERE relnamespace = space.oid AND relkind IN ('r', 'p'))),
    (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()),
    host(inet_server_addr())"""


class State(NamedTuple):
    """The answer to ``STATE``."""

    version: str
    commit: str
    """``synchronous_commit``, as sessions begin with it."""
    standby_names: str
    standbys: int
    queue_usage: float
    connections: int
    """That this role can have, at most."""
    role_limit: int
    """-1: none; likewise the next one."""
    database_limit: int
    others: int
    """Connections of other programs."""
    is_superuser: bool
    foreign_schemas: str | None
    is_encrypted: bool
    server: str | None
    """Its address; None for a Unix socket."""


def survey(url: str, workers: int) -> list[Remark]:
    """What there is to say about the database.

    Args:
        url: of one that ``PostgresHistory.check`` accepts; of another one, nothing is said.
        workers: processes that are to use it, on this machine.
    """
    failures = Failures(url)
    with suppress(HistoryRefused), linked(url, failures) as link:
        state = State(*link.call(STATE, prepare=False)[0])
        return [
            _server(state),
            *_standbys(state),
            *_connections(state, workers),
            Remark("notifications arrive") if _are_heard(url, failures, link) else DEAF,
            *_queue(state),
            *_surroundings(state),
        ]
    return []


def demand_notifications(url: str) -> None:
    """Make sure that what one process tells is heard by others.

    Raises:
        HistoryRefused: it is not.
    """
    failures = Failures(url)
    with linked(url, failures) as link:
        if not _are_heard(url, failures, link):
            raise HistoryRefused(failures.name, DEAF.text, DEAF.remedy)


def _server(state: State) -> Remark:
    version = state.version.partition(" ")[0]
    settings = f"fsync and full_page_writes are on, synchronous_commit is {state.commit}"
    return Remark(f"PostgreSQL {version}; {settings}")


def _standbys(state: State) -> Iterator[Remark]:
    """What a failover would cost."""
    names, count = state.standby_names, state.standbys
    follow = "a standby follows" if count == 1 else f"{count} standbys follow"
    if names and not count:
        text = f"nothing can be said: commits wait for {names!r}, and no standby is there"
        remedy = "start it, or set synchronous_standby_names to ''"
        yield Remark(text, remedy, is_wrong=True)
    elif names and state.commit in ("local", "off"):
        text = f"no commit waits for {names!r}: synchronous_commit is {state.commit}"
        yield Remark(text, "set synchronous_commit to on, if a failover must lose nothing")
    elif count and not names:
        text = f"{follow}, which no commit waits for: a failover may lose the last moments"
        yield Remark(text, "name one in synchronous_standby_names, if that must not be")
    elif count:
        yield Remark(f"{follow}; commits wait for {names!r}")


def _connections(state: State, workers: int) -> Iterator[Remark]:
    limits = {
        "max_connections": state.connections - state.others,
        "this role's CONNECTION LIMIT": state.role_limit,
        "this database's CONNECTION LIMIT": state.database_limit,
    }
    left, limit = min((left, name) for name, left in limits.items() if left >= 0)
    wanted = CONNECTIONS * workers
    who = "1 worker takes" if workers == 1 else f"{workers} workers take"
    text = f"{who} up to {wanted} connections, and {limit} leaves {left}"
    remedy = f"raise {limit} by {max(2 * wanted - left, 0)} for each machine"
    remedy += ", or lower workers" if workers > 1 else ""
    if wanted > left:
        yield Remark(text, remedy, is_wrong=True)
    elif 2 * wanted > left:
        yield Remark(f"{text}: not enough for twice as many, while new ones take over", remedy)
    else:
        yield Remark(text)


def _are_heard(url: str, failures: Failures, link: DatabaseLink) -> bool:
    """Whether a notification arrives: through some poolers, LISTEN succeeds, and nothing comes."""
    token = secrets.token_hex(8)
    with linked(url, failures) as listener:
        listener.call(f"LISTEN {CHANNEL}", prepare=False)
        link.call("SELECT pg_notify(%s, %s)", [CHANNEL, token], prepare=False)
        deadline = time.monotonic() + HEARING_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            if token in listener.notified(left):
                return True
    return False


def _queue(state: State) -> Iterator[Remark]:
    if state.queue_usage >= NOTED:
        text = f"the queue of notifications is {100 * state.queue_usage:.0f} % full"
        remedy = "end the session that listens, and sleeps in a transaction: see pg_stat_activity"
        yield Remark(text, remedy, is_wrong=state.queue_usage >= SERIOUS)


def _surroundings(state: State) -> Iterator[Remark]:
    """Who else could read along."""
    if state.is_superuser:
        text = "the role is a superuser, which may do anything to every database there"
        yield Remark(text, "make a role that only owns this database")
    if state.foreign_schemas:
        text = (
            f"the database is not the rooms' own (there is {state.foreign_schemas}): whoever may "
            "connect to it can listen to what is said"
        )
        yield Remark(text, "take a database of its own")
    if state.server and not state.is_encrypted and not ip_address(state.server).is_loopback:
        text = "the connection is not encrypted: whoever is in between can read everything"
        yield Remark(text, "add ?sslmode=verify-full to the address")
