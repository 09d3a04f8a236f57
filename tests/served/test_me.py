"""What belongs to a person: it is downloaded and erased by them alone, while the rooms go on."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from chatroom.history import make_history
from tests.support import postgresql
from tests.support.deadline import A_MINUTE, DEADLINE, wait_for
from tests.support.histories import at, everything, typed
from tests.support.pictures import png
from tests.support.server_process import Launch, Running
from tests.support.typed_client import TypedClient, stored

pytestmark = pytest.mark.takes(seconds=70)

SECRET, NAME = "Xylophon", "Zaphod"
MANY = 3000


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def enter(stack: ExitStack, server: Running, room: str, name: str, **more: Any) -> TypedClient:
    client = TypedClient(server.port, name, room, **more).connect_and_catch_up()
    stack.callback(client.close)
    return client


def ask(server: Running, who: TypedClient, method: str = "GET") -> dict[str, Any]:
    status, _, body = server.get("/api/me", {"Authorization": f"Bearer {who.token}"}, method)
    assert status == 200, body
    told: dict[str, Any] = json.loads(body)
    return told


def upload(server: Running, token: str, content: bytes, name: str) -> str:
    """Upload a file to the lobby; its id."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
    with closing(connection):
        path = f"/api/rooms/lobby/files/{quote(name)}"
        connection.request("PUT", path, content, {"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        told: dict[str, Any] = json.loads(response.read())
        assert response.status == 201, told
    return str(told["id"])


def add_thumbnail(server: Running, token: str, id: str, content: bytes) -> None:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
    with closing(connection):
        path = f"/api/rooms/lobby/files/{id}/thumbnail"
        connection.request("PUT", path, content, {"Authorization": f"Bearer {token}"})
        assert connection.getresponse().status == 204


def in_files(folder: Path, *ids: str) -> list[str]:
    """Which of the history's files have anything of the person."""
    paths = [*folder.glob("chat.db*"), *folder.glob("chat.db.files/*")]
    content = {path.name: path.read_bytes() for path in paths if path.is_file()}
    words = [text.encode() for word in (SECRET, NAME, *ids) for text in (word, word.lower())]
    return [name for name, data in content.items() if any(word in data for word in words)]


def test_whoever_erases_what_is_theirs_is_gone_from_all_rooms_and_files(
    prepare: Launch, stack: ExitStack
) -> None:
    server = prepare(history="sqlite:chat.db", leaveGrace=0).start()
    ann = enter(stack, server, "lobby", NAME)
    ann.say(f"{SECRET} one", f"{SECRET}-1")
    ann.hear_until_acked()
    bob = enter(stack, server, "garden", "Bob")
    elsewhere = enter(stack, server, "garden", NAME, token=ann.token)
    elsewhere.say(f"{SECRET} two", "c1")
    bob.say("mine", "b1")
    elsewhere.hear_until_acked()
    bob.hear_until_acked()
    assert bob.act("quiet", userId=ann.user_id, userName=NAME)["type"] == "done"
    assert server.get(f"/api/rooms/garden/messages?q={SECRET}")[0] == 200  # indexes it
    told = ask(server, ann)
    assert sorted(one["body"] for one in told["messages"]) == [f"{SECRET} one", f"{SECRET} two"]
    assert told["hostLog"][0]["whom"] == NAME
    for tab in (ann, elsewhere):
        tab.drop_cleanly()

    assert ask(server, ann, "DELETE") == {"userId": ann.user_id, "rooms": 2}

    bob.hear_notice("removed")
    assert [message["body"] for message in bob.view] == ["mine"]
    told = ask(server, ann)
    assert told["messages"] == []
    assert NAME not in json.dumps(told) and SECRET not in json.dumps(told)
    assert next(role for role in told["rooms"] if "quiet" in role)["quiet"]["userName"] == ""
    assert ask(server, ann, "DELETE")["rooms"] == 0
    wait_for(lambda: not in_files(server.folder), "no trace of them in any file", A_MINUTE)
    server.kill()
    server.start()
    assert ask(server, bob)["messages"][0]["body"] == "mine"


def test_what_is_erased_at_one_process_is_gone_at_all(prepare: Launch, stack: ExitStack) -> None:
    url = postgresql.shared().make_database()
    one, other = (prepare(history=url, leaveGrace=1).start() for _ in range(2))
    ann, bob = enter(stack, one, "garden", NAME), enter(stack, other, "garden", "Bob")
    ann.say(f"{SECRET} one", "c1")
    ann.hear_until_acked()
    bob.hear_until(ann.acked["c1"])
    assert ann.act("makeHost", userId=bob.user_id, userName="Bob")["type"] == "done"
    ann.drop_cleanly()

    assert ask(other, ann, "DELETE") == {"userId": ann.user_id, "rooms": 1}

    if not any(notice["type"] == "removed" for notice in bob.notices):
        bob.hear_notice("removed")
    assert bob.view == []
    for server in (one, other):
        told = ask(server, ann)
        assert (told["messages"], told["rooms"]) == ([], [])
        assert NAME not in json.dumps(told)
    with closing(make_history(url, one.folder)) as history:
        history.open()
        (entry,) = history.host_log("garden")
        assert (entry.by_name, entry.whom_name) == ("", "Bob")
        assert ann.user_id not in (
            entry.by_id,
            *(it.user_id for it in everything(history, "garden")),
        )


def test_what_is_left_to_erase_is_erased_after_a_kill(prepare: Launch, stack: ExitStack) -> None:
    server = prepare(history="sqlite:chat.db", leaveGrace=0, replayLimit=10).start()
    ann = enter(stack, server, "lobby", "Ann")
    assert server.stop() == 0
    ann.hear_the_end()
    with closing(at(server.folder / "chat.db")) as history:
        history.open()
        history.append(
            [
                typed("lobby", seq, ann.user_id if seq % 2 else "bob", "", f"{SECRET} {seq}")
                for seq in range(1, MANY + 1)
            ]
        )
    server.start()

    def left() -> int:
        rows = stored(server.folder, "lobby")
        return sum(1 for row in rows if row["userId"] == ann.user_id and not row["removed"])

    assert ask(server, ann, "DELETE")["rooms"] == 1
    server.kill()
    assert 0 < left() < MANY // 2

    server.start()
    wait_for(lambda: left() == 0, "the end of what was begun")
    rows = stored(server.folder, "lobby")
    assert len(rows) == MANY
    assert sum(1 for row in rows if row["body"]) == MANY // 2


def test_a_host_who_is_erased_while_the_room_is_cleared_leaves_no_trace_after_a_kill(
    prepare: Launch, stack: ExitStack
) -> None:
    """Neither in what the log says of the act once it is done, nor as the maker of a link."""
    server = prepare(history="sqlite:chat.db", leaveGrace=0, replayLimit=10).start()
    ann = enter(stack, server, "garden", NAME)
    ann.say(f"{SECRET} 1", "c1")
    ann.hear_until_acked()
    bob = TypedClient(server.port, "Bob", "garden")
    bob.link = ann.act("makeLink", seconds=600, uses=1)["link"]
    stack.callback(bob.connect_and_catch_up().close)
    assert bob.act("look")["type"] == "done"
    assert server.stop() == 0
    for client in (ann, bob):
        client.hear_the_end()
        client.cursor = None
        client.view.clear()
    with closing(at(server.folder / "chat.db")) as history:
        history.open()
        seqs = range(2, MANY + 1)
        authors, bodies = (ann.user_id, bob.user_id), (SECRET, "harmless")
        history.append([typed("garden", n, authors[n % 2], "", bodies[n % 2]) for n in seqs])
    server.start()
    ann.connect_and_catch_up()
    assert ann.act("clear")["type"] == "done"
    ann.drop_cleanly()

    assert ask(server, ann, "DELETE")["rooms"] == 1
    server.kill()
    server.start()

    wait_for(lambda: not in_files(server.folder, ann.user_id), "no trace of them", A_MINUTE)
    log = bob.connect_and_catch_up().act("look")["log"]
    (stranger,) = {it["by"]["userId"] for it in log if it["act"] in ("clear", "makeLink")}
    assert [it["act"] for it in log if it["by"]["userId"] == stranger] == [
        *("clear", "clear", "makeLink")
    ]
    assert {key: it for key, it in ask(server, ann).items() if it} == {"userId": ann.user_id}


def in_tables(url: str, *words: str) -> list[str]:
    """Which of the database's tables have any of the words."""
    server, database = postgresql.shared(), url.rpartition("/")[2]
    tables = server.query("SELECT tablename FROM pg_tables WHERE schemaname = 'chatroom'", database)
    found = " OR ".join(f"strpos(t::text, '{word}') > 0" for word in words)
    return [
        table
        for (table,) in tables
        if server.query(f"SELECT 1 FROM chatroom.{table} AS t WHERE {found} LIMIT 1", database)
    ]


def test_whoever_is_erased_is_in_no_table_though_a_host_acts_and_a_process_is_killed_meanwhile(
    prepare: Launch, stack: ExitStack
) -> None:
    url = postgresql.shared().make_database()
    servers = [prepare(history=url, leaveGrace=0, replayLimit=10).start() for _ in range(2)]
    one, other = servers
    ann, bob = enter(stack, one, "garden", NAME), enter(stack, other, "garden", "Bob")
    assert ann.act("makeHost", userId=bob.user_id, userName="Bob")["type"] == "done"
    ann.say(f"{SECRET} 1", "c1")
    ann.hear_until_acked()
    for server in servers:
        assert server.stop() == 0
    for client in (ann, bob):
        client.hear_the_end()
        client.cursor = None
        client.view.clear()
    with closing(make_history(url, one.folder)) as history:
        history.open()
        seqs = range(2, MANY + 1)
        authors = (ann.user_id, bob.user_id)
        for some in (seqs[:1000], seqs[1000:2000], seqs[2000:]):
            history.append([typed("garden", n, authors[n % 2], "", f"{SECRET} {n}") for n in some])
    for server in servers:
        server.start()
    bob.connect_and_catch_up()
    assert {"charters", "host_log", "messages"} <= set(in_tables(url, ann.user_id))

    assert ask(one, ann, "DELETE")["rooms"] == 1
    one.kill()
    for number, seq in enumerate((2, 4)):
        bob.remove(f"{seq}-{seq:016x}", f"r{number}")
    bob.hear_until_acked()
    assert [it["act"] for it in bob.act("look")["log"]][:2] == ["remove", "remove"]

    wait_for(lambda: not in_tables(url, ann.user_id, NAME), "no trace of them", A_MINUTE)
    assert {it["whom"]["userName"] for it in bob.act("look")["log"][:2]} == {""}
    with closing(make_history(url, one.folder)) as history:
        history.open()
        left = {message.body.partition(" ")[0] for message in everything(history, "garden")}
        assert left == {"", SECRET}
        assert sum(1 for it in everything(history, "garden") if it.body) == MANY // 2 - 1


def test_the_archive_has_all_files_and_what_is_erased_is_gone_from_the_folder(
    prepare: Launch, stack: ExitStack
) -> None:
    """What was said, and what is only uploaded."""
    server = prepare(history="sqlite:chat.db", leaveGrace=0).start()
    ann = enter(stack, server, "lobby", NAME)
    other = enter(stack, server, "lobby", "Bob")
    mine, theirs = png(9, 9) + bytes(300) + f"{SECRET} mine".encode(), b"theirs"
    small = png(3, 3) + f"{SECRET} small".encode()
    bearer = {"Authorization": f"Bearer {ann.token}"}
    ids = [upload(server, ann.token, mine + bytes([48 + n]), f"{NAME} {n}.txt") for n in range(2)]
    for id in ids:
        add_thumbnail(server, ann.token, id, small)
    kept = upload(server, other.token, theirs, "b.txt")
    ann.show(ids[0], "", "c1", alt=f"{SECRET} in words")
    other.show(kept, "", "b1")
    ann.hear_until_acked()
    other.hear_until_acked()

    status, headers, body = server.get("/api/me.zip", bearer)

    assert (status, headers["content-type"]) == (200, "application/zip")
    archive = zipfile.ZipFile(io.BytesIO(body))
    found = {name: archive.read(name) for name in archive.namelist()}
    told = json.loads(found.pop("chatroom.json"))
    assert [file["claim"] for file in told["files"]] == ["said", "nobody"]
    assert told["messages"][0]["file"]["alt"] == f"{SECRET} in words"
    assert found == {
        f"files/{id}-{NAME} {n}.txt": mine + bytes([48 + n]) for n, id in enumerate(ids)
    } | {f"files/{id}-thumbnail.png": small for id in ids}
    assert len(in_files(server.folder)) >= 4  # both, twice: else it proves nothing below
    assert ask(server, ann)["files"] == told["files"]
    assert server.get("/api/me.zip")[0] == 401

    ann.drop_cleanly()
    assert ask(server, ann, "DELETE")["rooms"] == 1
    folder = server.folder / "chat.db.files"
    wait_for(
        lambda: [path.name for path in folder.iterdir()] == [kept], "only others' files", A_MINUTE
    )
    wait_for(lambda: ask(server, ann)["files"] == [], "the table knows none of them")
    assert server.get(f"/api/rooms/lobby/files/{ids[0]}", bearer)[0] == 410
    wait_for(
        lambda: not in_files(server.folder, ann.user_id), "no trace of them in any file", A_MINUTE
    )
