"""A room's whole conversation as one page, to read, print or save: without a script.

It is read from the history and sent a piece at a time, however long it is.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from itertools import chain
from typing import NamedTuple
from urllib.parse import quote

from flask import Flask, Response, request, url_for

from chatroom.errors import ChatError, HandshakeRefused
from chatroom.files.stored import carried
from chatroom.history import History
from chatroom.message import Message, MessageId
from chatroom.names import is_unseen
from chatroom.reactions import KINDS, PICTURES, Reacted
from chatroom.web import handshake
from chatroom.web.invitation import room_path
from chatroom.web.language import preferred_language
from chatroom.wire.message_json import iso_time

READERS = 4
"""Concurrent transcripts: each holds a thread while the client reads it."""

PIECE = 64 * 1024
"""Characters that are sent at once, at least."""

MOST_SHOWN = 160
"""Characters of a message that is answered."""

WORDS = {
    "en": {
        "title": "the whole conversation",
        "made": "The whole conversation, as of",
        "save": "Save as a file",
        "back": "To the room",
        "gap": "Messages that stood here were deleted while this page was made.",
        "empty": "Nobody has said anything here yet.",
        "edited": "edited",
        "answers": "In reply to",
        "removed": "a message that was removed",
        "unchecked": "Nobody checked this name: it was sent by a simple client.",
        "end": "Messages:",
    },
    "de": {
        "title": "das ganze Gespräch",
        "made": "Das ganze Gespräch, Stand",
        "save": "Als Datei speichern",
        "back": "Zum Raum",
        "gap": "Was hier stand, wurde gelöscht, während diese Seite entstand.",
        "empty": "Hier hat noch niemand etwas gesagt.",
        "edited": "bearbeitet",
        "answers": "Antwort auf",
        "removed": "eine Nachricht, die entfernt wurde",
        "unchecked": "Diesen Namen hat niemand geprüft: Er kommt von einem einfachen Programm.",
        "end": "Nachrichten:",
    },
}

REACTIONS = {
    "en": ("Like", "Love", "Funny", "Wow", "Question", "Done"),
    "de": ("Gefällt mir", "Herz", "Lustig", "Staunen", "Frage", "Erledigt"),
}
"""What the page calls the kinds, too, in their order."""

UNITS = "B", "kB", "MB", "GB"

DAYS = {"en": "%Y-%m-%d", "de": "%d.%m.%Y"}


class Attached(NamedTuple):
    """The file that a message carries."""

    address: str
    name: str
    size: str
    """In words."""


class Entry(NamedTuple):
    """A message as the template shows it."""

    day: str
    """Of the first message of a day; otherwise ""."""
    gap: bool
    """Whether messages are missing before it."""
    moment: str
    clock: str
    name: str
    checked: bool
    """Whether a typed user said it, whose name was unique; anybody may say any name over the API or
    in the plain protocol."""
    body: str
    edited: bool
    answers: str | None
    """One line of the message that it answers; "" if that is gone, None if it answers none."""
    file: Attached | None
    reactions: str
    """What people think of it, in words, with how many do; "" if nobody has said so."""


class Transcript:
    """The messages of a room, and what the last lines of the page say about them.

    Args:
        files: the path to which a file's id is appended.
    """

    def __init__(self, history: History, room: str, language: str, files: str) -> None:
        self._files = files
        self._history = history
        self._room = room
        self._pages = history.pages(room, 0, history.head(room).seq)
        self._day_format = DAYS[language]
        self._has_reactions = history.last_mark(room) > 0
        self._kinds = dict(zip(KINDS, REACTIONS[language], strict=True))
        self.count = 0
        self.unchecked = False

    def entries(self) -> Iterator[Entry]:
        """All messages, oldest first.

        Raises:
            HistoryUnavailable: the history cannot be read now; may come in the middle.
        """
        day, expected = "", 0
        is_gap = False
        for message, state in self._messages():
            is_gap |= expected not in (0, message.seq)
            expected = message.seq + 1
            if message.removed:
                continue
            sent_at = _local(message.sent_at)
            today = sent_at.strftime(self._day_format)
            answers = self._line_of(message.reply_to) if message.reply_to else None
            file = self._attached(message.file) if message.file else None
            reactions = self._in_words(state.counts) if state else ""
            new_day = today if today != day else ""
            yield _entry(message, sent_at, new_day, is_gap, answers, file, reactions)
            day, is_gap = today, False
            self.count += 1
            self.unchecked |= not message.user_id

    def _messages(self) -> Iterator[tuple[Message, Reacted | None]]:
        for page in self._pages:
            found = self._history.reactions_to(page) if self._has_reactions else {}
            for message in page:
                yield message, found.get(MessageId(message.seq, message.nonce))

    def _in_words(self, counts: Mapping[str, int]) -> str:
        """Black on white paper, a word says more than a picture."""
        return " · ".join(
            f"{PICTURES[kind]} {self._kinds[kind]} {count}" for kind, count in counts.items()
        )

    def _attached(self, text: str) -> Attached:
        found = carried(text)
        name, size = _shown(str(found.get("name", ""))), int(found.get("size", 0))
        return Attached(self._files + str(found["id"]), name, _in_units(size))

    def _line_of(self, id: str) -> str:
        message = self._history.one(self._room, MessageId.parse(id))
        if message is None or message.removed:
            return ""
        start = " ".join(message.body[:MOST_SHOWN].split())
        more = "…" if len(message.body) > MOST_SHOWN else ""
        return f"{_shown(message.user_name)}: {start}{more}"


def _entry(
    message: Message,
    sent_at: datetime,
    day: str,
    is_gap: bool,
    answers: str | None,
    file: Attached | None,
    reactions: str,
) -> Entry:
    return Entry(
        day,
        is_gap,
        iso_time(message.sent_at),
        f"{sent_at.hour:02}:{sent_at.minute:02}",
        _shown(message.user_name),
        bool(message.user_id),
        message.body,
        bool(message.edited_at),
        answers,
        file,
        reactions,
    )


def _in_units(size: int) -> str:
    unit = next((unit for unit in UNITS if size < 1000 ** (UNITS.index(unit) + 1)), UNITS[-1])
    return f"{size / 1000 ** UNITS.index(unit):.3g} {unit}"


def _local(milliseconds: int) -> datetime:
    """The server's local time; UTC at both ends of the calendar."""
    moment = datetime.fromtimestamp(milliseconds // 1000, timezone.utc)
    try:
        return moment.astimezone()
    except (OverflowError, ValueError, OSError):
        return moment


def _shown(name: str) -> str:
    """The name as the page shows it: without what is invisible."""
    if name.isascii() and name.isprintable():  # nearly always
        return name
    seen = "".join(c for c in name if not is_unseen(c) and (c.isprintable() or c.isspace()))
    return " ".join(seen.split()) or "?"


def init_app(app: Flask, history: History) -> None:
    """Put the route on the app."""
    readers = threading.BoundedSemaphore(READERS)
    # Not Flask's stream_template, which needs the request until the end of its response.
    generate = app.jinja_env.get_template("transcript.html").generate
    style = app.jinja_env.get_template("transcript.css").render()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    # With its style inside, so that a saved file looks the same.
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
    policy += "form-action 'none'; frame-ancestors 'none'"

    @app.get("/rooms/<room>/transcript")
    def transcript(room: str) -> Response:
        room = handshake.room_asked_for(room)
        saved = "download" in request.args
        if not readers.acquire(blocking=False):
            raise HandshakeRefused(503, "Too many transcripts are being read. Try again.", RETRY)
        response = Response(mimetype="text/html")
        response.call_on_close(readers.release)
        try:
            stream = _in_pieces(_page(generate, history, room, style=style, saved=saved))
            response.response = chain([next(stream)], stream)
        except ChatError as error:
            response.close()
            raise HandshakeRefused(503, error.outside, RETRY) from error
        response.headers["Content-Security-Policy"] = policy
        response.cache_control.no_store = True
        response.vary.add("Accept-Language")
        if saved:
            response.headers["Content-Disposition"] = _attachment(room)
        return response


RETRY = {"Retry-After": "5"}


def _page(
    generate: Callable[..., Iterator[str]], history: History, room: str, **given: object
) -> Iterator[str]:
    language = preferred_language()
    files = url_for("api.file", room=room, file="x").removesuffix("x")
    found = Transcript(history, room, language, files)
    now = datetime.now().astimezone()
    return generate(
        language=language,
        words=WORDS[language],
        room=room,
        room_url=request.script_root + room_path(room),
        made=now.strftime(f"{DAYS[language]} %H:%M %Z"),
        entries=found.entries(),
        summary=found,
        **given,
    )


def _in_pieces(texts: Iterator[str]) -> Iterator[bytes]:
    """The texts in larger pieces: each is a write, and wakes a thread."""
    waiting: list[str] = []
    length = 0
    for text in texts:
        waiting.append(text)
        length += len(text)
        if length >= PIECE:
            yield "".join(waiting).encode(errors="replace")
            waiting, length = [], 0
    yield "".join(waiting).encode(errors="replace")


def _attachment(room: str) -> str:
    """A file name (RFC 6266) of the room's and the date, also for clients that know ASCII only."""
    date = f"{datetime.now():%Y-%m-%d}"
    plain = "".join(c if c.isascii() else "_" for c in room)
    exact = quote(f"{room}-{date}.html", safe="")
    return f"attachment; filename=\"{plain}-{date}.html\"; filename*=UTF-8''{exact}"
