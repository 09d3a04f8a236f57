"""The folder of files: whole or not there, private, and never full."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import pytest

from chatroom.errors import Refusal
from chatroom.files.folder import CHECKED_EACH, FolderFiles
from chatroom.files.magic import HEAD_BYTES

ID, OTHER = "0" * 32, "1" * 32


@pytest.fixture
def files(tmp_path: Path) -> FolderFiles:
    files = FolderFiles(tmp_path / "chat.db.files", kept_free=0)
    files.start()
    return files


def pieces(*parts: bytes, then: BaseException | None = None) -> Iterator[bytes]:
    yield from parts
    if then:
        raise then


def read(files: FolderFiles, id: str) -> bytes:
    with files.open(id) as stream:
        return stream.read()


def test_what_was_put_is_read(files: FolderFiles) -> None:
    put = files.put(ID, pieces(b"GIF", b"89a", b"x" * 100_000))

    assert put == (100_006, b"GIF89a" + b"x" * (HEAD_BYTES - 6))
    assert read(files, ID) == b"GIF89a" + b"x" * 100_000


def test_nothing_is_created_before_the_first_file(tmp_path: Path, files: FolderFiles) -> None:
    files.forget(ID)
    files.demand_space(1)
    with pytest.raises(FileNotFoundError):
        files.open(ID)

    assert list(tmp_path.iterdir()) == []


def test_only_its_owner_reads_it(tmp_path: Path, files: FolderFiles) -> None:
    mask = os.umask(0)
    try:
        files.put(ID, pieces(b"secret"))
    finally:
        os.umask(mask)

    folder = tmp_path / "chat.db.files"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == [ID]
    assert stat.S_IMODE((folder / ID).stat().st_mode) == 0o600


@pytest.mark.parametrize("error", [ConnectionResetError(), KeyboardInterrupt()])
def test_what_breaks_off_leaves_nothing(
    tmp_path: Path, files: FolderFiles, error: BaseException
) -> None:
    with pytest.raises(type(error)):
        files.put(ID, pieces(b"half", then=error))

    assert list((tmp_path / "chat.db.files").iterdir()) == []


def test_nobody_opens_what_is_not_whole(files: FolderFiles) -> None:
    def half() -> Iterator[bytes]:
        yield b"half"
        with pytest.raises(FileNotFoundError):
            files.open(ID)

    files.put(ID, half())
    assert read(files, ID) == b"half"


def test_what_a_kill_has_left_is_forgotten_by_its_id(tmp_path: Path, files: FolderFiles) -> None:
    files.put(OTHER, pieces(b"other"))
    folder = tmp_path / "chat.db.files"
    (folder / f"{ID}.part").write_bytes(b"half")
    (folder / "avatar.png").write_bytes(b"somebody's")

    files.forget(ID)
    files.forget(ID)

    assert sorted(path.name for path in folder.iterdir()) == [OTHER, "avatar.png"]


def test_a_large_file_never_keeps_the_disk_busy_for_long(
    files: FolderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages are committed meanwhile: what waits to be written is at most a small part of it."""
    given: list[int] = []
    synced = [0]
    sync = os.fdatasync

    def fdatasync(descriptor: int) -> None:
        sync(descriptor)
        synced.append(sum(given))

    def pieces() -> Iterator[bytes]:
        for _ in range(1_000):
            given.append(5_000)
            yield bytes(5_000)

    monkeypatch.setattr("os.fdatasync", fdatasync)
    files.put(ID, pieces())
    ends = [*synced, sum(given)]
    assert max(after - before for before, after in pairwise(ends)) < 300_000


def test_what_is_read_can_be_forgotten_meanwhile(files: FolderFiles) -> None:
    files.put(ID, pieces(b"to its end"))
    with files.open(ID) as stream:
        files.forget(ID)
        assert stream.read() == b"to its end"
    with pytest.raises(FileNotFoundError):
        files.open(ID)


def test_no_link_is_followed(tmp_path: Path, files: FolderFiles) -> None:
    files.put(OTHER, pieces(b"x"))
    (tmp_path / "chat.db.files" / ID).symlink_to("/etc/passwd")
    with pytest.raises(OSError, match="symbolic"):
        files.open(ID)


def test_no_path_is_an_id(files: FolderFiles) -> None:
    for call in (files.open, files.forget):
        with pytest.raises(ValueError, match="not the id"):
            call("../chat.db")


def test_some_of_the_disk_stays_free(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path / "files", kept_free=1 << 60)

    with pytest.raises(Refusal) as refusal:
        files.demand_space(1)
    assert refusal.value.code == "no-space"
    with pytest.raises(Refusal):  # others fill it while the file comes
        files.put(ID, pieces(b"x" * CHECKED_EACH))
    assert list((tmp_path / "files").iterdir()) == []


def test_a_disk_that_is_full_is_told_and_leaves_nothing(
    tmp_path: Path, files: FolderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Refusal) as refusal:
        files.put(ID, pieces(b"x"))

    assert refusal.value.code == "no-space"
    assert list((tmp_path / "chat.db.files").iterdir()) == []


# -- thumbnails ------------------------------------------------------------------------------------


def thumbnail(files: FolderFiles, id: str = ID) -> bytes:
    with files.open_thumbnail(id) as stream:
        return stream.read()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "chat.db.files").iterdir())


def test_a_thumbnail_is_next_to_its_picture_and_goes_with_it(
    tmp_path: Path, files: FolderFiles
) -> None:
    files.put(ID, pieces(b"picture"))
    with pytest.raises(FileNotFoundError):
        files.open_thumbnail(ID)

    files.put_thumbnail(ID, b"small")
    files.put_thumbnail(ID, b"small")
    files.put_thumbnail(ID, b"other")

    assert (thumbnail(files), read(files, ID)) == (b"other", b"picture")
    assert names(tmp_path) == [ID, f"{ID}.thumbnail"]
    status = (tmp_path / "chat.db.files" / f"{ID}.thumbnail").stat()
    assert stat.S_IMODE(status.st_mode) == 0o600
    files.forget(ID)
    files.forget(ID)
    assert names(tmp_path) == []


def test_there_is_none_of_what_is_not_there(tmp_path: Path, files: FolderFiles) -> None:
    files.put(OTHER, pieces(b"other"))
    with pytest.raises(FileNotFoundError):
        files.put_thumbnail(ID, b"small")
    assert names(tmp_path) == [OTHER]
    for call in (files.open_thumbnail, lambda id: files.put_thumbnail(id, b"")):
        with pytest.raises(ValueError, match="not the id"):
            call("../chat.db")


@pytest.mark.parametrize("moment", ["rename", "fsync"])
def test_what_is_forgotten_while_its_thumbnail_is_stored_leaves_none(
    tmp_path: Path, files: FolderFiles, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """As when somebody erases all of theirs in that moment: nothing else would ever delete it."""
    files.put(ID, pieces(b"picture"))
    true_fsync, true_rename = os.fsync, Path.rename

    def fsync(descriptor: int) -> None:
        files.forget(ID)
        true_fsync(descriptor)

    def rename(path: Path, target: Path) -> Path:
        files.forget(ID)
        (tmp_path / "chat.db.files" / f"{ID}.thumbnail.part").write_bytes(b"small")
        return true_rename(path, target)

    with monkeypatch.context() as patch:
        if moment == "fsync":
            patch.setattr(os, "fsync", fsync)
        else:
            patch.setattr(Path, "rename", rename)
        with pytest.raises(OSError, match=r"No such file|comes at this time"):
            files.put_thumbnail(ID, b"small")

    assert names(tmp_path) == []


def test_a_thumbnail_that_a_kill_has_interrupted_is_forgotten_or_comes_again(
    tmp_path: Path, files: FolderFiles
) -> None:
    half = tmp_path / "chat.db.files" / f"{ID}.thumbnail.part"
    files.put(ID, pieces(b"picture"))
    half.write_bytes(b"sm")
    with pytest.raises(FileNotFoundError):
        files.open_thumbnail(ID)

    files.put_thumbnail(ID, b"small")

    assert thumbnail(files) == b"small"
    assert names(tmp_path) == [ID, f"{ID}.thumbnail"]
    half.write_bytes(b"sm")
    files.forget(ID)
    assert names(tmp_path) == []


def test_a_thumbnail_for_which_the_disk_is_too_full_leaves_the_one_before(
    tmp_path: Path, files: FolderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    files.put(ID, pieces(b"picture"))
    files.put_thumbnail(ID, b"small")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(Refusal) as refusal:
            files.put_thumbnail(ID, b"other")

    assert refusal.value.code == "no-space"
    assert thumbnail(files) == b"small"
    assert names(tmp_path) == [ID, f"{ID}.thumbnail"]


def test_two_thumbnails_at_once_leave_one_that_is_whole(
    tmp_path: Path, files: FolderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.put(ID, pieces(b"picture"))
    true_fsync, is_first = os.fsync, [True]

    def fsync(descriptor: int) -> None:
        if is_first.pop() if is_first else False:
            files.put_thumbnail(ID, b"second")
        true_fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(BlockingIOError):
        files.put_thumbnail(ID, b"first")

    assert thumbnail(files) == b"second"
    assert names(tmp_path) == [ID, f"{ID}.thumbnail"]


def test_a_temporary_folder_ends_with_the_process() -> None:
    files: Any = FolderFiles(None, kept_free=0)
    files.start()
    files.put(ID, pieces(b"x"))
    folder: Path = files._folder
    assert [path.name for path in folder.iterdir()] == [ID]

    files.close()
    files.close()

    assert not folder.exists()
