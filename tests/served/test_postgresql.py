"""A real server whose history is in PostgreSQL: whatever ends, what anyone saw is there, once."""

from __future__ import annotations

import contextlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chatroom.client import ChatClient
from tests.support import postgresql
from tests.support.deadline import DEADLINE, wait_for
from tests.support.postgresql import IN_URL, PASSWORD, PostgresServer
from tests.support.server_process import Launch, Running
from tests.support.terminal import Shell
from tests.support.typed_client import SUBPROTOCOL, TypedClient, typed_frame
from tests.support.websocket_client import RawClient

pytestmark = pytest.mark.takes(seconds=15)


@pytest.fixture
def database() -> PostgresServer:
    return postgresql.shared()


@pytest.fixture
def url(database: PostgresServer) -> str:
    """Of a database of this test's own, in which there is nothing."""
    return database.make_database()


def bodies(server: Running) -> list[str]:
    return [message["body"] for message in server.history()]


def test_what_was_said_is_there_after_a_restart_and_a_kill(prepare: Launch, url: str) -> None:
    server = prepare(history=url, leaveGrace=0).start()
    ann = TypedClient(server.port, "Ann").connect_and_catch_up()
    ann.say("hello", "c1")
    ann.hear_until_acked()
    status, _headers, page = server.get("/api/rooms/lobby/messages")
    assert (status, len(json.loads(page)["messages"])) == (200, 1)

    assert server.stop() == 0
    ann.drop_by_reset()
    server.start()
    ann.connect_and_catch_up()
    ann.say("hello again", "c2")
    ann.hear_until_acked()
    server.kill()
    ann.drop_by_reset()
    server.start()

    ann.connect_and_catch_up()
    assert ann.welcome["recovered"]
    ann.drop_by_reset()
    assert bodies(server) == ["hello", "hello again"]
    status, _headers, found = server.get("/api/rooms/lobby/messages?q=again")
    assert "hello again" in found.decode()


def test_the_password_is_in_neither_log_nor_answer(prepare: Launch, url: str) -> None:
    server = prepare(history=url).start()
    wrong = prepare(history=f"{url}?sslmode=require")
    line = wrong.refusal(code=75)
    shell = Shell(server.folder, f"http://127.0.0.1:{server.port}")
    shell.environ["CHATROOM_CONFIG"] = str(server.folder / "config.json")
    doctor = shell.run("doctor")
    assert "can be used" in doctor.out

    texts = [line, doctor.out, doctor.err, server.log(), server.said()]
    texts.append(server.get("/healthz")[2].decode())
    for text in texts:
        assert PASSWORD not in text
        assert IN_URL not in text
    assert "postgresql://chat:***@127.0.0.1" in server.log()


def test_a_database_that_is_away_stops_the_start_in_one_line(prepare: Launch) -> None:
    """With an exit code after which it is worth trying again: it may only boot later."""
    unreached = "postgresql://chat@127.0.0.1:9/chat"
    line = prepare(history=unreached, maxUsers=10).refusal(code=75)

    assert line.startswith("chatroom: postgresql://chat@127.0.0.1:9/chat: ")
    assert "start PostgreSQL, or check its address" in line


def test_nobody_loses_what_was_acked_when_postgresql_is_killed_amid_talk(
    database: PostgresServer, prepare: Launch, url: str
) -> None:
    server = prepare(history=url, leaveGrace=0, replayLimit=0).start()
    address = f"http://127.0.0.1:{server.port}"
    done = threading.Event()

    def talk(name: str) -> list[str]:
        acked = []
        with ChatClient(address, name) as client:
            number = 0
            while not done.is_set():
                number += 1
                receipt = client.say(f"{name} {number}")
                receipt.wait(DEADLINE)
                acked.append(f"{name} {number}")
        return acked

    with ThreadPoolExecutor(3) as pool:
        talks = [pool.submit(talk, f"Talker{number}") for number in range(3)]
        for count in (20, 200, 400):
            wait_for(lambda: len(stored(database, url)) >= count, "talk")  # noqa: B023
            database.kill()
            database.start()
        wait_for(lambda: server.get("/healthz")[0] == 200, "a room that works again")
        so_far = len(stored(database, url))
        wait_for(lambda: len(stored(database, url)) > so_far + 20, "talk that goes on")
        done.set()
        acked = [talk.result(DEADLINE) for talk in talks]

    kept = stored(database, url)
    assert sorted(kept) == sorted(set(kept)), "stored twice"
    for name, theirs in enumerate(acked):
        assert [body for body in kept if body.startswith(f"Talker{name} ")][: len(theirs)] == theirs


def stored(database: PostgresServer, url: str) -> list[str]:
    """The bodies in the lobby; none while the database is away."""
    with contextlib.suppress(postgresql.psycopg().Error):
        rows = database.query("SELECT body FROM chatroom.messages ORDER BY seq", name_of(url))
        return [body for (body,) in rows]
    return []


def name_of(url: str) -> str:
    return url.rpartition("/")[2]


def test_rooms_come_and_go_through_the_commands(prepare: Launch, url: str, tmp_path: Path) -> None:
    """The others of these work on a database, too; what only reads, beside the room."""
    server = prepare(history=url).start()
    server.say_from_anywhere("garden", "hello")
    shell = Shell(server.folder)
    beside = shell.run("export", "garden", "--history", url)
    assert json.loads(beside.out)["body"] == "hello"
    lines = tmp_path / "garden.jsonl"
    lines.write_text(beside.out)
    for act in (("room", "delete", "garden", "--yes"), ("import", str(lines))):
        refused = shell.run(*act, "--history", url)
        assert refused.code == 5
        assert "is in use by chatroom on" in refused.err
        assert IN_URL not in refused.err
    assert "hello" in server.get("/api/rooms/garden/messages")[2].decode()
    server.stop()

    exported = shell.run("export", "garden", "--history", url)
    deleted = shell.run("room", "delete", "garden", "--yes", "--history", url)
    missing = shell.run("room", "delete", "garden", "--yes", "--history", url)
    imported = shell.run("import", str(lines), "--history", url)
    again = shell.run("export", "garden", "--history", url)

    assert json.loads(exported.out)["body"] == "hello"
    assert "room garden is deleted, with 1 message" in deleted.err
    assert "has no room 'garden'" in missing.err
    assert IN_URL not in missing.err
    assert "1 imported" in imported.err
    assert json.loads(again.out)["body"] == "hello"


def test_an_operators_link_is_signed_with_the_databases_secret(prepare: Launch, url: str) -> None:
    server = prepare(history=url, leaveGrace=0).start()
    shell = Shell(server.folder)
    shell.environ["CHATROOM_CONFIG"] = str(server.folder / "config.json")

    link = shell.run("host").out.strip().rpartition("#host=")[2]

    with RawClient(server.port, Sec_WebSocket_Protocol=SUBPROTOCOL) as ann:
        ann.send(typed_frame(type="hello", userName="Ann", room="class", link=link))
        while (told := json.loads(ann.frame().payload))["type"] not in ("host", "error"):
            pass
    assert (told["userName"], told["role"]) == ("Ann", "operator")


def test_people_go_on_where_they_were_when_the_history_has_moved(prepare: Launch, url: str) -> None:
    server = prepare(history="sqlite:chat.db", leaveGrace=0).start()
    ann, bob = (TypedClient(server.port, name, "class") for name in ("Ann", "Bob"))
    for client in (ann, bob):
        client.connect_and_catch_up()
    ann.say("hello", "a1")
    ann.hear_until_acked()
    bob.say("may go", "b1")
    bob.hear_until_acked()
    ann.hear_until(bob.view[-1]["id"])
    ann.remove(bob.view[-1]["id"], "a2")  # as the room's maker
    ann.hear_until_acked()
    assert server.stop() == 0
    for client in (ann, bob):
        client.drop_by_reset()
    bob.say("said while it moved", "b2")
    ann.say("hello", "a3")

    shell = Shell(server.folder)
    moved = shell.run("move", "chat.db", url)
    again = shell.run("move", "chat.db", url)
    server.settings["history"] = url
    server.start()

    assert moved.code == 0, moved.err
    assert "moved: 1 room with 2 messages, to postgresql://chat:***@" in moved.err
    assert "has rooms already" in again.err
    for client in (ann, bob):
        client.connect_and_catch_up()
        assert client.welcome["recovered"]
        client.hear_until_acked()
    ann.hear_until(bob.view[-1]["id"])
    bodies_seen = [one["body"] for one in ann.view if one["body"]]
    assert bodies_seen == ["hello", "hello", "said while it moved"]
    assert ann.act("quiet", userId=bob.welcome["userId"], seconds=60)["type"] == "done"
    for client in (ann, bob):
        client.drop_by_reset()
