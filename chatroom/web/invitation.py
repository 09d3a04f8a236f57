"""The address of a room for others, as text, as a picture and on a terminal."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

import segno

from chatroom.addresses import EVERYWHERE, is_loopback, lan_address, to_origin
from chatroom.errors import HandshakeRefused
from chatroom.names import DEFAULT_ROOM
from chatroom.web.handshake import Environ, Networks, own_origin

MAX_URL = 1200
"""Characters: a room of 64 letters of three bytes each, percent-encoded, at a host of 253, and
some for a path. A QR code holds twice as much; one of this size takes 60 ms to draw, and one
of the usual size 4."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """Where somebody else finds a room."""

    url: str
    local: bool
    """It leads to this machine alone: nobody else gets in by it."""


def invite(environ: Environ, proxies: Networks, room: str) -> Invitation:
    """The address that the client itself used, which a friend of its most likely can use, too.

    But ``localhost`` means another machine on every machine. So where this one listens on all
    interfaces, its own address on the network stands in for that.

    Raises:
        HandshakeRefused: 400: what the client calls this server is no address, or too long.
    """
    try:
        origin = to_origin(own_origin(environ, proxies))
    except ValueError:
        reason = "Invalid Host header: use a name or an address, and a port."
        raise HandshakeRefused(400, reason) from None
    base = origin + quote(environ.get("SCRIPT_NAME", "").encode("latin-1"))
    local = is_loopback(urlsplit(origin).hostname or "")
    # gunicorn's SERVER_NAME is the address that it listens on, whatever the settings say.
    if local and environ.get("SERVER_NAME") in EVERYWHERE and (address := lan_address()):
        # Without the path: that one is a proxy's, and this goes past it.
        base, local = f"http://{address}:{environ['SERVER_PORT']}", False
    url = base + room_path(room)
    if len(url) > MAX_URL:
        raise HandshakeRefused(
            400, f"The address has {len(url)} characters; wanted: {MAX_URL} at most."
        )
    return Invitation(url, local)


def room_path(room: str) -> str:
    """The page of a room; short for the room that one is in without a word."""
    if room == DEFAULT_ROOM:
        return "/"
    if not room.strip("."):
        return f"/?room={room}"  # in a path, "." and ".." mean this folder and the one above
    return f"/rooms/{quote(room, safe='')}"


@lru_cache(maxsize=64)
def draw(url: str) -> bytes:
    """The QR code as SVG: dark on white in dark mode too, since not every reader takes both."""
    picture = io.BytesIO()
    bare = {"xmldecl": False, "omitsize": True, "svgclass": None, "lineclass": None}
    _encode(url).save(picture, kind="svg", light="#fff", **bare)
    return picture.getvalue()


def print_code(url: str, encoding: str) -> str:
    """The QR code as lines for a terminal, two rows in each; nothing where it lacks the blocks."""
    rows = list(_encode(url).matrix_iter(border=2))
    rows += [[0] * len(rows[0])] * (len(rows) % 2)
    text = ""
    for upper, lower in zip(rows[::2], rows[1::2], strict=True):
        blocks = "".join(_BLOCKS[pair] for pair in zip(upper, lower, strict=True))
        # The blocks are the light modules, in white on black, whatever the terminal's colours.
        text += f"\033[97;40m{blocks}\033[0m\n"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return ""
    return text


_BLOCKS = {(0, 0): "\u2588", (0, 1): "\u2580", (1, 0): "\u2584", (1, 1): " "}
"""By the modules above and below, 1 for a dark one."""


def _encode(url: str) -> Any:
    return segno.make_qr(url, error="m")
