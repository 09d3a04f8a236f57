"""The interface of a place for the bytes of files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import BinaryIO, NamedTuple

KEPT_FREE = 512 * 1024 * 1024
"""Bytes of a disk: files stop first, so that talking and deleting go on. A full disk could not be
cleaned up."""


class Put(NamedTuple):
    """What was stored."""

    size: int
    """Bytes."""
    head: bytes
    """The first of them: see ``magic.HEAD_BYTES``."""


class Files(ABC):
    """Bytes by id. Any thread; which file is whose, and which is to go, the history knows."""

    @abstractmethod
    def start(self) -> None:
        """Make it ready; creates nothing where nothing is stored.

        Raises:
            OSError: it cannot be used.
        """

    @abstractmethod
    def demand_space(self, size: int) -> None:
        """Make sure that so many more bytes leave ``KEPT_FREE``.

        Raises:
            Refusal: ``no-space``.
        """

    @abstractmethod
    def put(self, id: str, pieces: Iterable[bytes | memoryview]) -> Put:
        """Store what comes, as it comes: each piece before the next is asked for. Once this
        returns, a power cut does not lose it, and before that, nobody can open it. What fails
        leaves nothing.

        Raises:
            Refusal: ``no-space``.
            Whatever the pieces raise.
        """

    @abstractmethod
    def open(self, id: str) -> BinaryIO:
        """The bytes; the caller closes it. Whatever is forgotten meanwhile can be read to its end.

        Raises:
            FileNotFoundError: there are none.
            OSError: they cannot be read now.
        """

    @abstractmethod
    def put_thumbnail(self, id: str, picture: bytes) -> None:
        """Store a smaller picture of a file that is there, likewise, in place of the one before.

        If the file is forgotten meanwhile, nothing of it stays either.

        Raises:
            FileNotFoundError: there is no such file.
            Refusal: ``no-space``.
            BlockingIOError: another one comes at the same time.
            OSError: it cannot be stored now.
        """

    @abstractmethod
    def open_thumbnail(self, id: str) -> BinaryIO:
        """As ``open``; there may be none of a file that is there."""

    @abstractmethod
    def forget(self, id: str) -> None:
        """Delete it with its thumbnail, and what a put that was killed has left; idempotent.

        Raises:
            OSError: it is still there.
        """

    @abstractmethod
    def close(self) -> None:
        """Release everything; idempotent."""
