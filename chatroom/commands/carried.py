"""Files next to an export: each under its id, as the lines of the export name it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from chatroom.commands.archived import Archived
from chatroom.commands.exit_codes import Failed
from chatroom.commands.output import note
from chatroom.errors import ServerRefused
from chatroom.files.file_ids import FileIds
from chatroom.files.file_names import cleaned
from chatroom.files.folder import FolderFiles, thumbnail_name
from chatroom.files.magic import HEAD_BYTES, type_of
from chatroom.files.stored import GRACE_MS, UNCLAIMED_MS, StoredFile, alt_in, carried
from chatroom.history import History
from chatroom.message import Message
from chatroom.private_files import opener

PIECE = 256 * 1024
"""Bytes in memory."""

STEP = 100
"""Files that are forgotten in one transaction."""

Open = Callable[[str], BinaryIO]
"""A file, by its id; raises FileNotFoundError or ServerRefused if it is not there."""


class Export:
    """Writes the files of messages into a folder; what is there already stays.

    Args:
        folder: created if it is missing.
        open_file: where they come from.
    """

    def __init__(self, folder: Path, open_file: Open) -> None:
        self._folder = folder
        self._open = open_file

    def with_files(self, messages: Iterator[Archived]) -> Iterator[Archived]:
        """The messages, each once its file is there.

        Raises:
            Failed: the folder cannot be written.
        """
        for item in messages:
            if item.message.file:
                self.save(str(carried(item.message.file)["id"]))
            yield item

    def save(self, id: str) -> None:
        """Write one; says so if it is not there any more.

        Raises:
            Failed: the folder cannot be written.
        """
        try:
            self._write(id, partial(self._open, id))
        except (FileNotFoundError, ServerRefused) as error:
            note(f"file {id} is left out: {error}")

    def save_thumbnail(self, id: str, open_thumbnail: Open) -> None:
        """Likewise; says nothing, as there may be none.

        Raises:
            Failed: the folder cannot be written.
        """
        with suppress(FileNotFoundError):
            self._write(thumbnail_name(id), partial(open_thumbnail, id))

    def _write(self, name: str, open_source: Callable[[], BinaryIO]) -> None:
        path = self._folder / name
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if path.exists():
                return
            draft = self._folder / f".{name}.{os.getpid()}"
            try:
                with closing(open_source()) as source, open(draft, "xb", opener=opener) as file:
                    shutil.copyfileobj(source, file, PIECE)
                draft.rename(path)
            finally:
                with suppress(FileNotFoundError):
                    draft.unlink()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise Failed(f"{path} cannot be written: {error.strerror or error}") from error


def files_of(history: History) -> Open:
    """The files of a history, if it is known here where they are."""
    return lambda id: _folder_of(history).open(id)


def thumbnails_of(history: History) -> Open:
    """Likewise, the thumbnails of those that have one."""
    return lambda id: _folder_of(history).open_thumbnail(id)


def _folder_of(history: History) -> FolderFiles:
    folder = history.files_folder()
    if folder is None:
        raise FileNotFoundError("the settings here do not say where its files are: filesFolder")
    return FolderFiles(folder)


class Imported:
    """Takes files of an export into a history; each gets a new id.

    Args:
        folder: of the export; None to leave all files out.
    """

    def __init__(self, history: History, folder: Path | None) -> None:
        self.left_out = 0
        self._history = history
        self._folder = folder
        self._ids = FileIds(history.secret())
        place = history.files_folder() if history.keeps_files else None
        self._files = FolderFiles(place) if place else None

    def take(self, message: Message) -> Message:
        """The message with its file, which is there now, or without.

        Raises:
            Failed: it cannot be written.
        """
        found = carried(message.file)
        path = self._folder / found["id"] if self._folder else None
        if path is None or self._files is None or not message.user_id or not path.is_file():
            self.left_out += 1
            return message._replace(file="")
        sizes = (found.get(key, 0) for key in ("width", "height"))
        width, height = (value if type(value) is int and value > 0 else 0 for value in sizes)
        now = _now()
        with path.open("rb") as stream:
            kind = type_of(stream.read(HEAD_BYTES))
            stream.seek(0)
            size = path.stat().st_size
            name = cleaned(str(found.get("name", "")))
            id, room, whose = self._ids.new(message.room), message.room, message.user_id
            file = StoredFile(id, room, name, kind, size, width, height, whose, now)
            self._history.add_file(file)
            try:
                put = self._files.put(id, iter(lambda: stream.read(PIECE), b""))
            except OSError as error:
                raise Failed(f"{path} cannot be copied: {error.strerror or error}") from error
        whole = file._replace(size=put.size, is_whole=True)
        self._history.complete_file(whole)
        return message._replace(file=whole.to_json(alt_in(found)))


class Moved:
    """Copies the bytes of files from one folder into another, with thumbnails; what is there
    already stays.

    Args:
        sources: where they may be.
        target: where they are to be.
    """

    def __init__(self, sources: Sequence[Path], target: Path) -> None:
        self.missing = 0
        """How many are nowhere."""
        self.folder = target
        self._sources = [FolderFiles(source) for source in sources]
        self._target = FolderFiles(target)

    def take(self, file: StoredFile) -> None:
        """Copy it, so that a power cut does not lose it any more.

        Raises:
            Failed: it cannot be read or written.
            Refusal: there is no space for it.
        """
        try:
            if not self._is_there(file):
                source = self._opened(file.id)
                if source is None:
                    self.missing += 1
                    return
                with closing(source):
                    self._target.demand_space(file.size)
                    self._target.forget(file.id)  # what an interrupted copy has left
                    self._target.put(file.id, iter(lambda: source.read(PIECE), b""))
            self._take_thumbnail(file.id)
        except OSError as error:
            cause = error.strerror or error
            raise Failed(f"file {file.id} cannot be copied to {self.folder}: {cause}") from error

    def _take_thumbnail(self, id: str) -> None:
        for source in self._sources:
            with suppress(FileNotFoundError), closing(source.open_thumbnail(id)) as stream:
                self._target.put_thumbnail(id, stream.read())
                return

    def _is_there(self, file: StoredFile) -> bool:
        try:
            with closing(self._target.open(file.id)) as there:
                return os.fstat(there.fileno()).st_size == file.size
        except FileNotFoundError:
            return False

    def _opened(self, id: str) -> BinaryIO | None:
        for source in self._sources:
            with suppress(FileNotFoundError):
                return source.open(id)
        return None


def forget_lost(history: History) -> None:
    """Delete the files that nothing has any more, as a server would soon. If it is not known here
    where they are, that is left to the server.

    Raises:
        Failed: one is still there.
        HistoryUnavailable: as of the history.
    """
    folder = history.files_folder()
    if folder is None:
        return
    files, before = FolderFiles(folder), _now() - UNCLAIMED_MS - GRACE_MS
    try:
        while lost := history.lost_files(before, STEP):
            for id in lost:
                files.forget(id)
            history.drop_files(lost)
    except OSError as error:
        raise Failed(f"a file in {folder} cannot be deleted: {error.strerror or error}") from error
    history.clean()


def _now() -> int:
    return time.time_ns() // 1_000_000
