"""Pictures and files: how they come, a piece at a time, and how browsers get them.

No byte of them is looked at but the first few, and none is ever shown as a page of this server.
"""

from __future__ import annotations

import errno
import json
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import quote

from flask import Blueprint, Response, request, url_for
from werkzeug.exceptions import ClientDisconnected, HTTPException

from chatroom.configuration import Configuration
from chatroom.engine import Engine
from chatroom.errors import ChatError, Problem, Refusal
from chatroom.files.file_ids import is_id
from chatroom.files.file_names import cleaned
from chatroom.files.interface import Files
from chatroom.files.magic import ANY, INLINE, type_of
from chatroom.files.stored import Claim, StoredFile
from chatroom.log import printable
from chatroom.rooms.questions import await_answer
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.web import reading
from chatroom.web.api import bearer, parameters, responses
from chatroom.web.api.body import INCOMPLETE, demand_identity
from chatroom.web.api.pace import Places
from chatroom.web.api.schemas import MOST_PIXELS
from chatroom.web.forwarded import client_address

log = logging.getLogger(__name__)

UPLOADS, DOWNLOADS = 8, 16
"""At once: each holds one of the threads for plain HTTP."""

UPLOADS_OF_ONE, DOWNLOADS_OF_ONE = 6, 12
"""Of these, one address may have so many."""

LULL = 30.0
"""Seconds without a byte, or nearly so, after which an upload ends."""

MOST_SECONDS = 60 * 60
"""That an upload may take: by then, the history takes it for lost."""

PIECE = 256 * 1024
"""Bytes of a file that are in memory at once."""

VIEW_SECONDS = 10 * 60
"""For which the address of a picture is good, where the room has a door."""

POLICY = "default-src 'none'; sandbox"

NO_FILES = (
    "There are no files here: the server's settings say so (filesBytes), or name no folder for "
    "them, which a history in PostgreSQL needs (filesFolder)."
)


def init(api: Blueprint, engine: Engine, configuration: Configuration, timeout: float) -> None:
    """Put the routes on the blueprint.

    Args:
        timeout: seconds that the Server thread has to answer.
    """
    downloads = Places(DOWNLOADS, DOWNLOADS_OF_ONE)
    uploading = _Uploading(engine, configuration, timeout)

    @api.put("/rooms/<room>/files/<file>")
    def upload(room: str, file: str) -> Response:
        return uploading.upload(parameters.room_name(room), name=file)

    @api.get("/rooms/<room>/files")
    def view(room: str) -> Response:
        room = parameters.room_name(room)
        _demand_files(engine)
        visitor, place = reading.visit(engine, configuration.trusted_proxies, room)
        epoch = place.charter.epoch
        text = engine.tokens.write_view(room, visitor.user_id, epoch, VIEW_SECONDS)
        return responses.fresh(json.dumps({"view": text, "seconds": VIEW_SECONDS}))

    @api.get("/rooms/<room>/files/<file>", endpoint="file")
    def one(room: str, file: str) -> Response:
        room, id = parameters.room_name(room), file
        files = _demand_files(engine)
        visitor, _ = reading.visit(engine, configuration.trusted_proxies, room)
        found = engine.history.file(id) if is_id(id) else None
        if found and found.room != room:
            found = None
        if found and engine.policy.may_see(visitor, found):
            address = client_address(request.environ, configuration.trusted_proxies)
            return _sent(files, found, downloads, address)
        is_gone = found.claim is Claim.GONE if found else engine.file_ids.is_of(room, id)
        if is_gone:
            raise _gone()
        raise Problem("no-such-file", "The room has no file with this id.")


def _demand_files(engine: Engine) -> Files:
    if engine.files is None:
        raise Problem("no-files", NO_FILES)
    return engine.files


def _gone() -> Problem:
    return Problem("gone", "This file was removed.")


# -- to clients ------------------------------------------------------------------------------------


def _sent(files: Files, file: StoredFile, downloads: Places, address: str) -> Response:
    response = responses.unbuffered(Response(mimetype=file.type))
    response.headers.update(_headers(file))
    response.set_etag(file.id)
    if request.if_none_match.contains_weak(file.id):
        response.status_code = 304
        return response
    span = _span(response, file.size)
    if span is None:
        response.status_code = 416
        response.headers["Content-Range"] = f"bytes */{file.size}"
        return response
    start, stop = span
    response.content_length = stop - start
    if request.method == "HEAD":
        return response
    with ExitStack() as leaving:
        leaving.enter_context(
            downloads.one_for(address, "Too many files are being downloaded. Try again.")
        )
        stream = leaving.enter_context(_opened(files, file))
        stream.seek(start)
        response.response = _pieces_of(stream, stop - start)
        response.call_on_close(leaving.pop_all().close)
    return response


def _headers(file: StoredFile) -> dict[str, str]:
    shown = "inline" if file.type in INLINE else "attachment"
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f"{shown}; filename*=UTF-8''{quote(file.name, safe='')}",
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
    }


def _opened(files: Files, file: StoredFile) -> BinaryIO:
    try:
        return files.open(file.id)
    except FileNotFoundError:  # deleted just now; or a backup has the history without its files
        raise _gone() from None
    except OSError as error:
        log.warning("error: %s %s: %s", request.method, request.path, error)
        raise Problem("unavailable", "The file cannot be read now; try again later.") from error


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


# -- from clients ----------------------------------------------------------------------------------


class _Uploading:
    """What uploads share."""

    def __init__(self, engine: Engine, configuration: Configuration, timeout: float) -> None:
        self._engine = engine
        self._configuration = configuration
        self._timeout = timeout
        self._places = Places(UPLOADS, UPLOADS_OF_ONE)

    def upload(self, room: str, name: str) -> Response:
        """Whatever can be refused is refused before a byte of it is read."""
        engine, proxies = self._engine, self._configuration.trusted_proxies
        responses.demand_origin(self._configuration)
        files = _demand_files(engine)
        demand_identity()
        who = bearer.read_person(engine, proxies, room)
        limit = self._configuration.max_file_bytes
        size = limit if request.content_length is None else request.content_length
        if size > limit:
            raise _too_large(limit)
        if not size:
            raise Problem("bad-request", "The file is empty.")
        file = StoredFile(
            engine.file_ids.new(room),
            room,
            cleaned(name),
            ANY,
            size,
            _pixels("width"),
            _pixels("height"),
            who.user_id,
            _now(),
        )
        address = client_address(request.environ, proxies)
        speaker = HttpSpeaker(room, "", address, who.user_id, proof=who)
        with self._places.one_for(address, "Too many files are being uploaded. Try again."):
            try:
                files.demand_space(size)
                file = self._begin(files, file, speaker)
            except OSError as error:
                log.error("error: %s %s: %s", request.method, request.path, error)
                detail = "The file cannot be stored now; try again later."
                raise Problem("unavailable", detail) from error
        whose = printable(address), printable(room)
        log.info('uploaded: (%s) room "%s", %d bytes, file %s', *whose, file.size, file.id)
        where = url_for("api.file", room=room, file=file.id)
        told = json.loads(file.to_json()) | {"address": where}
        response = responses.fresh(json.dumps(told, ensure_ascii=False), 201)
        response.location = where
        return response

    def _begin(self, files: Files, file: StoredFile, speaker: HttpSpeaker) -> StoredFile:
        uploads = self._engine.server.uploads
        try:
            self._ask(partial(uploads.begin, speaker, file))
            return self._store(files, file)
        except Refusal as refusal:
            if refusal.code == "no-space":  # which is not the person's fault
                with suppress(ChatError):
                    self._engine.server.ask(partial(uploads.give_back, speaker), self._timeout)
            raise

    def _store(self, files: Files, file: StoredFile) -> StoredFile:
        uploads, limit = self._engine.server.uploads, self._configuration.max_file_bytes
        try:
            put = files.put(file.id, _body(limit))
            whole = file._replace(
                type=type_of(put.head), size=put.size, uploaded_at=_now(), is_whole=True
            )
            self._ask(partial(uploads.complete, whole))
        except BaseException:  # also if its time is over: see incoming.py
            # What fails here is deleted within the hour, as the history knows of it.
            with suppress(ChatError, OSError):
                files.forget(file.id)
                self._ask(partial(uploads.drop, [file.id]))
            raise
        return whole

    def _ask(self, question: Callable[[], Future[Any]]) -> None:
        await_answer(self._engine.server.ask(question, self._timeout), self._timeout)


def _body(limit: int) -> Iterator[bytes]:
    """The request's body, as it comes.

    Raises:
        Problem: it is too long, empty, or ends early.
    """
    if sock := request.environ.get("gunicorn.socket"):
        sock.lull = LULL
    over, size = time.monotonic() + MOST_SECONDS, 0
    request.max_content_length = limit + 1  # one more, which shows that it is too long
    stream: Any = request.stream
    while piece := _piece(stream, limit):
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        if time.monotonic() > over:
            raise Problem("bad-request", "That took too long: an upload has an hour.")
        yield piece
    if size < (request.content_length or 1):
        raise Problem("bad-request", INCOMPLETE if size else "The file is empty.")


def _piece(stream: Any, limit: int) -> bytes:
    try:
        piece: bytes = stream.read(PIECE)
        return piece
    except ClientDisconnected:
        raise Problem("bad-request", INCOMPLETE) from None
    except HTTPException:
        raise _too_large(limit) from None
    except Exception as error:  # gunicorn parses chunks as they are read; any flaw is the client's
        raise Problem("bad-request", f"The body cannot be read: {error}") from None


def _too_large(limit: int) -> Problem:
    return Problem("too-large", f"The file is too large; wanted: {limit} bytes at most")


def _pixels(field: str) -> int:
    text = request.args.get(field)
    return 0 if text is None else parameters.number(field, text, 1, MOST_PIXELS)


def _now() -> int:
    return time.time_ns() // 1_000_000
