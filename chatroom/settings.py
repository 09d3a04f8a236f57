"""The table of settings: each one's name, default, check and meaning.

A new setting takes a row here, a field in Configuration, and a line in the docs; the tests
compare the three.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from chatroom.addresses import is_host_name, to_host, to_listed_origin, to_network
from chatroom.history import FROM_ENVIRONMENT, HISTORY_FORMS, SYNCS, is_history_url, masked


class Unfit(Exception):
    """A check rejects a value; ``args`` are where in it, the rejected part, what was wanted."""


Check = Callable[[Any], Any]
"""Takes a value as JSON gave it; returns it as Configuration keeps it, or raises Unfit."""


def whole(low: int, high: int) -> Check:
    """A whole number, ``low`` and ``high`` included."""

    def check(value: Any) -> int:
        # type(), not isinstance(): True is not a port
        if type(value) is not int or not low <= value <= high:
            raise Unfit("", value, f"a whole number from {low} to {high}")
        return value

    return check


def text(wanted: str, fits: Callable[[str], bool]) -> Check:
    """A string that ``fits`` accepts."""

    def check(value: Any) -> str:
        if type(value) is not str or not fits(value):
            raise Unfit("", value, wanted)
        return value

    return check


def secret(wanted: str, fits: Callable[[str], bool]) -> Check:
    """A string that ``fits`` accepts; it is not shown to whoever reads what is wrong with it."""

    def check(value: Any) -> str:
        if type(value) is not str or not fits(value):
            raise Unfit("", "...", wanted)
        return value

    return check


def address(wanted: str, fits: Callable[[str], bool]) -> Check:
    """A string that ``fits`` accepts; a password that may be in it is not shown."""

    def check(value: Any) -> str:
        if type(value) is not str or not fits(value):
            raise Unfit("", masked(value) if type(value) is str else value, wanted)
        return value

    return check


def several(wanted: str, one: Callable[[str], Any]) -> Check:
    """A list of strings; ``one`` converts each, or raises ValueError: the error names the entry."""

    def check(value: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            raise Unfit("", value, f"a list of {wanted}")
        converted = []
        for index, entry in enumerate(value):
            try:
                if type(entry) is not str:  # ip_network() would accept 1, as 0.0.0.1
                    raise ValueError(entry)
                converted.append(one(entry))
            except ValueError:
                raise Unfit(f"[{index}]", entry, f"only {wanted}") from None
        return tuple(converted)

    return check


def is_path(value: str) -> bool:
    """Whether a file could be called that, or it is empty."""
    try:
        return b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:  # JSON allows a lone surrogate, file names don't
        return False


class Setting(NamedTuple):
    """One key of the file."""

    name: str
    default: Any
    check: Check
    help: str

    @property
    def field(self) -> str:
        """What Configuration calls it: ``maxUsers`` is ``max_users`` there."""
        return re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", self.name)


INTERFACE = text("the name or address of an interface: localhost, 0.0.0.0 or ::1", is_host_name)
LOG_FILE = text('the path of a file, or "-" for standard error', bool)
FOLDER = text('the path of a folder, or "" for none', is_path)
HISTORY = address(
    ", ".join(HISTORY_FORMS[:-1]) + f" or {HISTORY_FORMS[-1]}",
    lambda value: value == FROM_ENVIRONMENT or is_history_url(value),
)
PASSWORD = secret(
    'at least 4 characters, 64 at most, or "" for none',
    lambda value: not value or 4 <= len(" ".join(value.split())) <= 64,
)
MAKERS = text('"everyone" or "operator"', ("everyone", "operator").__contains__)
METRICS_KEY = secret(
    'at least 16 characters without spaces, 200 at most, all of them ASCII, or "" for none',
    lambda value: not value or re.fullmatch("[!-~]{16,200}", value) is not None,
)
SYNC = text(" or ".join(SYNCS), SYNCS.__contains__)
ORIGINS = several("origins such as https://chat.example:8443, without a path", to_listed_origin)
HOST_NAMES = several("host names such as chat.example.com, without a port", to_host)
NETWORKS = several("addresses or networks such as 10.0.0.7, 10.0.0.0/8 or ::1", to_network)
LOOPBACK = ("127.0.0.1", "::1")
MOST_WORKERS = 64
"""Each is told of whatever the others do; and has some connections to the database."""

SETTINGS = (
    Setting("port", 9999, whole(1, 65535), "the TCP port to listen on"),
    Setting("hostName", "localhost", INTERFACE, "the interface to listen on"),
    Setting("logfilePath", "logs.log", LOG_FILE, 'the log file; "-": standard error'),
    Setting("history", "sqlite:chat.db", HISTORY, "where the messages are kept"),
    Setting("historySync", "full", SYNC, "how durable a message is before anyone sees it"),
    Setting("messagesPerSecond", 5, whole(0, 100_000), "messages of one person; 0: any"),
    Setting("editMinutes", 15, whole(0, 1_000_000), "minutes in which a message may be edited"),
    Setting("removedKeepDays", 7, whole(0, 3650), "days a host can undo a removal; 0: none"),
    Setting("roomMakers", "everyone", MAKERS, "who is in charge of the rooms that they make"),
    Setting("password", "", PASSWORD, "that lets people into the rooms; empty: none"),
    Setting("replayLimit", 500, whole(0, 1_000_000), "past messages sent on joining; 0: all"),
    Setting("workers", 1, whole(1, MOST_WORKERS), "processes; more than 1 need PostgreSQL"),
    Setting("maxUsers", 10_000, whole(1, 1_000_000), "users at a time, in each process"),
    Setting("maxUsersPerAddress", 0, whole(0, 1_000_000), "users at one address; 0: maxUsers"),
    Setting("firstFrameSeconds", 60, whole(0, 86_400), "for a plain client's first frame; 0: any"),
    Setting("maxMessageBytes", 65_536, whole(1, 16 * 2**20), "bytes of one incoming frame"),
    Setting("maxFileBytes", 16 * 2**20, whole(1, 2**30), "bytes of one file"),
    Setting("filesBytes", 4 * 2**30, whole(0, 2**50), "bytes of all files together; 0: no files"),
    Setting("filesFolder", "", FOLDER, "the folder of files; empty: next to the history's file"),
    Setting("maxNameLength", 64, whole(1, 1000), "characters of a user's name"),
    Setting("userQueueBytes", 2**20, whole(1, 2**30), "bytes that may wait for one slow user"),
    Setting("hostNames", [], HOST_NAMES, "names that the server answers to; []: see the docs"),
    Setting("allowedOrigins", [], ORIGINS, "origins allowed in addition to the page's"),
    Setting("trustedProxies", [*LOOPBACK], NETWORKS, "proxies whose X-Forwarded headers count"),
    Setting("pingInterval", 25, whole(1, 3600), "seconds between pings"),
    Setting("maxRooms", 1000, whole(1, 1_000_000), "rooms that can exist"),
    Setting("leaveGrace", 5, whole(0, 3600), "seconds offline before a user has left"),
    Setting("presenceLimit", 200, whole(0, 10_000), "most people a room lists by name"),
    Setting("keepMessages", 0, whole(0, 10**12), "messages to keep in each room; 0: all"),
    Setting("keepDays", 0, whole(0, 100_000), "days to keep messages; 0: forever"),
    Setting("metricsFrom", [], NETWORKS, "addresses that may read /metrics, besides this machine"),
    Setting("metricsKey", "", METRICS_KEY, "that lets programs read /metrics; empty: none"),
)
