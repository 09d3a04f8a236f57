"""Pictures and files: the routes, and how they come, a piece at a time.

No byte of them is looked at but the first few, and none is ever shown as a page of this server.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from flask import Blueprint, Response, request, url_for
from werkzeug.exceptions import ClientDisconnected, HTTPException

from chatroom.configuration import Configuration
from chatroom.engine import Engine
from chatroom.errors import ChatError, Problem, Refusal
from chatroom.files.file_names import cleaned
from chatroom.files.interface import Files
from chatroom.files.magic import ANY, type_of
from chatroom.files.stored import StoredFile
from chatroom.log import printable
from chatroom.rooms.questions import await_answer
from chatroom.sockets.budget import Budget
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.web import reading
from chatroom.web.api import bearer, parameters, responses, thumbnails
from chatroom.web.api.body import INCOMPLETE, demand_identity
from chatroom.web.api.downloads import Downloads, demand_files, gone
from chatroom.web.api.pace import Places
from chatroom.web.api.schemas import MOST_PIXELS
from chatroom.web.forwarded import client_address

log = logging.getLogger(__name__)

UPLOADS, UPLOADS_OF_ONE = 8, 6
"""At once, and at one address: each holds one of the threads for plain HTTP."""

BYTES_PER_SECOND, BYTES_AT_ONCE = 12_000_000, 1 << 20
"""Of all uploads together: what 100 Mbit/s bring. Faster ones would take processor and disk from
those who talk: docs/performance.md, "Files"."""

UPLOADED_PIECE = 256 * 1024
"""Bytes that are read before they are written: so seldom, the upload hardly takes the interpreter
from those who talk. docs/lessons.md, "What helped"."""

LULL = 30.0
"""Seconds without a byte, or nearly so, after which an upload ends."""

MOST_SECONDS = 60 * 60
"""That an upload may take: by then, the history takes it for lost."""

VIEW_SECONDS = 10 * 60
"""For which the address of a picture is good, where the room has a door."""


def init(api: Blueprint, engine: Engine, configuration: Configuration, timeout: float) -> None:
    """Put the routes on the blueprint.

    Args:
        timeout: seconds that the Server thread has to answer.
    """
    downloads = Downloads(engine, configuration.trusted_proxies)
    uploading = _Uploading(engine, configuration, timeout)

    @api.put("/rooms/<room>/files/<file>")
    def upload(room: str, file: str) -> Response:
        return uploading.upload(parameters.room_name(room), name=file)

    @api.get("/rooms/<room>/files")
    def view(room: str) -> Response:
        room = parameters.room_name(room)
        demand_files(engine)
        visitor, place = reading.visit(engine, configuration.trusted_proxies, room)
        epoch = place.charter.epoch
        text = engine.tokens.write_view(room, visitor.user_id, epoch, VIEW_SECONDS)
        return responses.fresh(json.dumps({"view": text, "seconds": VIEW_SECONDS}))

    @api.get("/rooms/<room>/files/<file>", endpoint="file")
    def one(room: str, file: str) -> Response:
        return downloads.send(downloads.demand(parameters.room_name(room), file))

    @api.put("/rooms/<room>/files/<file>/thumbnail")
    def add_thumbnail(room: str, file: str) -> Response:
        return uploading.add_thumbnail(parameters.room_name(room), file)

    @api.get("/rooms/<room>/files/<file>/thumbnail")
    def thumbnail(room: str, file: str) -> Response:
        return thumbnails.read(downloads, engine, parameters.room_name(room), file)


class _Uploading:
    """What uploads share."""

    def __init__(self, engine: Engine, configuration: Configuration, timeout: float) -> None:
        self._engine = engine
        self._configuration = configuration
        self._timeout = timeout
        self._places = Places(UPLOADS, UPLOADS_OF_ONE)
        # Rule: _lock guards _budget.
        self._budget = Budget(BYTES_PER_SECOND, BYTES_AT_ONCE)
        self._lock = threading.Lock()

    def upload(self, room: str, name: str) -> Response:
        """Whatever can be refused is refused before a byte of it is read."""
        engine, proxies = self._engine, self._configuration.trusted_proxies
        responses.demand_origin(self._configuration)
        files = demand_files(engine)
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
        with self._place(address):
            files.demand_space(size)
            file = self._begin(files, file, speaker)
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

    def add_thumbnail(self, room: str, id: str) -> Response:
        """Likewise. What it belongs to is looked up again once it has come: it may be said by now,
        and nobody is to see another picture than a host has approved."""
        engine, proxies = self._engine, self._configuration.trusted_proxies
        responses.demand_origin(self._configuration)
        files = demand_files(engine)
        demand_identity()
        who = bearer.read_person(engine, proxies, room)
        visitor, _ = reading.visit(engine, proxies, room)
        file = thumbnails.demand_picture(engine, visitor, room, id, _now())
        size = request.content_length
        thumbnails.demand_size(size or 0, file)
        address = client_address(request.environ, proxies)
        speaker = HttpSpeaker(room, "", address, who.user_id, proof=who)
        with self._place(address):
            files.demand_space(thumbnails.MOST_BYTES if size is None else size)
            begin = partial(engine.server.uploads.begin_thumbnail, speaker, id)
            engine.server.ask(begin, self._timeout)
            data = thumbnails.read_picture(file)
            thumbnails.demand_picture(engine, visitor, room, id, _now())
            try:
                files.put_thumbnail(id, data)
            except FileNotFoundError:  # erased just now; or a backup has the history without it
                raise gone() from None
            except BlockingIOError:
                raise Problem("busy", "Another thumbnail of this picture is coming.") from None
        return responses.fresh("", 204)

    @contextmanager
    def _place(self, address: str) -> Iterator[None]:
        """One of a few places; whatever the disk does, the client is told."""
        with self._places.one_for(address, "Too many files are being uploaded. Try again."):
            try:
                yield
            except OSError as error:
                log.error("error: %s %s: %s", request.method, request.path, error)
                detail = "The file cannot be stored now; try again later."
                raise Problem("unavailable", detail) from error

    def _store(self, files: Files, file: StoredFile) -> StoredFile:
        uploads, limit = self._engine.server.uploads, self._configuration.max_file_bytes
        try:
            put = files.put(file.id, self._paced(_body(limit)))
            whole = file._replace(
                type=type_of(put.head), size=put.size, uploaded_at=_now(), is_whole=True
            )
            self._ask(partial(uploads.complete, whole))
        except BaseException:  # also if its time is over: see body_input.py
            # What fails here is deleted within the hour, as the history knows of it.
            with suppress(ChatError, OSError):
                files.forget(file.id)
                self._ask(partial(uploads.drop, [file.id]))
            raise
        return whole

    def _paced(self, pieces: Iterator[memoryview]) -> Iterator[memoryview]:
        for piece in pieces:
            yield piece
            with self._lock:
                seconds = self._budget.spend(len(piece))
            if seconds:  # the client waits: TCP slows it down
                time.sleep(seconds)

    def _ask(self, question: Callable[[], Future[Any]]) -> None:
        await_answer(self._engine.server.ask(question, self._timeout), self._timeout)


def _body(limit: int) -> Iterator[memoryview]:
    """The request's body, as it comes; each piece is good until the next one is asked for.

    Raises:
        Problem: it is too long, empty, or ends early.
    """
    if sock := request.environ.get("gunicorn.socket"):
        sock.lull = LULL
    over, size = time.monotonic() + MOST_SECONDS, 0
    request.max_content_length = limit + 1  # one more, which shows that it is too long
    length = request.content_length
    box = memoryview(bytearray(min(UPLOADED_PIECE, length or UPLOADED_PIECE)))
    while piece := _next_piece(request.stream, box, limit):
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        if time.monotonic() > over:
            raise Problem("bad-request", "That took too long: an upload has an hour.")
        yield piece
    if size < (length or 1):
        raise Problem("bad-request", INCOMPLETE if size else "The file is empty.")


def _next_piece(stream: Any, box: memoryview, limit: int) -> memoryview:
    """What comes next, in the box; empty at the end."""
    try:
        return box[: stream.readinto(box)]
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
