"""A small picture of each picture, made by whoever sends it: no decoder runs where the room runs.

It comes between its picture and their message; without one, the picture itself is shown.
"""

from __future__ import annotations

import hashlib
import io
from contextlib import closing, nullcontext

from flask import Response
from werkzeug.exceptions import RequestEntityTooLarge

from chatroom.engine import Engine
from chatroom.errors import Problem
from chatroom.files.interface import Files
from chatroom.files.magic import INLINE, kind_of
from chatroom.files.pixels import HIDDEN, pixels_of
from chatroom.files.stored import Claim, StoredFile
from chatroom.rooms.policy import Visitor
from chatroom.web.api import body
from chatroom.web.api.downloads import (
    Content,
    Downloads,
    demand_files,
    known,
    missing,
    send,
    unreadable,
)

MOST_BYTES = 64 * 1024
"""Of one; also in memory, while it comes and while it is sent. No more than ``magic.HEAD_BYTES``:
so all of it is looked at."""

MOST_PIXELS = 480
"""Wide and high."""

PART = 2
"""One is at most such a part of its picture: so all of them together are of all files, which
``filesBytes`` limits, and need no account of their own."""

TAG_BYTES = 8


def read(downloads: Downloads, engine: Engine, room: str, id: str) -> Response:
    """The thumbnail of a file, or the picture itself.

    Raises:
        Problem: the file is no picture; and as ``Downloads.demand``.
    """
    file = downloads.demand(room, id)
    data = stored(demand_files(engine), file)
    if data:
        digest = hashlib.blake2b(data, digest_size=TAG_BYTES).hexdigest()
        # Without one of the places: whoever looks at a room wants many of them, and each is small.
        kind, tag = kind_of(data), f"{id}-{digest}"
        content = Content(tag, file.name, kind, len(data), lambda: io.BytesIO(data))
        return send(content, nullcontext())
    if file.type in INLINE:
        return downloads.send(file)
    raise Problem("no-such-file", "This file is no picture: it has no thumbnail.")


def stored(files: Files, file: StoredFile) -> bytes:
    """The thumbnail's bytes; none if there is none.

    Raises:
        Problem: it cannot be read now.
    """
    try:
        with closing(files.open_thumbnail(file.id)) as stream:
            data = stream.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise unreadable(error) from error
    # Somebody may have put something else into the folder. That it is small was found out when it
    # came: to look for the size of each picture that is read would cost too much.
    return data if len(data) <= MOST_BYTES and kind_of(data) in INLINE else b""


def demand_picture(engine: Engine, visitor: Visitor, room: str, id: str, now: int) -> StoredFile:
    """The picture, if its thumbnail may come now, from whoever has sent the request.

    Args:
        now: Unix time in milliseconds.

    Raises:
        Problem: ``no-such-file``, ``gone``, ``not-yours``, ``too-late``, ``unsupported-type``.
    """
    file = known(engine, room, id)
    if file is None or not engine.policy.may_see(visitor, file):
        raise missing(engine, room, id, file)
    if file.user_id != visitor.user_id:
        raise Problem("not-yours", "Only whoever has uploaded a picture adds its thumbnail.")
    if file.claim is not Claim.NOBODY or not file.is_free_for(room, visitor.user_id, now):
        detail = "A thumbnail comes before the message, and within an hour of its picture."
        raise Problem("too-late", detail)
    if file.type not in INLINE:
        raise _no_picture("This file is no picture: it has no thumbnail")
    return file


def demand_size(size: int, file: StoredFile) -> None:
    """Make sure that a file can have a thumbnail of so many bytes.

    Raises:
        Problem: it is too large.
    """
    most = min(MOST_BYTES, file.size // PART)
    if size > most:
        half = "" if most == MOST_BYTES else ", half of what its picture has"
        raise Problem(
            "too-large", f"The thumbnail is too large; wanted: {most} bytes at most{half}"
        )


def read_picture(file: StoredFile) -> bytes:
    """The body of the request: a small picture, by its own bytes.

    Raises:
        Problem: it is not; and as ``body.read``.
    """
    try:
        data = body.read(min(MOST_BYTES, file.size // PART))
    except RequestEntityTooLarge:
        demand_size(MOST_BYTES + 1, file)
        raise
    if not data:
        raise Problem("bad-request", "The thumbnail is empty.")
    size = pixels_of(kind_of(data), data)
    if 0 in size or size == HIDDEN:
        raise _no_picture("The thumbnail is no picture that says its size")
    if max(size) > MOST_PIXELS:
        wide, high = size
        wanted = f"{MOST_PIXELS} by {MOST_PIXELS} at most"
        raise Problem("too-large", f"The thumbnail has {wide} by {high} pixels; wanted: {wanted}")
    return data


def _no_picture(wrong: str) -> Problem:
    kinds = ", ".join(INLINE)
    return Problem("unsupported-type", f"{wrong}; wanted: {kinds}", {"Accept": kinds})
