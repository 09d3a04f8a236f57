"""Rooms with doors, over real sockets: who is let in, also after kill -9 and by the commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support import postgresql
from tests.support.deadline import wait_for
from tests.support.server_process import Launch, Running
from tests.support.terminal import Shell, at
from tests.support.typed_client import Closed, TypedClient
from tests.support.websocket_client import CLOSE, TEXT, RawClient, encode, line_of_chat

pytestmark = pytest.mark.takes(seconds=8)

NO_ENTRY = 4504

Come = Callable[..., TypedClient]


@pytest.fixture
def server(prepare: Launch) -> Running:
    return prepare(history="sqlite:chat.db", leaveGrace=0).start()


@pytest.fixture
def come(server: Running) -> Any:
    """Somebody comes into the class, and is closed in the end."""
    with ExitStack() as stack:

        def come(name: str, **shown: str) -> TypedClient:
            client = TypedClient(server.port, name, "class")
            client.key, client.link = shown.get("key"), shown.get("link")
            stack.callback(client.close)
            return client.connect_and_catch_up()

        yield come


def turned_away(come: Come, name: str, **shown: str) -> str:
    """The code of the error that somebody gets."""
    with pytest.raises((AssertionError, Closed)) as refused:
        come(name, **shown)
    return str(refused.value)


def plain(server: Running, **headers: str) -> tuple[int, bytes]:
    """The first frame that a plain user gets who comes in and says hello: opcode and payload."""
    with RawClient(server.port, "class", **headers) as client:
        client.send(encode(TEXT, line_of_chat("Plain", "hello")))
        frame = client.frame()
        return frame.opcode, frame.payload


def test_who_was_in_comes_back_after_kill_9_and_nobody_else(server: Running, come: Come) -> None:
    ann, bob = come("Ann"), come("Bob")
    code = ann.act("rules", door="code")["code"]
    ann.say("secret", "a1")
    ann.hear_until_acked()

    server.kill()
    server.start()

    for person in bob, ann:
        person.hear_the_end()
        person.connect_and_catch_up()
    assert [message["body"] for message in bob.view] == ["secret"]
    assert ann.welcome["role"] == "maker"
    assert "wrong-key" in turned_away(come, "Eve")
    assert "wrong-key" in turned_away(come, "Eve", key="wrong")
    assert [message["body"] for message in come("Cy", key=code).view] == ["secret"]
    assert server.get("/api/rooms/class/messages")[0] == 401
    assert server.get("/api/rooms/class/messages", {"Authorization": f"Bearer {code}"})[0] == 200


def test_everybody_out_holds_after_kill_9(server: Running, come: Come) -> None:
    ann, bob = come("Ann"), come("Bob")
    ann.act("rules", door="shut")
    ann.act("everybodyOut")
    with pytest.raises(Closed) as closed:
        bob.hear_notice("never")
    assert closed.value.code == NO_ENTRY
    bob.let_go().socket.close()

    server.kill()
    server.start()

    ann.hear_the_end()
    assert ann.connect_and_catch_up().welcome["role"] == "maker"
    with pytest.raises(AssertionError, match="shut"):
        bob.connect()


def test_keys_open_after_kill_9_and_those_taken_back_do_not(server: Running, come: Come) -> None:
    ann = come("Ann")
    ann.act("rules", door="code")
    kept, lost = (ann.act("makeKey", name=name) for name in ("CI", "Mirror"))
    assert ann.act("revokeKey", userId=lost["userId"])["type"] == "done"

    server.kill()
    server.start()

    assert come("CI", key=kept["key"]).live
    assert "wrong-key" in turned_away(come, "Mirror", key=lost["key"])


@pytest.mark.parametrize("history", ["sqlite:chat.db", "postgresql:"])
def test_a_pass_of_a_deleted_room_opens_no_new_one_of_its_name(
    prepare: Launch, history: str
) -> None:
    """Nor does what else was given there: the host's token, a link, a key, the code."""
    url = history if history != "postgresql:" else postgresql.shared().make_database()
    server = prepare(history=url, leaveGrace=0).start()
    with ExitStack() as stack:

        def come(name: str, room: str, **shown: str) -> TypedClient:
            client = TypedClient(server.port, name, room)
            client.key, client.link = shown.get("key"), shown.get("link")
            stack.callback(client.close)
            return client.connect_and_catch_up()

        ann, bob, cleo = come("Ann", "class"), come("Bob", "class"), come("Cleo", "garden")
        ann.say("the old room", "a1")
        cleo.say("another room", "c1")
        for who in ann, cleo:
            who.hear_until_acked()
            who.act("rules", door="shut")
        link, key = ann.act("makeLink")["link"], ann.act("makeKey", name="CI")["key"]
        for person in ann, bob, cleo:
            person.drop_cleanly()
        wait_for(lambda: json.loads(server.get("/healthz")[2])["sockets"] == 0, "nobody")
        server.stop()
        source = server.folder / "chat.db" if history != "postgresql:" else url
        deleted = Shell(server.folder).run(
            "room", "delete", "class", "--yes", "--history", str(source)
        )
        assert deleted.code == 0
        server.start()
        eve = come("Eve", "class")
        assert eve.welcome.get("role") == "maker", eve.welcome
        eve.act("rules", door="shut")

        for person in ann, bob:
            person.cursor = None
            with pytest.raises(AssertionError, match="shut"):
                person.connect_and_catch_up()
        for shown in ({"link": link}, {"key": key}):
            with pytest.raises(AssertionError, match="shut"):
                come("Dora", "class", **shown)
        cleo.connect_and_catch_up()
        assert cleo.welcome["role"] == "maker"


def test_a_plain_user_comes_in_by_the_header_of_the_handshake(server: Running, come: Come) -> None:
    code = come("Ann").act("rules", door="code")["code"]

    opcode, payload = plain(server)
    assert (opcode, payload) == (CLOSE, NO_ENTRY.to_bytes(2, "big") + b"no entry")
    assert plain(server, Authorization="Bearer wrong")[0] == CLOSE
    opcode, payload = plain(server, Authorization=f"Bearer {code}")
    assert opcode == TEXT
    assert json.loads(payload)["body"] == "hello"
    found = server.get("/api/rooms/class/messages", {"Authorization": f"Bearer {code}"})[2]
    assert [message["body"] for message in json.loads(found)["messages"]] == ["hello"], (
        "what the others said before they were turned away is nowhere"
    )


def test_the_commands_take_the_code_and_say_what_is_missing(
    server: Running, come: Come, tmp_path: Path
) -> None:
    ann = come("Ann")
    code = ann.act("rules", door="code", listed=False)["code"]
    shell: Shell = at(server, tmp_path / "bob")

    for command in ("say", "class", "hi"), ("tail", "class", "--no-follow"), ("export", "class"):
        done = shell.run(*command)
        assert done.code == 4
        assert "You need this room's code to come in" in done.err
        assert "a room's code is given with --key" in done.err
    assert shell.run("say", "--key", code, "class", "hello").code == 0
    seen = shell.run("tail", "class", "--no-follow", CHATROOM_KEY=code)
    assert (seen.code, seen.out.rstrip().endswith("hello")) == (0, True)
    exported = shell.run("export", "class", CHATROOM_KEY=code)
    assert [json.loads(line)["body"] for line in exported.lines] == ["hello"]


def test_an_invitation_opens_the_door_to_the_commands(
    server: Running, come: Come, tmp_path: Path
) -> None:
    """As somebody has copied it; and so does a guest's link."""
    ann = come("Ann")
    code = ann.act("rules", door="code", code="Open s\u00e9same").get("code", "Open s%C3%A9same")
    guest = ann.act("makeLink", makes="guest")["link"]
    shell: Shell = at(server, tmp_path / "bob")
    page = f"http://127.0.0.1:{server.port}/rooms/class"

    assert shell.run("say", "class", "hi", CHATROOM_URL=page).code == 4
    assert shell.run("say", "class", "hello", CHATROOM_URL=f"{page}#key={code}").code == 0
    assert len(shell.run("export", CHATROOM_URL=f"{page}#key={code}").lines) == 1
    seen = shell.run("tail", "--name", "Cy", "--no-follow", CHATROOM_URL=f"{page}#guest={guest}")
    assert (seen.code, len(seen.lines)) == (0, 1)


def test_who_is_in_reads_what_is_older_behind_a_door(prepare: Launch, tmp_path: Path) -> None:
    """A host needs no code, and tail fetches over HTTP what does not come by itself."""
    server = prepare(history="sqlite:chat.db", replayLimit=2).start()
    ann: Shell = at(server, tmp_path / "ann")
    assert ann.run("say", "class", input="one\ntwo\nthree\n").code == 0
    config = str(server.folder / "config.json")
    shell = Shell(server.folder)
    shell.environ.pop("CHATROOM_URL")
    done = shell.run("host", "class", "rules", "--door", "code", CHATROOM_CONFIG=config)
    assert done.code == 0, done.err

    seen = ann.run("tail", "class", "--no-follow")

    assert [line.rpartition(" ")[2] for line in seen.lines] == ["one", "two", "three"]
    assert (seen.code, seen.err) == (0, "")


def test_a_password_is_for_the_whole_server(prepare: Launch, tmp_path: Path) -> None:
    server = prepare(history="memory:", password="Open sesame").start()
    shell: Shell = at(server, tmp_path / "bob")

    assert server.get("/")[0] == 200
    assert server.get("/getAllMessages")[0] == 401
    assert json.loads(server.get("/api/rooms")[2]) == {"rooms": []}
    assert "this server's password" in shell.run("say", "lobby", "hi").err
    assert shell.run("say", "lobby", "hi", CHATROOM_KEY="Open sesame").code == 0
    given = {"Authorization": "Bearer Open sesame"}
    assert [m["body"] for m in json.loads(server.get("/getAllMessages", given)[2])["Messages"]] == [
        "hi"
    ]


def test_a_key_is_made_listed_and_revoked_from_the_servers_own_machine(
    server: Running, come: Come, tmp_path: Path
) -> None:
    come("Ann").act("rules", door="shut")
    shell, config = Shell(server.folder), str(server.folder / "config.json")
    shell.environ.pop("CHATROOM_URL")
    script = at(server, tmp_path / "script")

    def key(*arguments: str) -> list[str]:
        done = shell.run("key", "class", *arguments, CHATROOM_CONFIG=config)
        assert done.code == 0, done.err
        return done.lines

    (secret,) = key("--name", "CI")
    (reader,) = key("--name", "mirror", "--read-only")
    assert script.run("say", "class", "green", CHATROOM_KEY=secret).code == 0
    assert "for reading only" in script.run("say", "class", "x", CHATROOM_KEY=reader).err
    assert len(script.run("export", "class", CHATROOM_KEY=reader).lines) == 1
    assert [line.split()[:2] for line in key()] == [["CI", "speaks"], ["mirror", "reads"]]

    assert key("--revoke", "CI") == []

    assert "Nobody new can come in" in script.run("say", "class", "x", CHATROOM_KEY=secret).err
    unknown = shell.run("key", "class", "--revoke", "CI", CHATROOM_CONFIG=config)
    assert (unknown.code, "it has: mirror" in unknown.err) == (1, True)


def test_a_hosts_key_does_what_hosts_do(server: Running, tmp_path: Path) -> None:
    shell, config = Shell(server.folder), str(server.folder / "config.json")
    shell.environ.pop("CHATROOM_URL")
    made = shell.run("key", "class", "--name", "CI", "--host", CHATROOM_CONFIG=config)
    assert made.code == 0, made.err
    script = at(server, tmp_path / "script")

    rules = ("host", "class", "rules", "--door", "code")
    (code,) = script.run(*rules, CHATROOM_KEY=made.lines[0]).lines

    assert len(code) == 8
    assert script.run("say", "class", "hi").code == 4
    assert script.run("say", "class", "hi", CHATROOM_KEY=code).code == 0
