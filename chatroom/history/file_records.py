"""The part of the interface of a history that knows which files there are, and whose."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from pathlib import Path

from chatroom.errors import HistoryUnavailable
from chatroom.files.stored import StoredFile

MAX_SIZE = (1 << 63) - 1
"""Bytes: any number of them."""


class FileRecords(ABC):
    """What is known of files. A history that keeps none need not do anything.

    ``add_file``, ``complete_file`` and ``drop_files`` are called by the thread that owns the
    history; what only reads, by any thread. A file is claimed by a message, or by what waits for
    approval, in the transaction that stores these: see ``Message.file``.
    """

    name: str
    keeps_files = False
    """It does all of this."""

    def files_folder(self) -> Path | None:
        """Where their bytes belong; None if they last no longer than the process."""
        return None

    def add_file(self, file: StoredFile, most: int = MAX_SIZE) -> bool:
        """Commit that a file is coming; so nothing of it is left behind, whatever happens.

        Args:
            most: bytes of all files together, with those that are coming.

        Returns:
            False if they would be more: then it is not noted.

        Raises:
            HistoryUnavailable: it is not noted.
        """
        raise HistoryUnavailable(self.name, "it keeps no files", "use a history in SQLite")

    def complete_file(self, file: StoredFile) -> None:
        """Commit that it is whole, with its type and size.

        Raises:
            HistoryUnavailable: it is not noted; or it was not coming any more.
        """
        raise HistoryUnavailable(self.name, "it keeps no files", "use a history in SQLite")

    def file(self, id: str) -> StoredFile | None:
        """What is known of it, and what has it now; None if nothing is.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        return None

    def lost_files(self, uploaded_before: int, limit: int) -> list[str]:
        """Files that nothing has any more and nothing can have again, whichever way that came
        about; and those without a message from before a time, in Unix milliseconds.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        return []

    def drop_files(self, ids: Sequence[str]) -> int:
        """Forget files whose bytes are gone; how many bytes these were. The owner's thread.

        Raises:
            HistoryUnavailable: none of them is forgotten.
        """
        return 0

    def files_of(self, user_id: str) -> list[StoredFile]:
        """What is known of the files that somebody has uploaded, in all rooms, and what has them
        now; also of those that are coming. Any thread.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        return []

    def disown_files(self, room: str, user_id: str) -> None:
        """What somebody has uploaded to a room and said nothing with is lost, also what is coming.
        The owner's thread.

        Raises:
            HistoryUnavailable: none of it is.
        """
        assert not self.keeps_files

    def files_bytes(self) -> int:
        """Of all files together, also of those that are coming.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        return 0


def not_free(name: str, id: str) -> HistoryUnavailable:
    """What a history raises if a message is to carry a file that it cannot have."""
    cause = f"file {id} is not there, or something else has it"
    return HistoryUnavailable(name, cause, "look it up again")
