"""Files by the commands: said, exported, imported, and gone with their room."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatroom.client import ChatClient, ServerRefused
from tests.support.server_process import Running, serving
from tests.support.terminal import Shell

pytestmark = pytest.mark.takes(seconds=8)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with serving(tmp_path / "server", history="sqlite:chat.db", maxFileBytes=5000) as running:
        yield running


@pytest.fixture
def shell(tmp_path: Path, server: Running) -> Shell:
    shell = Shell(tmp_path / "home", f"http://127.0.0.1:{server.port}")
    (shell.home / "photo.png").write_bytes(PNG)
    return shell


def said(shell: Shell, *text: str, alt: str = "") -> None:
    done = shell.run("say", "--file", "photo.png", "--alt", alt, "garden", *text)
    assert (done.code, done.err) == (0, "")


def test_say_takes_a_file_along_and_tail_shows_it(shell: Shell) -> None:
    said(shell, "Look", "at", "that")
    said(shell)

    first, second = map(json.loads, shell.run("tail", "--json", "--no-follow", "garden").lines)
    assert (first["body"], second["body"]) == ("Look at that", "")
    assert first["file"]["name"] == second["file"]["name"] == "photo.png"
    assert (first["file"]["type"], first["file"]["size"]) == ("image/png", len(PNG))
    assert shell.run("tail", "--no-follow", "garden").out.count("[photo.png]") == 2


def test_say_tells_what_a_picture_shows(shell: Shell) -> None:
    alt = "A wall,\n  painted blue"
    done = shell.run("say", "--file", "photo.png", "--alt", alt, "garden", "Look")
    assert (done.code, done.err) == (0, "")

    (line,) = map(json.loads, shell.run("tail", "--json", "--no-follow", "garden").lines)
    assert line["file"]["alt"] == "A wall, painted blue"
    assert "[photo.png: A wall, painted blue]" in shell.run("tail", "--no-follow", "garden").out
    assert "A wall, painted blue" in shell.run("export", "garden", "--format", "csv").out
    alone = shell.run("say", "--alt", alt, "garden", "Look")
    assert (alone.code, "--file" in alone.err) == (2, True)
    long = shell.run("say", "--file", "photo.png", "--alt", "x" * 1001, "garden", "Look")
    assert (long.code, "1000 characters at most" in long.err) == (1, True)


def test_what_is_too_large_is_said_to_be(shell: Shell) -> None:
    (shell.home / "photo.png").write_bytes(PNG * 5)

    done = shell.run("say", "--file", "photo.png", "garden", "Look")

    assert done.code != 0
    assert "too-large" in done.err
    assert "5000 bytes" in done.err


def test_files_go_with_an_export_and_come_with_an_import(
    shell: Shell, server: Running, tmp_path: Path
) -> None:
    said(shell, "Look", alt='A "square" \\u0000')
    exported = shell.run("export", "garden", "--files", "there")
    line = json.loads(exported.out)
    assert (shell.home / "there" / line["file"]["id"]).read_bytes() == PNG
    server.stop()
    again = shell.run(
        "export", "garden", "--files", "too", "--history", str(server.folder / "chat.db")
    )
    assert again.out == exported.out
    assert (shell.home / "too" / line["file"]["id"]).read_bytes() == PNG

    (shell.home / "lobby.jsonl").write_text(exported.out)
    new = tmp_path / "new"
    new.mkdir()
    target = ("--history", str(new / "chat.db"))
    done = shell.run("import", "lobby.jsonl", "--files", "there", *target)
    assert (done.code, "1 imported" in done.err) == (0, True), done.err
    done = shell.run("import", "lobby.jsonl", "--files", "there", *target)
    assert "1 skipped" in done.err

    with serving(new, history="sqlite:chat.db") as other:
        (message,) = json.loads(other.get("/api/rooms/garden/messages")[2])["messages"]
        assert message["file"]["name"] == "photo.png"
        assert message["file"]["id"] != line["file"]["id"]
        assert message["file"]["alt"] == line["file"]["alt"] == 'A "square" \\u0000'
        assert other.get(f"/api/rooms/garden/files/{message['file']['id']}")[2] == PNG
    assert len(list((new / "chat.db.files").iterdir())) == 1


def test_without_their_folder_messages_come_alone(shell: Shell, tmp_path: Path) -> None:
    said(shell, "Look")
    (shell.home / "lobby.jsonl").write_text(shell.run("export", "garden").out)

    done = shell.run("import", "lobby.jsonl", "--history", str(tmp_path / "other.db"))

    assert done.code == 0, done.err
    assert "1 of them without their files" in done.err


def test_with_a_room_its_files_are_deleted(shell: Shell, server: Running) -> None:
    said(shell, "Look")
    server.stop()
    folder = server.folder / "chat.db.files"
    (path,) = folder.iterdir()
    path.with_name(f"{path.name}.thumbnail").write_bytes(b"small")

    done = shell.run(
        "room", "delete", "garden", "--yes", "--history", str(server.folder / "chat.db")
    )

    assert done.code == 0, done.err
    assert list(folder.iterdir()) == []
    with closing(sqlite3.connect(server.folder / "chat.db")) as connection:
        assert connection.execute("SELECT * FROM files").fetchall() == []
    assert b"photo.png" not in (server.folder / "chat.db").read_bytes()


def test_a_program_uploads_and_says(server: Running, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    with ChatClient(f"http://127.0.0.1:{server.port}", "Ann", "garden") as chat:
        id = chat.upload(path, "Notes.txt")
        chat.say("see there", file=id, alt="A list").wait(10)
        (tmp_path / "large").write_bytes(bytes(5001))
        with pytest.raises(ServerRefused) as refused:
            chat.upload(tmp_path / "large")
        assert refused.value.code == "too-large"
        with pytest.raises(ServerRefused) as refused:
            chat.say("again", file=id).wait(10)
        assert refused.value.code == "no-such-file"
        with pytest.raises(ServerRefused) as refused:
            chat.say("nothing", alt="A list").wait(10)
        assert refused.value.code == "bad-frame"
        message = next(iter(chat))
    found = json.loads(message.file)
    assert (found["name"], found["alt"]) == ("Notes.txt", "A list")
