"""Pictures and files that somebody else sends, by a program; and what is in a picture."""

from __future__ import annotations

import http.client
import json
import struct
import zlib
from typing import Any
from urllib.parse import quote, urlencode

from tests.support.deadline import DEADLINE
from tests.support.fellow import Fellow
from tests.support.typed_client import TypedClient

GPS = b"52.51627N 13.37770E"
"""Where a photo was taken, as ``with_place`` writes it."""


def png(width: int, height: int, colour: tuple[int, int, int] = (40, 110, 160)) -> bytes:
    """A picture of one colour."""
    line = b"\0" + bytes(colour) * width
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(line * height)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def with_place(jpeg: bytes, orientation: int) -> bytes:
    """The same photo, held otherwise, as a camera writes it that knows where it is: with an EXIF
    segment in which are the orientation (1 to 8) and ``GPS``."""
    place = GPS + b"\0"
    # Little-endian TIFF: a directory of two entries, then one of GPS with one, and its text.
    head = b"II*\0" + struct.pack("<I", 8)
    first = struct.pack("<H", 2)
    first += struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    first += struct.pack("<HHII", 0x8825, 4, 1, 8 + 2 + 2 * 12 + 4) + struct.pack("<I", 0)
    gps = struct.pack("<H", 1)
    gps += struct.pack("<HHII", 0x001B, 7, len(place), 8 + 2 + 2 * 12 + 4 + 2 + 12 + 4)
    gps += struct.pack("<I", 0)
    body = b"Exif\0\0" + head + first + gps + place
    assert jpeg[:2] == b"\xff\xd8"
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def upload(client: TypedClient, data: bytes, name: str, **pixels: int) -> dict[str, Any]:
    """What the server says of it: ``id``, ``name``, ``type``, ``size``, ``address``."""
    line = http.client.HTTPConnection("127.0.0.1", client.port, timeout=DEADLINE)
    query = f"?{urlencode(pixels)}" if pixels else ""
    path = f"/api/rooms/{quote(client.room)}/files/{quote(name)}{query}"
    line.request("PUT", path, data, {"Authorization": f"Bearer {client.welcome['pass']}"})
    reply = line.getresponse()
    told: dict[str, Any] = json.loads(reply.read())
    line.close()
    assert reply.status == 201, told
    return told


def tell_with_file(
    fellow: Fellow, data: bytes, name: str, body: str = "", alt: str = "", **pixels: int
) -> tuple[str, dict[str, Any]]:
    """Say something with a file; returns the message's id, and what the server says of the file."""
    file = upload(fellow, data, name, **pixels)
    cmid = next(fellow.numbers)
    fellow._send(type="message", cmid=cmid, body=body, file=file["id"], alt=alt)
    fellow.said[cmid] = fellow.outbox[cmid] = body
    fellow.hear_until_acked()
    return fellow.acked[cmid], file
