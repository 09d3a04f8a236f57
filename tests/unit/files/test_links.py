"""The same files in another folder."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from chatroom.errors import Refusal
from chatroom.files.folder import FolderFiles
from chatroom.files.links import link_all

ONE, TWO = "1" * 32, "2" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = FolderFiles(tmp_path / "files", kept_free=0)
    files.put(ONE, [b"one"])
    files.put(TWO, [b"two"])
    return tmp_path / "files"


def elsewhere(*_: object, **__: object) -> None:
    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))


def broken(*_: object, **__: object) -> None:
    raise OSError(errno.EIO, "broken")


def test_on_the_same_disk_they_take_no_space_and_outlive_each_other(
    folder: Path, tmp_path: Path
) -> None:
    assert link_all(folder, tmp_path / "copy", [ONE, TWO], kept_free=0) == 0

    assert (tmp_path / "copy" / ONE).samefile(folder / ONE)
    FolderFiles(folder).forget(ONE)
    assert (tmp_path / "copy" / ONE).read_bytes() == b"one"
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o700


def test_on_another_disk_they_are_copied(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", elsewhere)

    assert link_all(folder, tmp_path / "copy", [ONE, TWO], kept_free=0) == 0

    assert sorted(path.read_bytes() for path in (tmp_path / "copy").iterdir()) == [b"one", b"two"]
    assert (tmp_path / "copy" / ONE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("is_same_disk", [True, False])
def test_their_thumbnails_come_along(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_same_disk: bool
) -> None:
    files = FolderFiles(folder, kept_free=0)
    files.put_thumbnail(ONE, b"1")
    (folder / f"{'3' * 32}.thumbnail").write_bytes(b"of what is not wanted")
    if not is_same_disk:
        monkeypatch.setattr(os, "link", elsewhere)

    assert link_all(folder, tmp_path / "copy", [ONE, TWO], kept_free=0) == 0
    files.put_thumbnail(ONE, b"another")

    copied = {path.name: path.read_bytes() for path in (tmp_path / "copy").iterdir()}
    assert copied == {ONE: b"one", TWO: b"two", f"{ONE}.thumbnail": b"1"}


def test_what_is_gone_is_counted(folder: Path, tmp_path: Path) -> None:
    FolderFiles(folder).forget(ONE)

    assert link_all(folder, tmp_path / "copy", [ONE, TWO], kept_free=0) == 1
    assert [path.name for path in (tmp_path / "copy").iterdir()] == [TWO]


def test_a_disk_is_not_filled_with_copies(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", elsewhere)

    with pytest.raises(Refusal) as refused:
        link_all(folder, tmp_path / "copy", [ONE], kept_free=1 << 60)

    assert refused.value.code == "no-space"
    assert list((tmp_path / "copy").iterdir()) == []


def test_other_errors_are_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", broken)

    with pytest.raises(OSError, match="broken"):
        link_all(folder, tmp_path / "copy", [ONE], kept_free=0)
