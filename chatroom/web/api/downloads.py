"""Pictures and files on their way to clients: as browsers may have them, and for as long as their
message is there."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import BinaryIO, NamedTuple
from urllib.parse import quote

from flask import Response, request

from chatroom.engine import Engine
from chatroom.errors import Problem
from chatroom.files.file_ids import is_id
from chatroom.files.interface import Files
from chatroom.files.magic import INLINE
from chatroom.files.stored import Claim, StoredFile
from chatroom.web import reading
from chatroom.web.api import responses
from chatroom.web.api.pace import Places
from chatroom.web.forwarded import Networks, client_address

log = logging.getLogger(__name__)

DOWNLOADS, DOWNLOADS_OF_ONE = 16, 12
"""At once, and at one address: each holds one of the threads for plain HTTP."""

PIECE = 256 * 1024
"""Bytes of a file that are in memory at once."""

POLICY = "default-src 'none'; sandbox"

NO_FILES = (
    "There are no files here: the server's settings say so (filesBytes), or name no folder for "
    "them, which a history in PostgreSQL needs (filesFolder)."
)


class Content(NamedTuple):
    """What a client gets."""

    tag: str
    """Another one, if it is anything else."""
    name: str
    type: str
    """One of ``magic.INLINE``, or ``magic.ANY``."""
    size: int
    open: Callable[[], BinaryIO]


class Downloads:
    """What they share. Any thread."""

    def __init__(self, engine: Engine, proxies: Networks) -> None:
        self._engine = engine
        self._proxies = proxies
        self._places = Places(DOWNLOADS, DOWNLOADS_OF_ONE)

    def demand(self, room: str, id: str) -> StoredFile:
        """The file, if whoever has sent the request may read it.

        Raises:
            Problem: ``gone``, ``no-such-file``, ``no-files``.
        """
        engine = self._engine
        demand_files(engine)
        visitor, _ = reading.visit(engine, self._proxies, room)
        found = known(engine, room, id)
        if found and engine.policy.may_see(visitor, found):
            return found
        raise missing(engine, room, id, found)

    def send(self, file: StoredFile) -> Response:
        """The file itself, which takes as long as its reader wants."""
        files = demand_files(self._engine)
        address = client_address(request.environ, self._proxies)
        place = self._places.one_for(address, "Too many files are being downloaded. Try again.")
        content = Content(file.id, file.name, file.type, file.size, lambda: _opened(files, file))
        return send(content, place)


def demand_files(engine: Engine) -> Files:
    """Where the bytes of files are.

    Raises:
        Problem: ``no-files``.
    """
    if engine.files is None:
        raise Problem("no-files", NO_FILES)
    return engine.files


def known(engine: Engine, room: str, id: str) -> StoredFile | None:
    """What the history knows of a file of this room."""
    found = engine.history.file(id) if is_id(id) else None
    return found if found and found.room == room else None


def missing(engine: Engine, room: str, id: str, found: StoredFile | None) -> Problem:
    """What whoever may not read a file is told: whether there was one, and not whether there is."""
    is_gone = found.claim is Claim.GONE if found else engine.file_ids.is_of(room, id)
    return gone() if is_gone else Problem("no-such-file", "The room has no file with this id.")


def gone() -> Problem:
    """What everybody is told of a file that was removed."""
    return Problem("gone", "This file was removed.")


def send(content: Content, place: AbstractContextManager[None]) -> Response:
    """All of it, the part that is asked for, or that the client has it already.

    Args:
        place: entered before anything is opened, and left once the response is over.
    """
    response = responses.unbuffered(Response(mimetype=content.type))
    response.headers.update(_headers(content))
    response.set_etag(content.tag)
    if request.if_none_match.contains_weak(content.tag):
        response.status_code = 304
        return response
    span = _span(response, content.size)
    if span is None:
        response.status_code = 416
        response.headers["Content-Range"] = f"bytes */{content.size}"
        return response
    start, stop = span
    response.content_length = stop - start
    if request.method == "HEAD":
        return response
    with ExitStack() as leaving:
        leaving.enter_context(place)
        stream = leaving.enter_context(content.open())
        stream.seek(start)
        response.response = _pieces_of(stream, stop - start)
        response.call_on_close(leaving.pop_all().close)
    return response


def _headers(content: Content) -> dict[str, str]:
    shown = "inline" if content.type in INLINE else "attachment"
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f"{shown}; filename*=UTF-8''{quote(content.name, safe='')}",
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
    }


def _opened(files: Files, file: StoredFile) -> BinaryIO:
    try:
        return files.open(file.id)
    except FileNotFoundError:  # deleted just now; or a backup has the history without its files
        raise gone() from None
    except OSError as error:
        raise unreadable(error) from error


def unreadable(error: OSError) -> Problem:
    """What a client is told if a disk fails."""
    log.warning("error: %s %s: %s", request.method, request.path, error)
    return Problem("unavailable", "The file cannot be read now; try again later.")


def _span(response: Response, size: int) -> tuple[int, int] | None:
    """What is asked for, and says so; all of it, if that is no range, or several (RFC 9110, section
    14.2). None if there is nothing of that."""
    wanted = request.range
    changed = request.if_range.etag not in (None, response.get_etag()[0]) or request.if_range.date
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1 or changed:
        return 0, size
    start, _ = wanted.ranges[0]
    span = (0, size) if -start >= size > 0 else wanted.range_for_length(size)
    if span:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {span[0]}-{span[1] - 1}/{size}"
    return span


def _pieces_of(stream: BinaryIO, count: int) -> Iterator[bytes]:
    while count:
        piece = stream.read(min(PIECE, count))
        if not piece:  # somebody has truncated it
            # Else the next response on this connection would be taken for the rest of the file.
            raise OSError(errno.EIO, "the file is shorter than it was")
        count -= len(piece)
        yield piece
