"""A ZIP archive that is written while it is sent: it may be larger than memory and disk."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo


class Entry(NamedTuple):
    """One file in an archive."""

    name: str
    """Its path there, with slashes."""
    pieces: Iterable[bytes]
    is_text: bool = False
    """It is worth compressing."""


def archive(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The archive, a piece at a time; nothing is read before it is sent.

    If an entry fails, what was sent has no directory at its end, so that no program takes it for
    whole.
    """
    out = _Out()
    moment = time.localtime()[:6]
    file = ZipFile(out, "w")  # type: ignore[call-overload]  # it needs no more than write and flush
    for name, pieces, is_text in entries:
        about = ZipInfo(name, moment)
        about.compress_type = ZIP_DEFLATED if is_text else ZIP_STORED
        about.external_attr = 0o600 << 16
        with file.open(about, "w", force_zip64=True) as entry:
            for piece in pieces:
                entry.write(piece)
                if sent := out.take():
                    yield sent
    file.close()
    yield out.take()


class _Out:
    """What was written and not taken yet."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """There is nothing to wait for."""

    def take(self) -> bytes:
        taken = b"".join(self._written)
        self._written.clear()
        return taken
