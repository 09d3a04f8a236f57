"""Messages as text: the formats of ``chatroom export``, and what ``tail`` prints."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone

from chatroom.log import printable
from chatroom.message import Message
from chatroom.wire.message_json import iso_time, to_json

Format = Callable[[Iterable[Message]], Iterator[str]]
"""Turns messages into pieces of text that contain their own line ends."""

COLUMNS = ("id", "sentAt", "userName", "body", "timestamp", "room", "userId", "cmid")

# Python 3.10 cannot write a NUL into CSV, nor spreadsheets read one: its symbol replaces it.
_SHOWN_NUL = {0: "\u2400"}

# What Markdown or HTML would interpret: anywhere, and at the start of a line.
_MARKUP = re.compile(r"([\\`*_\[\]<>#|~&])")
_LINE_MARKUP = re.compile(r"^([-+=]|\d+(?=[.)]))")


def jsonl(messages: Iterable[Message]) -> Iterator[str]:
    """One JSON object per line, as in the protocol; ``chatroom import`` reads it."""
    for message in messages:
        yield to_json(message) + "\n"


def as_csv(messages: Iterable[Message]) -> Iterator[str]:
    """RFC 4180, with a header."""
    lines = io.StringIO(newline="")
    writer = csv.writer(lines)
    writer.writerow(COLUMNS)
    yield lines.getvalue()
    for m in messages:
        lines.seek(0)
        lines.truncate()
        sent = iso_time(m.sent_at)
        row = (m.id, sent, m.user_name, m.body, m.timestamp, m.room, m.user_id, m.cmid)
        writer.writerow([field.translate(_SHOWN_NUL) for field in row])
        yield lines.getvalue()


def text(messages: Iterable[Message]) -> Iterator[str]:
    """One line per message, with the time in UTC; further lines of a body are indented."""
    for message in messages:
        yield text_line(message) + "\n"


def text_line(message: Message, *, local: bool = False) -> str:
    """``2026-01-31 09:05:00 Ann: Good morning!``; nothing in it can control a terminal."""
    zone = None if local else timezone.utc
    time = datetime.fromtimestamp(message.sent_at / 1000, timezone.utc).astimezone(zone)
    body = "\n    ".join(printable(line) for line in body_lines(message))
    return f"{time:%Y-%m-%d %H:%M:%S} {printable(message.user_name)}: {body}"


def markdown(messages: Iterable[Message]) -> Iterator[str]:
    """One heading per day, and messages as quotations; times are UTC."""
    day = ""
    for message in messages:
        time = datetime.fromtimestamp(message.sent_at / 1000, timezone.utc)
        if not day:
            yield f"# {_plain(message.room)}\n"
        if day != (day := f"{time:%Y-%m-%d}"):
            yield f"\n## {day}\n"
        quotation = "  \n> ".join(_plain(line) for line in body_lines(message))
        yield f"\n**{_plain(message.user_name)}** {time:%H:%M:%S}\n\n> {quotation}\n"


def _plain(line: str) -> str:
    """The line escaped, so that Markdown shows it as it is."""
    line = _MARKUP.sub(r"\\\1", printable(line))
    line = _LINE_MARKUP.sub(lambda found: _escape_start(found[1]), line)
    bare = line.lstrip(" ")
    return "&nbsp;" * (len(line) - len(bare)) + bare


def _escape_start(mark: str) -> str:
    return f"{mark}\\" if mark.isdigit() else f"\\{mark}"


def body_lines(message: Message) -> list[str]:
    """The body's lines, at least one; tabs become spaces."""
    return message.body.expandtabs(4).splitlines() or [""]


FORMATS: dict[str, Format] = {
    "jsonl": jsonl,
    "markdown": markdown,
    "csv": as_csv,
    "text": text,
}
