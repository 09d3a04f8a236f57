"""person: who is in a history, what there is of them, and that it goes."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chatroom.commands import chatroom, files
from chatroom.files.folder import FolderFiles
from chatroom.files.magic import ANY
from chatroom.files.stored import StoredFile
from chatroom.history.sqlite import read_only
from chatroom.history.sqlite.history import SqliteHistory
from chatroom.message import MessageId, Remover
from chatroom.reactions import Click, Person
from tests.support.flask_client import fail
from tests.support.histories import at, typed


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "chat.db"
    with closing(at(path)) as history:
        history.open()
        history.append([typed("lobby", 1, "ann", "a1", "Xylophon"), typed("lobby", 2, "bob", "b1")])
    return path


def run(*arguments: str | Path, input: str = "") -> Result:
    return CliRunner().invoke(chatroom, ["person", *map(str, arguments)], input=input)


def chores_of(file: Path) -> list[str]:
    """What is left to do for a text to be gone from the file."""
    with closing(sqlite3.connect(file)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM chores")]


def test_everybody_is_printed_with_name_messages_and_rooms(file: Path) -> None:
    done = run("list", "--history", file)

    assert done.stdout.splitlines() == ["ann  Ann  1 message  lobby", "bob  Ann  1 message  lobby"]


def test_what_there_is_of_somebody_is_printed_as_json(file: Path) -> None:
    done = run("export", "ann", "--history", file)

    assert [one["body"] for one in json.loads(done.stdout)["messages"]] == ["Xylophon"]


def test_somebody_is_erased_once_that_is_confirmed(file: Path) -> None:
    done = run("erase", "ann", "--history", file, input="n\n")
    assert (done.exit_code, "Ann  1 message  lobby" in done.stderr) == (1, True)
    assert "ann" in run("list", "--history", file).stdout

    done = run("erase", "ann", "--history", file, "--yes")

    assert (done.exit_code, done.stderr) == (0, "chatroom: ann is erased, with 1 message\n")
    assert b"Xylophon" not in file.read_bytes()
    assert run("list", "--history", file).stdout == "bob  Ann  1 message  lobby\n"


def test_nobody_is_called_so_that_a_terminal_obeys(file: Path) -> None:
    """An import takes any id."""
    with closing(at(file)) as history:
        history.open()
        history.append([typed("lobby", 3, "b\x1b[2J", "", "")._replace(user_name="\u202eEve")])

    done = run("list", "--history", file)

    assert done.stdout.splitlines()[-1] == "b\\u001b[2J  \\u202eEve  1 message  lobby"


def test_a_terminal_without_all_letters_gets_json_that_has_them(file: Path) -> None:
    with closing(at(file)) as history:
        history.open()
        history.append([typed("lobby", 3, "eve", "", "Möwe 😀")])

    runner = CliRunner(charset="ascii")
    done = runner.invoke(chatroom, ["person", "export", "eve", "--history", str(file)])

    assert (done.exit_code, done.stdout_bytes.isascii()) == (0, True)
    assert json.loads(done.stdout_bytes)["messages"][0]["body"] == "Möwe 😀"


@pytest.mark.parametrize("act", ["export", "erase"])
def test_whoever_is_not_there_is_an_error(file: Path, act: str) -> None:
    done = run(act, "eve", "--history", file)

    assert (done.exit_code, done.stdout) == (1, "")
    assert "has nothing of eve" in done.stderr


@pytest.mark.parametrize("act", ["list", "export", "erase"])
def test_a_history_that_a_server_uses_is_left_to_it(file: Path, act: str) -> None:
    with closing(at(file)) as history:
        history.open()

        done = run(act, *(["ann"] if act != "list" else []), "--history", file)

    assert done.exit_code == 5
    assert "is in use by process" in done.stderr


def test_what_an_interrupted_erasing_has_left_in_the_file_goes_with_the_next(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk without space for writing it anew: of the person, there is nothing to find."""
    with closing(at(file)) as history:
        history.open()
        for seq in range(3, 200):  # pages are split, and rows moved
            body = f"Xylophon {seq} " + "x" * (seq * 7 % 900)
            history.append([typed("lobby", seq, "ann", "", body)])
    with monkeypatch.context() as patch:
        patch.setattr(SqliteHistory, "clean", fail)
        assert run("erase", "ann", "--history", file, "--yes").exit_code != 0
    assert chores_of(file)

    done = run("erase", "ann", "--history", file, "--yes")

    assert "has nothing of ann" in done.stderr
    assert chores_of(file) == []
    assert b"Xylophon" not in file.read_bytes()


def test_nobody_is_erased_from_a_copy_of_what_cannot_be_written(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a server that was killed has left is read in a copy."""
    monkeypatch.setattr(files, "is_writable", lambda path: False)
    monkeypatch.setattr(read_only, "is_filled", lambda path: True)

    done = run("erase", "ann", "--history", file, "--yes")

    assert (done.exit_code, "is erased" in done.stderr) == (5, False)
    assert "cannot be written" in done.stderr
    assert run("list", "--history", file).stdout.startswith("ann  ")


def test_somebodys_files_are_saved_and_erased(file: Path, tmp_path: Path) -> None:
    files = FolderFiles(tmp_path / "chat.db.files", kept_free=0)
    with closing(at(file)) as history:
        history.open()
        for n, author in enumerate(("ann", "bob"), 1):
            stored = StoredFile(f"{n:032x}", "lobby", "a.txt", ANY, 1, 0, 0, author, 7)
            history.add_file(stored)
            files.put(stored.id, [author.encode()])
            files.put_thumbnail(stored.id, f"small {author}".encode())
            history.complete_file(stored._replace(is_whole=True))
            message = typed("lobby", 2 + n, author, f"f{n}")
            history.append([message._replace(file=stored.to_json())])

    done = run("export", "ann", "--history", file, "--files", tmp_path / "saved")

    assert [one["claim"] for one in json.loads(done.stdout)["files"]] == ["said"]
    saved = {path.name: path.read_text() for path in (tmp_path / "saved").iterdir()}
    assert saved == {f"{1:032x}": "ann", f"{1:032x}.thumbnail": "small ann"}

    assert run("erase", "ann", "--history", file, "--yes").exit_code == 0
    left = sorted(path.name for path in (tmp_path / "chat.db.files").iterdir())
    assert left == [f"{2:032x}", f"{2:032x}.thumbnail"]


def test_somebody_who_has_only_reacted_is_listed_exported_and_erased(file: Path) -> None:
    with closing(at(file)) as history:
        history.open()
        id = MessageId(1, f"{1:016x}")
        history.react([Click("lobby", id, Person("eve", "Xanthippe"), "wow", on=True)])

    assert "eve  Xanthippe  0 messages  lobby" in run("list", "--history", file).stdout
    told = json.loads(run("export", "eve", "--history", file).stdout)
    assert told["reactions"] == [{"room": "lobby", "id": str(id), "kind": "wow"}]

    done = run("erase", "eve", "--history", file, "--yes")

    assert (done.exit_code, done.stderr) == (0, "chatroom: eve is erased, with 0 messages\n")
    assert b"Xanthippe" not in file.read_bytes()
    assert "eve" not in run("list", "--history", file).stdout


def test_whoever_has_removed_all_that_they_said_is_exported_and_erased(file: Path) -> None:
    """As what an erasing has left that was interrupted: empty messages with their id."""
    with closing(at(file)) as history:
        history.open()
        (message, _), *_ = history.pages("lobby", 0, 9)
        history.rewrite(message.taken_back(Remover.AUTHOR, 1))

    told = json.loads(run("export", "ann", "--history", file).stdout)
    assert [one["id"] for one in told["removed"]] == [message.id]

    done = run("erase", "ann", "--history", file, "--yes")

    assert (done.exit_code, done.stderr) == (0, "chatroom: ann is erased, with 0 messages\n")
    assert b"ann" not in file.read_bytes()
    assert "has nothing of ann" in run("erase", "ann", "--history", file, "--yes").stderr


def test_whoever_has_only_uploaded_something_is_exported_and_erased(
    file: Path, tmp_path: Path
) -> None:
    files = FolderFiles(tmp_path / "chat.db.files", kept_free=0)
    with closing(at(file)) as history:
        history.open()
        stored = StoredFile("1" * 32, "attic", "Trillian.txt", ANY, 1, 0, 0, "eve", 7)
        history.add_file(stored)
        files.put(stored.id, [b"x"])
        history.complete_file(stored._replace(is_whole=True))

    told = json.loads(run("export", "eve", "--history", file).stdout)
    assert [one["claim"] for one in told["files"]] == ["nobody"]

    done = run("erase", "eve", "--history", file, input="y\n")

    assert (done.exit_code, "eve  0 messages  attic" in done.stderr) == (0, True)
    assert list((tmp_path / "chat.db.files").iterdir()) == []
    assert b"Trillian" not in file.read_bytes()
