"""Pictures and files where two processes share a database and a folder: what one takes, the other
has, and whatever happens to either, nothing of it is lost or left behind."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.support import postgresql
from tests.support.deadline import DEADLINE, wait_for
from tests.support.pictures import png
from tests.support.server_process import Launch, Running, serving
from tests.support.terminal import Shell
from tests.support.typed_client import Fields, TypedClient

pytestmark = pytest.mark.takes(seconds=80)

PNG, SMALL = b"\x89PNG\r\n\x1a\n" + bytes(range(256)), png(4, 3)

Come = Callable[..., TypedClient]


class TwoProcesses:
    """Two servers.

    Args:
        folder: in which they keep files.
    """

    def __init__(self, url: str, folder: Path, servers: list[Running]) -> None:
        self.url = url
        self.folder = folder
        self.servers = servers

    def read(self, file: Fields) -> list[tuple[int, bytes]]:
        """What each of them answers to whoever wants the file."""
        replies = [server.get(file["address"]) for server in self.servers]
        return [(status, body if status == 200 else b"") for status, _, body in replies]

    def on_disk(self) -> set[str]:
        """But for the folder's mark."""
        return {path.name for path in self.folder.iterdir()} - {".chatroom"}

    def query(self, statement: str) -> list[Any]:
        return postgresql.shared().query(statement, self.url.rpartition("/")[2])


def settings_of(url: str, folder: Path) -> dict[str, Any]:
    return {"history": url, "filesFolder": str(folder), "leaveGrace": 0}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoProcesses]:
    url, folder = postgresql.shared().make_database(), tmp_path_factory.mktemp("files")
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                serving(tmp_path_factory.mktemp("server"), **settings_of(url, folder))
            )
            for _ in range(2)
        ]
        yield TwoProcesses(url, folder, servers)


@pytest.fixture
def make_pair(prepare: Launch, tmp_path: Path) -> Callable[..., TwoProcesses]:
    """One of the test's own."""

    def make(**settings: Any) -> TwoProcesses:
        url, folder = postgresql.shared().make_database(), tmp_path / "files"
        folder.mkdir()
        settings = settings_of(url, folder) | settings
        return TwoProcesses(url, folder, [prepare(**settings).start() for _ in range(2)])

    return make


@pytest.fixture
def come(room: str) -> Iterator[Come]:
    """Somebody comes to one of them, or is another tab of somebody."""
    with ExitStack() as stack:

        def come(pair: TwoProcesses, name: str, at: int, token: str | None = None) -> TypedClient:
            client = TypedClient(pair.servers[at].port, name, room, token)
            stack.callback(client.close)
            return client.connect_and_catch_up()

        yield come


def uploaded(client: TypedClient, data: bytes = PNG, at: Running | None = None) -> Any:
    """What there is of the file, or of the problem.

    Args:
        at: the server; the client's own unless given.
    """
    port = at.port if at else client.port
    url = f"http://127.0.0.1:{port}/api/rooms/{client.room}/files/cat.png"
    asked = urllib.request.Request(url, data, bearer(client), method="PUT")
    try:
        with urllib.request.urlopen(asked, timeout=DEADLINE) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return json.loads(error.read())


def bearer(client: TypedClient) -> dict[str, str]:
    return {"Authorization": f"Bearer {client.token}"}


def add_thumbnail(client: TypedClient, file: str, at: Running) -> int:
    """Its status."""
    url = f"http://127.0.0.1:{at.port}/api/rooms/{client.room}/files/{file}/thumbnail"
    asked = urllib.request.Request(url, SMALL, bearer(client), method="PUT")
    try:
        with urllib.request.urlopen(asked, timeout=DEADLINE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def say(client: TypedClient, file: str, cmid: str = "c1", **more: str) -> Fields:
    """The message with the file, as its author hears it."""
    client._send(type="message", cmid=cmid, body="look", file=file, **more)
    client.said[cmid] = client.outbox[cmid] = "look"
    client.hear_until_acked()
    return client.view[-1]


def test_a_picture_that_one_takes_is_said_at_the_other_and_read_at_both(
    pair: TwoProcesses, come: Come
) -> None:
    ann, bob = come(pair, "Ann", 0), come(pair, "Bob", 1)
    file = uploaded(ann, at=pair.servers[1])

    message = say(ann, file["id"])

    bob.hear_until(message["id"])
    assert bob.view[-1] == message
    assert message["file"] == {key: file[key] for key in file if key != "address"}
    assert come(pair, "Carl", 1).view[-1] == message
    assert pair.read(file) == [(200, PNG)] * 2
    assert ann.welcome["limits"]["maxFileBytes"] == 16 * 2**20


def test_a_thumbnail_that_one_takes_and_what_it_shows_are_at_both_until_it_is_removed(
    pair: TwoProcesses, come: Come
) -> None:
    ann, bob = come(pair, "Ann", 0), come(pair, "Bob", 1)
    file = uploaded(ann)
    small = file | {"address": f"{file['address']}/thumbnail"}
    assert add_thumbnail(ann, file["id"], pair.servers[1]) == 204
    alt = 'Eine "Katze" \\u0000 \N{CAT}'

    message = say(ann, file["id"], alt=alt)

    assert message["file"]["alt"] == alt
    bob.hear_until(message["id"])
    assert bob.view[-1] == message
    assert pair.read(small) == [(200, SMALL)] * 2
    assert add_thumbnail(ann, file["id"], pair.servers[1]) == 409
    assert come(pair, "Carl", 1).view[-1] == message
    ann.remove(message["id"], "r1")
    ann.hear_until_acked()
    wait_for(lambda: pair.read(small) == [(410, b"")] * 2, "it is gone at both")
    both = {file["id"], f"{file['id']}.thumbnail"}
    wait_for(lambda: not both & pair.on_disk(), "the end of both")


def test_what_is_removed_at_one_is_gone_at_the_other_and_from_the_folder(
    pair: TwoProcesses, come: Come
) -> None:
    ann, bob = come(pair, "Ann", 0), come(pair, "Bob", 1)
    file = uploaded(bob)
    message = say(bob, file["id"])
    bob.remove(message["id"], "r1")
    bob.hear_until_acked()

    assert pair.read(file) == [(410, b"")] * 2
    wait_for(lambda: file["id"] not in pair.on_disk(), "the end of its bytes")
    wait_for(lambda: not rows_of(pair, file), "the end of its row")
    assert pair.read(file) == [(410, b"")] * 2
    ann.say("and on", "a1")
    ann.hear_until_acked()
    bob.hear_until(ann.view[-1]["id"])


def rows_of(pair: TwoProcesses, file: Fields) -> list[Any]:
    return pair.query(f"SELECT id FROM chatroom.files WHERE id = '{file['id']}'")


def test_what_a_host_removes_at_one_can_be_brought_back_at_the_other(
    pair: TwoProcesses, come: Come
) -> None:
    ann, bob = come(pair, "Ann", 0), come(pair, "Bob", 1)
    ann.say("I am the host", "a1")
    ann.hear_until_acked()
    file = uploaded(bob)
    message = say(bob, file["id"], "b1")
    ann.hear_until(message["id"])
    ann.remove(message["id"], "a2")
    ann.hear_until_acked()
    assert pair.read(file) == [(410, b"")] * 2
    assert file["id"] in pair.on_disk()

    second = come(pair, "Ann", 1, ann.token)
    second._change(type="restore", cmid="a3", id=message["id"])
    second.hear_until_acked()

    assert pair.read(file) == [(200, PNG)] * 2
    assert come(pair, "Carl", 0).view[-1]["file"] == message["file"]


def test_what_waits_at_one_is_decided_at_the_other(pair: TwoProcesses, come: Come) -> None:
    ann, bob = come(pair, "Ann", 0), come(pair, "Bob", 1)
    assert ann.act("rules", speak="approval")["type"] == "done"
    files = [uploaded(bob), uploaded(bob)]
    for number, file in enumerate(files):
        assert add_thumbnail(bob, file["id"], pair.servers[0]) == 204
        bob._send(type="message", cmid=f"b{number}", body="look", file=file["id"], alt="A cat")
    waiting = [ann.hear_notice("held") for _ in files]
    assert [held["file"]["id"] for held in waiting] == [file["id"] for file in files]
    assert [held["file"]["alt"] for held in waiting] == ["A cat"] * 2
    assert pair.read(files[0])[0][0] != 200
    assert pair.servers[0].get(files[0]["address"], bearer(ann))[2] == PNG

    assert ann.act("approve", id=waiting[0]["id"])["type"] == "done"
    assert ann.act("refuse", id=waiting[1]["id"])["type"] == "done"

    while not bob.view:
        bob.hear()
    assert bob.view[-1]["file"]["id"] == files[0]["id"]
    assert bob.view[-1]["file"]["alt"] == "A cat"
    assert pair.read(files[0]) == [(200, PNG)] * 2
    assert pair.read(files[1]) == [(410, b"")] * 2
    wait_for(lambda: files[1]["id"] not in pair.on_disk(), "the end of what was refused")
    assert {files[0]["id"], f"{files[0]['id']}.thumbnail"} <= pair.on_disk()
    assert f"{files[1]['id']}.thumbnail" not in pair.on_disk()


def test_a_file_that_one_has_used_is_not_free_at_the_other(pair: TwoProcesses, come: Come) -> None:
    ann = come(pair, "Ann", 0)
    second = come(pair, "Ann", 1, ann.token)
    file = uploaded(ann)
    message = say(ann, file["id"])
    second.hear_until(message["id"])

    second._send(type="message", cmid="c2", body="again", file=file["id"])

    assert second.hear_notice("error")["code"] == "no-such-file"


def test_all_together_are_limited_over_both(
    make_pair: Callable[..., TwoProcesses],
) -> None:
    pair = make_pair(filesBytes=100_000)
    with ExitStack() as stack:
        ann, bob = (
            stack.enter_context(closing(TypedClient(server.port, name)))
            for server, name in zip(pair.servers, ("Ann", "Bob"), strict=True)
        )
        for client in (ann, bob):
            client.connect_and_catch_up()
        file = uploaded(ann, bytes(70_000))
        message = say(ann, file["id"])
        assert uploaded(bob, bytes(40_000))["code"] == "no-space"
        assert uploaded(bob, bytes(30_000))["size"] == 30_000

        ann.remove(message["id"], "r1")
        ann.hear_until_acked()
        wait_for(lambda: file["id"] not in pair.on_disk(), "the end of its bytes")
        wait_for(lambda: not rows_of(pair, file), "the end of its row")
        assert uploaded(bob, bytes(40_000))["size"] == 40_000


@pytest.mark.parametrize("killed", [0, 1], ids=["which deletes", "the other"])
def test_a_process_that_is_killed_before_the_message_loses_and_leaves_nothing(
    make_pair: Callable[..., TwoProcesses], killed: int
) -> None:
    pair = make_pair()
    with ExitStack() as stack:
        ann = TypedClient(pair.servers[killed].port, "Ann")
        stack.callback(ann.close)
        ann.connect_and_catch_up()
        file, forgotten = uploaded(ann), uploaded(ann)
        half = stack.enter_context(half_an_upload(ann))
        wait_for(lambda: any(name.endswith(".part") for name in pair.on_disk()), "half a file")
        pair.servers[killed].kill()
        half.close()

        again = TypedClient(pair.servers[1 - killed].port, "Ann", token=ann.token)
        stack.callback(again.close)
        again.connect_and_catch_up()
        assert say(again, file["id"])["file"]["id"] == file["id"]
        pair.query("UPDATE chatroom.files SET uploaded_at = 1 WHERE seq = 0")  # long ago

        wait_for(lambda: pair.on_disk() == {file["id"]}, "the end of what nobody has said")
        wait_for(lambda: not rows_of(pair, forgotten), "the end of its row")
        assert pair.servers[1 - killed].get(file["address"])[2] == PNG


def half_an_upload(client: TypedClient) -> closing[socket.socket]:
    """Which goes no further."""
    line = socket.create_connection(("127.0.0.1", client.port), DEADLINE)
    head = [f"PUT /api/rooms/{client.room}/files/half.png HTTP/1.1", "Host: localhost"]
    head += [f"{key}: {value}" for key, value in bearer(client).items()]
    line.sendall("\r\n".join([*head, "Content-Length: 1000000", "", ""]).encode() + bytes(1000))
    return closing(line)


def test_a_script_says_at_the_other_what_one_has(pair: TwoProcesses, come: Come) -> None:
    ann, bob = come(pair, "Ann", 0), come(pair, "Bob", 1)
    file = uploaded(ann)
    url = f"http://127.0.0.1:{pair.servers[1].port}/api/rooms/{ann.room}/messages"
    fields = json.dumps({"userName": "Ann", "body": "", "file": file["id"]}).encode()
    headers = bearer(ann) | {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, fields, headers)) as answer:
        message = json.loads(answer.read())

    assert message["file"]["id"] == file["id"]
    for client in (ann, bob):
        client.hear_until(message["id"])
        assert client.view[-1]["file"] == message["file"]


def test_files_move_with_their_history(prepare: Launch, tmp_path: Path) -> None:
    server = prepare(history="sqlite:chat.db", leaveGrace=0).start()
    url, folder = postgresql.shared().make_database(), tmp_path / "files"
    with closing(TypedClient(server.port, "Ann")) as ann:
        ann.connect_and_catch_up()
        file, lost = uploaded(ann), uploaded(ann, PNG + b"missing")
        assert add_thumbnail(ann, file["id"], server) == 204
        for number, one in enumerate((file, lost)):
            say(ann, one["id"], f"c{number}")
    server.stop()
    (server.folder / "chat.db.files" / lost["id"]).unlink()
    shell = Shell(server.folder)

    refused = shell.run("move", "chat.db", url)
    assert refused.code == 1
    assert '"filesFolder"' in refused.err
    server.settings["filesFolder"] = str(folder)  # as told, though the history is as before
    (server.folder / "config.json").write_text(json.dumps(server.settings))
    moved = shell.run("move", "chat.db", url)

    assert moved.code == 0, moved.err
    assert "1 file could not be found" in moved.err
    assert f'Set "filesFolder" to {folder}' in moved.err
    assert {path.name for path in folder.iterdir()} == {file["id"], f"{file['id']}.thumbnail"}
    server.settings["history"] = url
    server.start()
    assert server.get(file["address"])[2] == PNG
    assert server.get(f"{file['address']}/thumbnail")[2] == SMALL
    assert server.get(lost["address"])[0] == 410
    server.stop()
    exported = shell.run("export", "lobby", "--history", url, "--files", "exported")
    assert exported.code == 0, exported.err
    assert (server.folder / "exported" / file["id"]).read_bytes() == PNG
    done = shell.run("room", "delete", "lobby", "--history", url, "--yes")
    assert done.code == 0, done.err
    assert [path.name for path in folder.iterdir()] == [".chatroom"]


def test_a_server_whose_folder_is_another_one_waits_until_it_is_mounted(
    make_pair: Callable[..., TwoProcesses], prepare: Launch, tmp_path: Path
) -> None:
    pair, own = make_pair(), tmp_path / "own"
    own.mkdir()
    other = prepare(**settings_of(pair.url, own)).launch()
    wait_for(lambda: "filesFolder" in other.said() + other.log(), "the reason in its log")
    assert f"{own} has nothing in .chatroom" in other.said() + other.log()
    assert list(own.iterdir()) == []

    other.kill()
    other.settings["filesFolder"] = str(pair.folder)
    other.start()


def test_without_a_folder_there_are_none_and_the_setting_is_named(prepare: Launch) -> None:
    server = prepare(history=postgresql.shared().make_database()).start()
    with closing(TypedClient(server.port, "Ann")) as ann:
        ann.connect_and_catch_up()

        told = uploaded(ann)

        assert (told["code"], "filesFolder" in told["detail"]) == ("no-files", True)
        assert ann.welcome["limits"]["maxFileBytes"] == 0
