"""``chatroom import``: reads what export wrote into the history of a server that is not running."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import click

from chatroom.commands.archived import Archived, archived
from chatroom.commands.carried import Imported
from chatroom.commands.exit_codes import Failed
from chatroom.commands.files import history_type, opened
from chatroom.commands.options import RoomName
from chatroom.commands.output import note
from chatroom.errors import BadRoomName
from chatroom.history import History
from chatroom.message import Message, MessageId
from chatroom.names import room_name
from chatroom.wire.fields import parse_unbounded
from chatroom.wire.ids import is_id
from chatroom.wire.message_json import iso_time, milliseconds

BATCH = 500
"""Messages per transaction, each of which costs a sync of the disk."""

EARLIEST = 0
LATEST = milliseconds("9999-12-31T00:00:00.000Z")
"""The times that every format can write, in any time zone; no message is from before 1970."""

MARK = "1eaf"
"""Prefix of an imported message's nonce. One in 65,536 others has it by chance: such a message
keeps its nonce, and is recognised by it."""


@click.command("import")
@click.argument("file", type=click.File("rb"), default="-")
@click.option(
    "--history",
    type=history_type,
    metavar="FILE",
    required=True,
    help="The history file, such as chat.db, created if it is missing; or a database.",
)
@click.option(
    "--files",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="The folder into which export has written pictures and files.",
)
@click.option(
    "--room", type=RoomName(), help="Import everything into this room, wherever it was said."
)
def import_(file: IO[bytes], history: str | Path, files: Path | None, room: str | None) -> None:
    """Read what export wrote as jsonl into a history.

    Reads FILE or standard input, while no server uses the history. Times, names and texts are
    kept; ids are new, after those that the room already has, and replies lead to the new ones.
    Messages that are already there are skipped, so after an interruption simply run it again; also
    those that have been edited or removed there since. Reactions are left out: an export has how
    many people have reacted, but not who.
    """
    with opened(history, make=True) as target:
        done = Import(target, files)
        try:
            for number, line in enumerate(_lines(file), 1):
                if line.strip():
                    item = _message(number, line, room)
                    done.take(item.message, was_reacted_to=bool(item.counts))
        finally:
            done.flush()
            note(f"{done.stored} imported, {done.skipped} skipped (already there)")
            if done.files.left_out:
                note(f"{done.files.left_out} of them without their files; --files DIR has these")
            if done.without_reactions:
                note(
                    f"{done.without_reactions} of them without their reactions: "
                    "an export does not have whose they are"
                )


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    size = _size(file)
    if size is None or not sys.stderr.isatty():
        yield from file
        return
    bar = click.progressbar(length=size, label="Importing", file=sys.stderr)
    with bar as shown:
        for line in file:
            yield line
            shown.update(len(line))


def _size(file: IO[bytes]) -> int | None:
    """The file's bytes; None for a pipe."""
    with suppress(OSError):
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode):
            return status.st_size
    return None


def _message(number: int, line: bytes, room: str | None) -> Archived:
    try:
        item = archived(parse_unbounded(line))
        message = item.message
        if not EARLIEST <= message.sent_at < LATEST:
            wanted = f"a time from {iso_time(EARLIEST)} to {iso_time(LATEST - 1)}"
            raise ValueError(f"sentAt is {iso_time(message.sent_at)!r}; wanted: {wanted}")
        name = room_name(message.room)
    except (ValueError, BadRoomName) as error:
        way_out = "fix it and import the file again; what is already there is skipped"
        raise Failed(f"line {number} is not a message: {error}; {way_out}") from error
    return item._replace(message=message._replace(room=room or name))


class Import:
    """Messages on their way into a history.

    An imported message's nonce is derived from its original one, and deriving it again changes
    nothing. So a message is recognised wherever it went: as it was said, or imported, even if it
    was exported and imported once more. One that has changed since, on either side, is recognised
    by nonce and time alone, and stays as it is: what was removed does not come back.
    """

    def __init__(self, history: History, files: Path | None = None) -> None:
        self.stored = 0
        self.skipped = 0
        self.without_reactions = 0
        """How many of those that are stored have lost what people thought of them."""
        self.files = Imported(history, files)
        self._history = history
        self._rooms: dict[str, _Target] = {}
        self._batch: list[Message] = []
        self._waiting: dict[tuple[str, str, str], Message] = {}  # by room, user id and cmid

    def take(self, message: Message, *, was_reacted_to: bool = False) -> None:
        """The message comes in, unless it is there.

        Args:
            was_reacted_to: where it comes from, people have; it is not known who.
        """
        room = self._rooms.get(message.room) or self._enter(message.room)
        twin = self._of_same_cmid(message)
        if room.knows(message) or (twin and _is_same(message, twin)):
            self.skipped += 1
            return
        if twin:  # in another room, the same cmid was another message's
            message = message._replace(cmid="")
        room.seq += 1
        self.without_reactions += was_reacted_to
        room.add(message, room.seq)
        stored = self.files.take(message) if message.file else message
        stored = stored._replace(seq=room.seq, nonce=new_nonce(message.nonce))
        if message.reply_to:
            stored = stored._replace(reply_to=room.now_called(message.reply_to))
        self._batch.append(stored)
        if message.cmid:
            self._waiting[message.room, message.user_id, message.cmid] = message
        if len(self._batch) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Store the current batch."""
        batch, self._batch = self._batch, []
        self._waiting.clear()
        self._history.append(batch)
        self.stored += len(batch)

    def _enter(self, name: str) -> _Target:
        room = self._rooms[name] = _Target(self._history, name)
        return room

    def _of_same_cmid(self, message: Message) -> Message | None:
        """What the room has already under the sender's cmid."""
        if not message.cmid:
            return None
        ids = message.room, message.user_id, message.cmid
        if ids in self._waiting:
            return self._waiting[ids]
        return self._history.find(*ids)


class _Target:
    """A room that receives imported messages."""

    def __init__(self, history: History, name: str) -> None:
        self.seq = self._head = history.head(name).seq
        self._history = history
        self._name = name
        self._seqs: dict[int, int] = {}  # by _origin
        self._known: set[int] = set()
        self._times: set[int] = set()
        self._changed: set[int] = set()
        for page in history.pages(name, 0, self.seq):
            for message in page:
                self.add(message, message.seq)

    def knows(self, message: Message) -> bool:
        """Whether the room has the message, or had it until it was removed."""
        time = _time(message)
        is_here = _key(message) in self._known or time in self._changed
        return is_here or (message.edited_at > 0 and time in self._times)

    def now_called(self, id: str) -> str:
        """The id that a message has here; as it was, if it is not here. One that no message can
        have, as another program may write it, becomes one that nothing has; or none."""
        was, nonce = MessageId.parse(id)
        seq = self._seqs.get(_origin(nonce))
        if seq is None:
            derived = id if is_id(id) else str(MessageId(was, new_nonce(nonce)))
            return derived if is_id(derived) else ""
        if seq > self._head:
            return str(MessageId(seq, new_nonce(nonce)))
        page = next(self._history.pages(self._name, seq - 1, seq), [])
        return page[0].id if page else id

    def add(self, message: Message, seq: int) -> None:
        """The room has the message, under this seq."""
        self._seqs[_origin(message.nonce)] = seq
        time = _time(message)
        self._known.add(_key(message))
        self._times.add(time)
        if message.rev or message.edited_at:
            self._changed.add(time)


def _is_same(message: Message, twin: Message) -> bool:
    """Whether both, with the same cmid, are one message, which was sent again and got another id.

    A user's cmids are its own; those of scripts, which have no user id, are all scripts'.
    """
    return message.body == twin.body or bool(message.user_id and twin.rev)


def _origin(nonce: str) -> int:
    """A key that all copies of one message share, whatever else has changed."""
    return hash(new_nonce(nonce))


def _time(message: Message) -> int:
    """A key that all copies of one message share, also after its text has changed."""
    return hash((new_nonce(message.nonce), message.sent_at))


def _key(message: Message) -> int:
    """A key that all copies of one message share. A hash, to save memory: a room has many."""
    same = message.sent_at, message.user_name, message.body
    return hash((new_nonce(message.nonce), *same))


def new_nonce(nonce: str) -> str:
    """Derive an imported message's nonce, 16 hex digits; a derived one stays the same."""
    if nonce.startswith(MARK) and len(nonce) == 16:
        return nonce
    return MARK + hashlib.blake2b(nonce.encode(), digest_size=6).hexdigest()
