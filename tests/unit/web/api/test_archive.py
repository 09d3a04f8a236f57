"""An archive that is sent while it is written."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import pytest

from chatroom.web.api.archive import Entry, archive


def opened(sent: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(sent))


def test_every_program_reads_it() -> None:
    entries = [Entry("a.json", [b"{", b"}"], is_text=True), Entry("files/ä.png", [b"x" * 9, b"y"])]

    found = opened(b"".join(archive(entries)))

    assert found.testzip() is None
    assert found.namelist() == ["a.json", "files/ä.png"]
    assert (found.read("a.json"), found.read("files/ä.png")) == (b"{}", b"x" * 9 + b"y")


def test_one_of_nothing_is_one() -> None:
    assert opened(b"".join(archive([]))).namelist() == []


def test_nothing_is_read_before_what_came_before_it_is_sent() -> None:
    read: list[int] = []

    def pieces() -> Iterator[bytes]:
        for number in range(3):
            read.append(number)
            yield b"x" * 1000

    sent = archive([Entry("a", pieces())])

    next(sent)
    assert read == [0]
    assert len(next(sent)) == 1000
    assert read == [0, 1]


def test_what_breaks_off_is_no_archive() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"x"
        raise OSError("gone")

    sent = b""
    with pytest.raises(OSError, match="gone"):
        for piece in archive([Entry("a", [b"whole"]), Entry("b", pieces())]):
            sent += piece
    with pytest.raises(zipfile.BadZipFile):
        opened(sent)
