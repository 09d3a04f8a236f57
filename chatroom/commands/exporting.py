"""``chatroom export``: everything that was said in a room."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, NamedTuple

import click

from chatroom import private_files
from chatroom.commands.exit_codes import Failed
from chatroom.commands.files import history_type, opened
from chatroom.commands.formats import FORMATS
from chatroom.commands.http import Api, Extent
from chatroom.commands.options import room_argument, url_option
from chatroom.commands.output import note
from chatroom.history import History
from chatroom.message import Message

LONG = 2000
"""From this many messages on, a progress bar is worth its line."""


class Source(NamedTuple):
    """Where the messages come from."""

    extent: Extent
    messages: Iterable[Message]


@click.command()
@room_argument
@url_option
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(list(FORMATS)),
    default="jsonl",
    show_default=True,
    help="jsonl has everything, and import reads it.",
)
@click.option(
    "-o",
    "--output",
    type=click.File("w", encoding="utf-8", lazy=True, atomic=True),
    help="A file, written completely or not at all; by default standard output.",
)
@click.option(
    "--history",
    type=history_type,
    metavar="FILE",
    help="Read this history file, such as chat.db, while no server uses it.",
)
def export(room: str, url: str, format_: str, output: IO[str] | None, history: Path | None) -> None:
    """Write everything said in ROOM, oldest message first.

    \b
        chatroom export lobby > lobby.jsonl
        chatroom export lobby --format markdown --output lobby.md
        chatroom export lobby --history chat.db
    """
    with ExitStack() as stack:
        if history:
            source = _from_file(stack.enter_context(opened(history, make=False)), room)
        else:
            source = _from_server(Api(url), room)
        if not source.extent.messages:
            note(f"nothing has been said in {room}")
        checked = _Checked(source)
        # The output file is created now; click knows no mode for it.
        stack.callback(os.umask, os.umask(0o777 & ~private_files.MODE))
        for piece in FORMATS[format_](_with_progress(checked, source.extent.messages)):
            (output or sys.stdout).write(piece)
        checked.demand_all()
        (output or sys.stdout).flush()


def _from_file(history: History, room: str) -> Source:
    seq = history.head(room).seq
    first = history.first(room)
    pages = history.pages(room, 0, seq)
    extent = Extent(seq - first + 1 if first else 0, seq)
    return Source(extent, (message for page in pages for message in page))


def _from_server(api: Api, room: str) -> Source:
    extent = api.rooms().get(room, Extent(0, 0))
    return Source(extent, api.messages(room) if extent.messages else ())


class _Checked:
    """Passes the messages on, and checks that none is missing."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._last = 0

    def __iter__(self) -> Iterator[Message]:
        for message in self._source.messages:
            if self._last and message.seq != self._last + 1:
                note(f"{self._last + 1} to {message.seq - 1} were deleted during the export")
            self._last = message.seq
            yield message

    def demand_all(self) -> None:
        """Make sure that everything that was there at the start has come.

        Raises:
            Failed: it has not.
        """
        # Without any, the last one is known, but no longer kept.
        if self._source.extent.messages and self._last < self._source.extent.last:
            raise Failed(f"incomplete: ends at message {self._last} of {self._source.extent.last}")


def _with_progress(messages: Iterable[Message], count: int) -> Iterator[Message]:
    if count < LONG or not sys.stderr.isatty():
        yield from messages
        return
    bar = click.progressbar(messages, length=count, label="Reading", file=sys.stderr)
    with bar as shown:
        yield from shown
