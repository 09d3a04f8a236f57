"""The table of settings: each one's name, default, check and meaning.

Whoever adds a setting adds a row here, a field in Configuration, and a line in the docs; the
tests compare the three.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network
from typing import Any, NamedTuple

from chatroom.history import HISTORY_FORMS, SYNCS, is_history_url


class Unfit(Exception):
    """A check refuses a value; ``args`` are where in it, the part refused, what was wanted."""


Check = Callable[[Any], Any]
"""Takes a value as JSON gave it; returns it as Configuration keeps it, or raises Unfit."""


def whole(low: int, high: int) -> Check:
    """A whole number, ``low`` and ``high`` included."""

    def check(value: Any) -> int:
        # type(), not isinstance(): True is no port
        if type(value) is not int or not low <= value <= high:
            raise Unfit("", value, f"a whole number from {low} to {high}")
        return value

    return check


def text(wanted: str, fits: Callable[[str], bool]) -> Check:
    """A text that ``fits`` says yes to."""

    def check(value: Any) -> str:
        if type(value) is not str or not fits(value):
            raise Unfit("", value, wanted)
        return value

    return check


def several(wanted: str, one: Callable[[str], Any]) -> Check:
    """A list of texts; ``one`` converts each, or raises ValueError, and then is named."""

    def check(value: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            raise Unfit("", value, f"a list of {wanted}")
        converted = []
        for index, entry in enumerate(value):
            try:
                if type(entry) is not str:  # ip_network() takes 1 as well, as 0.0.0.1
                    raise ValueError(entry)
                converted.append(one(entry))
            except ValueError:
                raise Unfit(f"[{index}]", entry, f"one of the {wanted}") from None
        return tuple(converted)

    return check


def is_host_name(value: str) -> bool:
    """Whether a socket can be bound to it: an IPv4 or IPv6 address, or a host's name."""
    if ":" in value:  # only an IPv6 address has one, so "localhost:80" is refused
        try:
            return bool(ipaddress.IPv6Address(value))
        except ValueError:
            return False
    return re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?", value) is not None


DEFAULT_PORTS = {"http": 80, "https": 443}


def to_origin(value: str) -> str:
    """An origin the way a browser's Origin header has it, so that ``==`` compares two.

    Raises:
        ValueError: it isn't one, or there is a path behind it.
    """
    found = re.fullmatch(
        r"(?P<scheme>https?)://(?P<host>\w[\w.-]*|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?",
        value.lower(),
        re.ASCII,
    )
    if not found:
        raise ValueError(value)
    scheme, host = found["scheme"], found["host"]
    if host.startswith("["):
        host = f"[{ipaddress.IPv6Address(host[1:-1])}]"
    port = int(found["port"] or DEFAULT_PORTS[scheme])
    if not 1 <= port <= 65535:
        raise ValueError(value)
    return f"{scheme}://{host}" if port == DEFAULT_PORTS[scheme] else f"{scheme}://{host}:{port}"


def to_network(value: str) -> IPv4Network | IPv6Network:
    """The network that an address or a CIDR text means.

    Raises:
        ValueError: it means none, or an address inside one (10.0.0.1/8).
    """
    return ipaddress.ip_network(value)


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
HISTORY = text(" or ".join(HISTORY_FORMS), is_history_url)
SYNC = text(" or ".join(SYNCS), SYNCS.__contains__)
ORIGINS = several("origins such as https://chat.example:8443, without a path", to_origin)
NETWORKS = several("addresses or networks such as 10.0.0.7, 10.0.0.0/8 or ::1", to_network)
LOOPBACK = ("127.0.0.1", "::1")

SETTINGS = (
    Setting("port", 9999, whole(1, 65535), "the TCP port to listen on"),
    Setting("hostName", "localhost", INTERFACE, "the interface to listen on"),
    Setting("logfilePath", "logs.log", LOG_FILE, 'the log file; "-": standard error'),
    Setting("history", "sqlite:chat.db", HISTORY, "where the messages are kept"),
    Setting("historySync", "full", SYNC, "how far a commit goes before anyone sees a message"),
    Setting("replayLimit", 500, whole(0, 1_000_000), "past messages a joiner gets; 0: all"),
    Setting("maxUsers", 10_000, whole(1, 1_000_000), "users at the same time"),
    Setting("maxMessageBytes", 65_536, whole(1, 16 * 2**20), "bytes of one incoming frame"),
    Setting("maxNameLength", 64, whole(1, 1000), "characters of a user's name"),
    Setting("userQueueBytes", 2**20, whole(1, 2**30), "bytes that may wait for one slow user"),
    Setting("allowedOrigins", [], ORIGINS, "origins allowed besides the page's own"),
    Setting("trustedProxies", [*LOOPBACK], NETWORKS, "whose X-Forwarded headers count"),
    Setting("pingInterval", 25, whole(1, 3600), "seconds between pings"),
    Setting("maxRooms", 1000, whole(1, 1_000_000), "rooms that can be made"),
    Setting("leaveGrace", 5, whole(0, 3600), "seconds without a connection until one has left"),
    Setting("presenceLimit", 200, whole(0, 10_000), "people, until a room tells their number only"),
    Setting("keepMessages", 0, whole(0, 10**12), "newest messages kept of each room; 0: all"),
    Setting("keepDays", 0, whole(0, 100_000), "days that messages are kept; 0: for ever"),
)
