"""chatroom backup of a busy room, and a restored copy on an empty machine."""

from __future__ import annotations

import itertools
import json
import shutil
import sqlite3
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.deadline import DEADLINE, wait_for
from tests.support.histories import remember
from tests.support.pictures import png
from tests.support.server_process import Running, serving
from tests.support.terminal import Shell
from tests.support.typed_client import TypedClient, seq, stored

pytestmark = pytest.mark.takes(seconds=8)

PAST = 20_000
KEPT = 3_000
TALKERS = 3
PICTURES = 15
"""Of each, at most: 20 would be too many."""
LONGEST = 2.0
"""Seconds that a message may take on a busy machine; a copy that was in the way would take longer
with its length."""


@contextmanager
def talk(server: Running) -> Iterator[list[TypedClient]]:
    """Some people say one thing after the other, and never wait for long, until the block ends."""
    over = threading.Event()
    people = [TypedClient(server.port, f"Talker {n}") for n in range(TALKERS)]

    def go_on(person: TypedClient) -> float:
        longest = 0.0
        for number in itertools.count():
            if over.is_set():
                return longest
            began = time.monotonic()
            person.say(f"{person.name} {number}", f"c{number}")
            person.hear_until_acked()
            longest = max(longest, time.monotonic() - began)
        raise AssertionError

    with ThreadPoolExecutor(TALKERS) as pool:
        talks = []
        try:
            for person in people:
                person.connect_and_catch_up()
                talks.append(pool.submit(go_on, person))
            yield people
        finally:
            over.set()
        assert max(talk.result() for talk in talks) < LONGEST


PNG, SMALL = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, png(4, 3)


def backup(server: Running, home: Path) -> Path:
    """Run the command where the server's settings are; the folder that it has made."""
    shell = Shell(home)
    done = shell.run(
        "backup", str(home / "backups"), CHATROOM_CONFIG=str(server.folder / "config.json")
    )
    assert done.code == 0, done.err
    return Path(done.out.strip())


def test_backups_of_a_busy_room_have_all_up_to_one_moment_and_hold_up_nobody(
    tmp_path: Path,
) -> None:
    remember(tmp_path / "room", lobby=PAST)
    with serving(tmp_path / "room", history="sqlite:chat.db", replayLimit=10) as server:
        with talk(server) as people:
            made = []
            for _ in range(3):
                before = max(
                    (seq(id) for one in people for id in list(one.acked.values())), default=0
                )
                made.append((before, backup(server, tmp_path / "home")))
        kept = [message["id"] for message in stored(server.folder, "lobby")]
        for one in people:
            one.close()

    for before, folder in made:
        assert [path.name for path in folder.iterdir()] == ["chat.db"]
        copied = [message["id"] for message in stored(folder, "lobby")]
        assert copied == kept[: len(copied)]
        assert len(copied) >= max(before, PAST)
    assert len(kept) > PAST + TALKERS


def upload(author: TypedClient, data: bytes) -> str:
    """The id of a picture that is not said yet."""
    url = f"http://127.0.0.1:{author.port}/api/rooms/lobby/files/a.png"
    bearer = {"Authorization": f"Bearer {author.token}"}
    request = urllib.request.Request(url, data, bearer, method="PUT")
    with urllib.request.urlopen(request, timeout=DEADLINE) as reply:
        return str(json.load(reply)["id"])


@contextmanager
def busy(server: Running) -> Iterator[list[TypedClient]]:
    """Some people say things, show pictures, and take a part of both back, until the block ends."""
    over = threading.Event()
    people = [TypedClient(server.port, f"Busy {n}") for n in range(TALKERS)]

    def go_on(person: TypedClient) -> None:
        for number in itertools.count():
            if over.is_set():
                return
            cmid = f"c{number}"
            if number % 3 == 0 and number < 3 * PICTURES:
                file = upload(person, PNG + f"{person.name} {number}".encode())
                person.show(file, f"{person.name} {number}", cmid)
            else:
                person.say(f"{person.name} {number}", cmid)
            person.hear_until_acked()
            if number % 4 == 3:
                person.remove(person.acked[f"c{number - 1 - number % 3}"], f"r{number}")
                person.hear_until_acked()

    with ExitStack() as stack, ThreadPoolExecutor(TALKERS) as pool:
        for person in people:
            stack.callback(person.close)
            person.connect_and_catch_up()
        talks = [pool.submit(go_on, person) for person in people]
        try:
            yield people
        finally:
            over.set()
        for talk in talks:
            talk.result()


def files_of(folder: Path) -> dict[str, str]:
    """By the id of each message in a history that has a file, the id of that."""
    query = "SELECT seq || '-' || nonce, file ->> '$.id' FROM messages WHERE file <> ''"
    with closing(sqlite3.connect(folder / "chat.db")) as database:
        return dict(database.execute(query))


def test_a_backup_of_a_busy_room_that_is_trimmed_meanwhile_has_all_that_stays(
    tmp_path: Path,
) -> None:
    """Each message from before it, unless that is trimmed or removed by now; each file of those;
    and each cursor is good where it is restored."""
    remember(tmp_path / "room", lobby=PAST)
    settings = {"history": "sqlite:chat.db", "replayLimit": 10, "keepMessages": KEPT}
    made: list[tuple[dict[str, str], Path]] = []
    with serving(tmp_path / "room", **settings) as server:
        with busy(server) as people:
            while not made or seq(stored(server.folder, "lobby")[0]["id"]) < PAST - KEPT:
                before = {
                    id: one.said[cmid] for one in people for cmid, id in list(one.acked.items())
                }
                made.append((before, backup(server, tmp_path / "home")))
        rows = stored(server.folder, "lobby")
        kept = {row["id"]: row["body"] for row in rows if not row["removed"]}
        pictures = {id: file for id, file in files_of(server.folder).items() if id in kept}

    assert len(pictures) > TALKERS
    firsts = [seq(stored(folder, "lobby")[0]["id"]) for _, folder in made]
    assert firsts == sorted(firsts)
    assert len(set(firsts)) > 2, "it is trimmed all the while"
    for before, folder in made:
        copied = {row["id"]: row["body"] for row in stored(folder, "lobby")}
        numbers = list(map(seq, copied))
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert {id: body for id, body in before.items() if id in kept}.items() <= copied.items()
        for id in copied.keys() & pictures.keys():
            assert (folder / "chat.db.files" / pictures[id]).read_bytes().startswith(PNG)

    before, folder = made[-1]
    shutil.copytree(folder, tmp_path / "empty")
    with serving(tmp_path / "empty", **settings) as other:
        wait_for(lambda: len(stored(other.folder, "lobby")) == KEPT, "it is trimmed, too")
        here = {row["id"] for row in stored(other.folder, "lobby")}
        for one in people:
            mine = [id for id in one.acked.values() if id in here and id in before]
            one.port, one.cursor, one.rev = other.port, max(mine, key=seq), 0
            one.view, one.changes, one.outbox = [], {}, {}
            one.connect_and_catch_up()
            one.close()
            assert one.recovered
        for id in sorted(here & kept.keys(), key=seq)[::100]:
            assert other.get(f"/api/rooms/lobby/messages?limit=1&since={id}")[0] == 200
        for id in here & pictures.keys():
            status, _, body = other.get(f"/api/rooms/lobby/files/{pictures[id]}")
            assert (status, body.startswith(PNG)) == (200, True)


def test_on_an_empty_machine_a_restored_copy_goes_on_for_those_who_were_there(
    tmp_path: Path,
) -> None:
    """Whoever has seen nothing since comes back as the same person, and has missed nothing;
    whoever has seen what is gone is told."""
    with (
        serving(tmp_path / "room", history="sqlite:chat.db", leaveGrace=0) as server,
        closing(TypedClient(server.port, "Ann").connect_and_catch_up()) as ann,
        closing(TypedClient(server.port, "Bob").connect_and_catch_up()) as bob,
    ):
        for number in range(20):
            ann.say(f"before {number}", f"c{number}")
        ann.hear_until_acked()
        bob.hear_until(ann.acked["c19"])
        bob.drop_cleanly()
        folder = backup(server, tmp_path / "home")
        ann.say("after", "c20")
        ann.hear_until_acked()
        ann.drop_cleanly()

    (tmp_path / "empty").mkdir()
    shutil.copy(folder / "chat.db", tmp_path / "empty" / "chat.db")
    with serving(tmp_path / "empty", history="sqlite:chat.db") as other:
        assert len(other.history()) == 20
        ids = ann.user_id, bob.user_id
        for one in (ann, bob):
            one.port = other.port
            one.connect_and_catch_up()
        assert (bob.recovered, ann.recovered) == (True, False)
        assert (ann.welcome["userId"], bob.welcome["userId"]) == ids
        bob.say("again", "b1")
        bob.hear_until_acked()
        assert bob.acked["b1"].startswith("21-")
        ann.close()
        bob.close()


def test_files_are_in_it_and_are_there_again_once_it_is_restored(tmp_path: Path) -> None:
    def picture_of(server: Running, message: dict[str, Any]) -> tuple[int, bytes]:
        status, _, body = server.get(f"/api/rooms/lobby/files/{message['file']['id']}")
        return status, body

    shell = Shell(tmp_path / "home")
    (shell.home / "photo.png").write_bytes(PNG)
    with serving(tmp_path / "room", history="sqlite:chat.db") as server:
        url = f"http://127.0.0.1:{server.port}"
        for text in ("stays", "goes"):
            said = shell.run("say", "--url", url, "--file", "photo.png", "lobby", text)
            assert said.code == 0, said.err
        stays, goes = server.history()
        small = server.folder / "chat.db.files" / f"{stays['file']['id']}.thumbnail"
        small.write_bytes(SMALL)
        folder = backup(server, tmp_path / "home")
    kept = tmp_path / "room" / "chat.db.files" / stays["file"]["id"]
    for path in (kept, small):
        assert path.samefile(folder / "chat.db.files" / path.name)

    shutil.copytree(folder, tmp_path / "empty")
    with serving(tmp_path / "empty", history="sqlite:chat.db") as other:
        assert [picture_of(other, message) for message in (stays, goes)] == [(200, PNG)] * 2
        shown = [
            other.get(f"/api/rooms/lobby/files/{message['file']['id']}/thumbnail")[2]
            for message in (stays, goes)
        ]
        assert shown == [SMALL, PNG]
