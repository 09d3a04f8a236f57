"""``chatroom export``: everything that was said in a room."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple, TextIO

import click

from chatroom.addresses import authorization
from chatroom.commands.archived import Archived, TakenBack, all_archived
from chatroom.commands.carried import Export, files_of
from chatroom.commands.exit_codes import Failed
from chatroom.commands.files import history_type, opened, whole_file
from chatroom.commands.formats import FORMATS, Format, as_csv
from chatroom.commands.http import Api, Extent, Unreadable
from chatroom.commands.options import (
    CODE_WANTED,
    chosen_room,
    code_option,
    patience_option,
    room_argument,
    url_option,
)
from chatroom.commands.output import note
from chatroom.commands.own_server import default_url
from chatroom.errors import ServerRefused
from chatroom.history import History
from chatroom.message import MessageId

LONG = 2000
"""From this many messages on, a progress bar is worth its line."""


class Source(NamedTuple):
    """Where the messages come from."""

    extent: Extent
    messages: Iterable[Archived | TakenBack | Unreadable]


@click.command()
@room_argument
@url_option
@code_option
@patience_option
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
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="A file, written completely or not at all; by default standard output.",
)
@click.option(
    "--exact",
    is_flag=True,
    help="With csv: every field as it is, also a formula, and no byte order mark.",
)
@click.option(
    "--files",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="A folder for pictures and files, each under its id; created if it is missing.",
)
@click.option(
    "--history",
    type=history_type,
    metavar="FILE",
    help="Read this history, such as chat.db or postgresql://…, while no server uses it.",
)
def export(
    room: str | None,
    url: str | None,
    key: str | None,
    patience: float,
    format_: str,
    output: Path | None,
    exact: bool,
    files: Path | None,
    history: str | Path | None,
) -> None:
    """Write everything said in ROOM, oldest message first.

    \b
        chatroom export lobby > lobby.jsonl
        chatroom export lobby --format markdown --output lobby.md
        chatroom export lobby --history chat.db
    """
    if exact and format_ != "csv":
        raise click.UsageError("--exact is for --format csv")
    with ExitStack() as stack:
        if history:  # where the server is does not matter
            room = room or chosen_room(None, url)
            from_file = stack.enter_context(opened(history, make=False, reads_only=True))
            source, open_file = _from_file(from_file, room), files_of(from_file)
        else:
            url = url or default_url()
            room = chosen_room(room, url)
            if key and authorization(url):
                raise click.UsageError(
                    "--key and the name and password in the URL need the same header: "
                    "leave one out, or export from the history file with --history"
                )
            api = Api(url, patience=patience, key=key or "")
            source, open_file = _from_server(api, room), partial(api.file, room)
        if not source.extent.messages:
            note(f"nothing has been said in {room}")
        checked = _Checked(source)
        messages = _with_progress(checked, source.extent.messages)
        if files:
            messages = Export(files, open_file).with_files(messages)
        with _opened(output) as out:
            for piece in _format(format_, exact, out)(messages):
                out.write(piece)
            out.flush()
            checked.demand_all()
    if checked.unreadable:
        raise Failed(f"incomplete: {checked.unreadable} could not be read here")


def _opened(output: Path | None) -> AbstractContextManager[TextIO]:
    if output is None or str(output) == "-":
        return nullcontext(sys.stdout)
    return whole_file(output)


def _format(name: str, exact: bool, out: TextIO) -> Format:
    if name != "csv":
        return FORMATS[name]
    is_utf8 = codecs.lookup(out.encoding).name == "utf-8"
    return partial(as_csv, exact=exact, with_mark=is_utf8)


def _from_file(history: History, room: str) -> Source:
    seq = history.head(room).seq
    first = history.first(room)
    extent = Extent(seq - first + 1 if first else 0, seq)
    return Source(extent, all_archived(history, room, seq))


def _from_server(api: Api, room: str) -> Source:
    try:
        extent = api.extent(room)
    except ServerRefused as refusal:
        if refusal.code == "wrong-key":
            note(CODE_WANTED)
        raise
    return Source(extent, api.messages(room) if extent.messages else ())


class _Checked:
    """Passes the messages on, and checks that none is missing."""

    def __init__(self, source: Source) -> None:
        self.unreadable = 0
        """How many were left out, as nobody can read them here; each is reported."""
        self._source = source
        self._last = 0

    def __iter__(self) -> Iterator[Archived]:
        for item in self._source.messages:
            if isinstance(item, Unreadable):
                self._leave_out(item)
                continue
            if isinstance(item, TakenBack):
                self._last = MessageId.parse(item.id).seq
                continue
            seq = item.message.seq
            if self._last and seq != self._last + 1:
                note(f"{self._last + 1} to {seq - 1} were deleted during the export")
            self._last = seq
            yield item

    def _leave_out(self, item: Unreadable) -> None:
        self.unreadable += 1
        where = f"message {item.id}" if item.id else f"a message after {self._last}"
        note(f"{where} is left out: {item.cause}")
        # Without an id, it is probably the next one; what follows shows it.
        self._last = MessageId.parse(item.id).seq if item.id else self._last + 1

    def demand_all(self) -> None:
        """Make sure that everything that was there at the start has come.

        Raises:
            Failed: it has not.
        """
        # Without any, the last one is known, but no longer kept.
        if self._source.extent.messages and self._last < self._source.extent.last:
            raise Failed(f"incomplete: ends at message {self._last} of {self._source.extent.last}")


def _with_progress(messages: Iterable[Archived], count: int) -> Iterator[Archived]:
    if count < LONG or not sys.stderr.isatty():
        yield from messages
        return
    bar = click.progressbar(messages, length=count, label="Reading", file=sys.stderr)
    with bar as shown:
        yield from shown
