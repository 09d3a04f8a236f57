"""Messages as text: the formats of ``chatroom export``, and what ``tail`` prints."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timezone

from chatroom.commands.answers import Answered
from chatroom.commands.archived import Archived
from chatroom.commands.json_lines import to_line
from chatroom.files.stored import alt_in, carried
from chatroom.log import printable
from chatroom.message import Message
from chatroom.wire.message_json import iso_time

Format = Callable[[Iterable[Archived]], Iterator[str]]
"""Turns messages into pieces of text that contain their own line ends."""

COLUMNS = (
    *("id", "sentAt", "userName", "body", "timestamp", "room", "userId", "cmid", "checked"),
    *("by", "editedAt", "replyTo", "fileId", "fileName", "fileAlt", "reactions"),
)

UNCHECKED = "~"
"""Before a name that nobody checked, because it came over the plain protocol or HTTP."""

BYTE_ORDER_MARK = "\ufeff"
"""Excel takes a CSV file for UTF-8 only if it begins with it."""

# Python 3.10 cannot write a NUL into CSV, nor spreadsheets read one: its symbol replaces it.
_SHOWN_NUL = {0: "\u2400"}

# Spreadsheets take what begins so for a formula, some of them behind space, too.
# Source: owasp.org/www-community/attacks/CSV_Injection.
_FORMULA = re.compile("[\t\r\n]|[\\s\ufeff\u200b-\u200f\u2060]*[=+\\-@\uff1d\uff0b\uff0d\uff20]")

# What could control a terminal that shows the file, or reverse its text.
_CONTROLS = re.compile(
    "[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)

# What Markdown or HTML would interpret: anywhere, and at the start of a line.
_MARKUP = re.compile(r"([\\`*_\[\]<>#|~&])")
_LINE_MARKUP = re.compile(r"^([-+=]|\d+(?=[.)]))")


def jsonl(messages: Iterable[Archived]) -> Iterator[str]:
    """One JSON object per line, as in the protocol; ``chatroom import`` reads it."""
    for item in messages:
        yield to_line(item) + "\n"


def as_csv(
    messages: Iterable[Archived], *, exact: bool = False, with_mark: bool = True
) -> Iterator[str]:
    """RFC 4180, with a header.

    Args:
        exact: every field as it is; otherwise such that a spreadsheet takes each for text.
        with_mark: whether to begin with a byte order mark, unless it is to be exact.
    """
    lines = io.StringIO(newline="")
    writer = csv.writer(lines, quoting=csv.QUOTE_MINIMAL if exact else csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    yield (BYTE_ORDER_MARK if with_mark and not exact else "") + lines.getvalue()
    for m, counts, _ in messages:
        lines.seek(0)
        lines.truncate()
        sent, checked = iso_time(m.sent_at), "yes" if m.user_id else "no"
        edited = iso_time(m.edited_at) if m.edited_at else ""
        said = m.id, sent, m.user_name, m.body, m.timestamp
        file = carried(m.file) if m.file else {}
        carries = str(file.get("id", "")), str(file.get("name", "")), alt_in(file)
        more = m.by, edited, m.reply_to, *carries, in_words(counts)
        row = (*said, m.room, m.user_id, m.cmid, checked, *more)
        fields = (field.translate(_SHOWN_NUL) for field in row)
        writer.writerow(fields if exact else map(_harmless, fields))
        yield lines.getvalue()


def in_words(counts: Mapping[str, int]) -> str:
    """``like 2, wow 1``."""
    return ", ".join(f"{printable(kind)} {count}" for kind, count in counts.items())


def _harmless(field: str) -> str:
    """The field as text to a spreadsheet, which would compute a formula."""
    field = _CONTROLS.sub(lambda found: printable(found[0]), field)
    return f"'{field}" if _FORMULA.match(field) else field


def text(messages: Iterable[Archived]) -> Iterator[str]:
    """One line per message, with the time in UTC; further lines of a body are indented."""
    answered = Answered()
    for message, *_ in messages:
        yield answered.line_above(message) + text_line(message) + "\n"
        answered.add(message.id, text_start(message))


def text_line(message: Message, *, local: bool = False) -> str:
    """``2026-01-31 09:05:00 Ann: Good morning!``; nothing in it can control a terminal."""
    body = "\n    ".join(printable(line) for line in body_lines(message))
    return f"{text_start(message, local=local)}: {body}"


def text_start(message: Message, *, local: bool = False) -> str:
    """``2026-01-31 09:05:00 Ann``: when it was said, and by whom."""
    time = datetime.fromtimestamp(message.sent_at / 1000, timezone.utc)
    if local:
        with suppress(OverflowError):  # in the year 1 or 9999, there is not every local time
            time = time.astimezone()
    return f"{time:%Y-%m-%d %H:%M:%S} {shown_name(message)}"


def shown_name(message: Message) -> str:
    """The author's name; marked where nobody checked it, since it may be another person's.

    A checked name that looks marked gets a backslash, so that each is told from the other.
    """
    name = printable(message.user_name)
    if not message.user_id:
        return UNCHECKED + name
    return f"\\{name}" if name.startswith((UNCHECKED, "\\")) else name


def markdown(messages: Iterable[Archived]) -> Iterator[str]:
    """One heading per day, and messages as quotations; times are UTC."""
    day = ""
    answered = Answered()
    for message, counts, _ in messages:
        time = datetime.fromtimestamp(message.sent_at / 1000, timezone.utc)
        if not day:
            yield f"# {_plain(message.room)}\n"
        if day != (day := f"{time:%Y-%m-%d}"):
            yield f"\n## {day}\n"
        quotation = "  \n> ".join(_plain(line) for line in body_lines(message))
        above = _plain(answered.line_above(message).strip())
        above = f" *{above}*" if above else ""
        yield f"\n**{_plain(shown_name(message))}** {time:%H:%M:%S}{above}\n\n> {quotation}\n"
        if counts:
            yield f"\n*{_plain(in_words(counts))}*\n"
        answered.add(message.id, text_start(message))


def _plain(line: str) -> str:
    """The line escaped, so that Markdown shows it as it is."""
    line = _MARKUP.sub(r"\\\1", printable(line))
    line = _LINE_MARKUP.sub(lambda found: _escape_start(found[1]), line)
    bare = line.lstrip(" ")
    return "&nbsp;" * (len(line) - len(bare)) + bare


def _escape_start(mark: str) -> str:
    return f"{mark}\\" if mark.isdigit() else f"\\{mark}"


def body_lines(message: Message) -> list[str]:
    """The body's lines and what its file is called and shows, at least one; tabs become spaces."""
    lines = message.body.expandtabs(4).splitlines()
    if message.file:
        file = carried(message.file)
        alt = alt_in(file)
        lines.append(f"[{file['name']}: {alt}]" if alt else f"[{file['name']}]")
    return lines or [""]


FORMATS: dict[str, Format] = {
    "jsonl": jsonl,
    "markdown": markdown,
    "csv": as_csv,
    "text": text,
}
