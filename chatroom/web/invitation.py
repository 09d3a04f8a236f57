"""A room's address to share with others: as text, as a QR code, and on a terminal."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

from chatroom.addresses import EVERYWHERE, is_loopback, lan_address, to_origin
from chatroom.errors import HandshakeRefused
from chatroom.names import DEFAULT_ROOM
from chatroom.web.forwarded import Environ, Networks, own_origin

MAX_URL = 1200
"""Characters: a room name of 64 letters of three bytes each, percent-encoded, a host name of 253,
and some for a path. A QR code holds twice as much; one of this size takes 60 ms to draw, a
typical one 4 ms."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """Where others can reach a room."""

    url: str
    local: bool
    """It works on this machine only."""


def invite(environ: Environ, proxies: Networks, room: str, code: str = "") -> Invitation:
    """The address that the client itself used, which most likely works for its friends, too.

    But ``localhost`` means a different machine on every machine. So if this server listens on all
    interfaces, its network address replaces ``localhost``.

    Args:
        code: opens the room's door. It stands in the fragment, which browsers send to no server.

    Raises:
        HandshakeRefused: 400: the Host header is invalid, or the address too long.
    """
    try:
        origin = to_origin(own_origin(environ, proxies))
    except ValueError:
        reason = "Invalid Host header: use a name or an address, and a port."
        raise HandshakeRefused(400, reason) from None
    base = origin + quote(environ.get("SCRIPT_NAME", "").encode("latin-1"))
    local = is_loopback(urlsplit(origin).hostname or "")
    # gunicorn's SERVER_NAME is the address that it really listens on, whatever the settings say.
    if local and environ.get("SERVER_NAME") in EVERYWHERE and (address := lan_address()):
        # Without the path, which belongs to a proxy: this address bypasses it.
        base, local = f"http://{address}:{environ['SERVER_PORT']}", False
    url = base + room_path(room) + (f"#key={quote(code, safe='')}" if code else "")
    if len(url) > MAX_URL:
        raise HandshakeRefused(
            400, f"The address has {len(url)} characters; wanted: {MAX_URL} at most."
        )
    return Invitation(url, local)


def room_path(room: str) -> str:
    """The path of a room's page; ``/`` for the default room."""
    if room == DEFAULT_ROOM:
        return "/"
    if not room.strip("."):
        return f"/?room={room}"  # in a path, "." and ".." would be resolved as folders
    return f"/rooms/{quote(room, safe='')}"


@lru_cache(maxsize=64)
def draw(url: str) -> bytes:
    """The QR code as SVG: dark on white in dark mode too: not every reader accepts the reverse."""
    picture = io.BytesIO()
    bare = {"xmldecl": False, "omitsize": True, "svgclass": None, "lineclass": None}
    _encode(url).save(picture, kind="svg", light="#fff", **bare)
    return picture.getvalue()


def print_code(url: str, encoding: str) -> str:
    """The QR code for a terminal, two rows per line; "" if its encoding lacks block characters."""
    rows = list(_encode(url).matrix_iter(border=2))
    rows += [[0] * len(rows[0])] * (len(rows) % 2)
    text = ""
    for upper, lower in zip(rows[::2], rows[1::2], strict=True):
        blocks = "".join(_BLOCKS[pair] for pair in zip(upper, lower, strict=True))
        # The blocks are the light modules, white on black regardless of the terminal's colours.
        text += f"\033[97;40m{blocks}\033[0m\n"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return ""
    return text


_BLOCKS = {(0, 0): "\u2588", (0, 1): "\u2580", (1, 0): "\u2584", (1, 1): " "}
"""By the modules above and below; 1 is dark."""


def _encode(url: str) -> Any:
    import segno  # here, as it takes more than a megabyte, and few ever ask for a code

    return segno.make_qr(url, error="m")
