"""Pictures and files at a real server: streamed within bounds, by whomever, whatever happens."""

from __future__ import annotations

import http.client
import json
import os
import resource
import signal
import socket
import sqlite3
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.deadline import DEADLINE, wait_for
from tests.support.pictures import png
from tests.support.server_process import Launch, Running, serving
from tests.support.typed_client import TypedClient

pytestmark = pytest.mark.takes(seconds=20)

PNG = b"\x89PNG\r\n\x1a\n"
SMALL = png(48, 36)
MIB = 1 << 20
LARGE = 16 * MIB
UPLOADS, DOWNLOADS = 8, 16


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("files")
    with serving(folder, history="sqlite:chat.db", maxUsers=50, leaveGrace=0) as running:
        yield running


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def enter(stack: ExitStack, server: Running, room: str, name: str = "Ann") -> TypedClient:
    client = TypedClient(server.port, name, room).connect_and_catch_up()
    stack.callback(client.close)
    return client


def bearer(client: TypedClient) -> dict[str, str]:
    return {"Authorization": f"Bearer {client.welcome['token']}"}


def head(client: TypedClient, name: str, **headers: object) -> bytes:
    lines = [f"PUT /api/rooms/{client.room}/files/{name} HTTP/1.1", "Host: localhost"]
    told = bearer(client) | {key.replace("_", "-"): str(value) for key, value in headers.items()}
    lines += [f"{key}: {value}" for key, value in told.items()]
    return "\r\n".join([*lines, "", ""]).encode()


class Upload:
    """One by hand, as far as the test says."""

    def __init__(self, client: TypedClient, name: str = "a.png", **headers: object) -> None:
        self.socket = socket.create_connection(("127.0.0.1", client.port), DEADLINE)
        self.socket.sendall(head(client, name, **headers))

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def hear(self) -> tuple[int, Any]:
        """Its status, and what the body's JSON says."""
        with http.client.HTTPResponse(self.socket) as reply:
            reply.begin()
            return reply.status, json.loads(reply.read() or b"null")

    def reset(self) -> None:
        """Die without a word."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def __enter__(self) -> Upload:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def put(client: TypedClient, data: bytes, name: str = "a.png") -> Any:
    with Upload(client, name, Content_Length=len(data)) as upload:
        upload.send(data)
        status, told = upload.hear()
    assert status == 201, told
    return told


def put_small(client: TypedClient, file: str, data: bytes = SMALL, **headers: object) -> Any:
    """The status of a thumbnail, and what is said of it."""
    with Upload(client, f"{file}/thumbnail", Content_Length=len(data), **headers) as upload:
        upload.send(data)
        return upload.hear()


def say(client: TypedClient, file: str, body: str = "look", cmid: str = "c1", **more: str) -> Any:
    """The message with the file, as its author hears it."""
    client._send(type="message", cmid=cmid, body=body, file=file, **more)
    client.said[cmid] = client.outbox[cmid] = body
    client.hear_until_acked()
    return client.view[-1]


def folder_of(server: Running) -> list[Path]:
    folder = server.folder / "chat.db.files"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def in_table(server: Running) -> list[tuple[str, int, int]]:
    with closing(sqlite3.connect(server.folder / "chat.db")) as connection:
        return connection.execute("SELECT id, size, is_whole FROM files").fetchall()


def refusal(client: TypedClient, file: str) -> str:
    """With which code a message that carries the file is refused."""
    client._send(type="message", cmid="refused", body="look", file=file)
    return str(client.hear_notice("error")["code"])


# -- there and back --------------------------------------------------------------------------------


def test_a_picture_comes_with_its_message_to_everybody(server: Running, stack: ExitStack) -> None:
    ann, bob = enter(stack, server, "pictures"), enter(stack, server, "pictures", "Bob")
    eve = stack.enter_context(server.join("Eve", "pictures"))
    file = put(ann, PNG + b"x" * 300_000, "Bild%20%F0%9F%90%88.png")
    assert (file["name"], file["type"]) == ("Bild 🐈.png", "image/png")

    message = say(ann, file["id"])

    assert message["file"]["id"] == file["id"]
    bob.hear_until(message["id"])
    assert bob.view[-1] == message
    (plain,) = eve.hear()
    assert plain | {"type": "message"} == message
    status, headers, body = server.get(file["address"])
    assert (status, body) == (200, PNG + b"x" * 300_000)
    assert headers["content-type"] == "image/png"
    part = server.get(file["address"], {"Range": "bytes=300000-"})
    assert (part[0], part[2]) == (206, b"x" * 8)
    ann.remove(message["id"], "r1")
    ann.hear_until_acked()
    assert server.get(file["address"])[0] == 410
    wait_for(
        lambda: not any(path.name == file["id"] for path in folder_of(server)), "its file is gone"
    )


def test_a_chunked_body_comes_too(server: Running, stack: ExitStack) -> None:
    """As ``curl -T -`` sends it, which knows no length."""
    ann = enter(stack, server, "chunks")
    with Upload(ann, Transfer_Encoding="chunked") as upload:
        upload.send(b"8\r\n" + PNG + b"\r\n")
        for _ in range(20):
            upload.send(b"%x\r\n" % 65536 + b"y" * 65536 + b"\r\n")
        upload.send(b"0\r\n\r\n")
        status, file = upload.hear()

    assert (status, file["size"], file["type"]) == (201, 8 + 20 * 65536, "image/png")
    assert (file["id"], file["size"], 1) in in_table(server)


def test_a_body_in_crumbs_is_refused_before_it_costs_much(
    server: Running, stack: ExitStack
) -> None:
    """Each chunk costs the interpreter microseconds, which all threads share."""
    ann = enter(stack, server, "crumbs")
    with Upload(ann, Transfer_Encoding="chunked") as upload:
        upload.send(b"%x\r\n" % 200_000 + bytes(200_000) + b"\r\n")
        with suppress(OSError):  # it hangs up in the middle
            upload.send(b"1\r\nx\r\n" * 400_000)
        status, told = upload.hear()

    assert (status, told["code"]) == (400, "bad-request")
    assert "too many small chunks" in told["detail"]
    with Upload(ann, Transfer_Encoding="chunked") as upload:
        upload.send((b"3e8\r\n" + bytes(1000) + b"\r\n") * 4000 + b"0\r\n\r\n")
        assert upload.hear()[1]["size"] == 4_000_000


def test_nobody_sends_what_will_be_refused(server: Running, stack: ExitStack) -> None:
    """A client that waits for 100 Continue is asked for what is wanted, and nothing else."""
    ann = enter(stack, server, "continue")
    with Upload(ann, Content_Length=LARGE + 1, Expect="100-continue") as upload:
        status, told = upload.hear()
        assert (status, told["code"]) == (413, "too-large")
    with Upload(ann, Content_Length=MIB, Expect="100-continue") as upload:
        interim = b"HTTP/1.1 100 Continue\r\n\r\n"
        assert upload.socket.recv(len(interim), socket.MSG_WAITALL) == interim
        upload.send(PNG + bytes(MIB - 8))
        assert upload.hear()[0] == 201


def test_hosts_say_who_may_send_files(server: Running, stack: ExitStack) -> None:
    """Also of a file that was uploaded before."""
    ann, bob = enter(stack, server, "ruled"), enter(stack, server, "ruled", "Bob")
    old, mine = put(bob, PNG), put(ann, PNG)

    def upload(client: TypedClient) -> tuple[int, Any]:
        with Upload(client, Content_Length=len(PNG)) as upload:
            upload.send(PNG)
            status, told = upload.hear()
        return status, told["code"]

    assert ann.act("rules", files="hosts")["type"] == "done"

    assert bob.hear_notice("rules")["files"] == "hosts"
    assert upload(bob) == (403, "files-off")
    assert refusal(bob, old["id"]) == "files-off"
    assert say(ann, mine["id"])["file"]["id"] == mine["id"]
    assert ann.act("look")["log"][0]["what"] == "everybody, files only from hosts"

    assert ann.act("rules", files="nobody")["type"] == "done"
    assert upload(ann) == (403, "files-off")
    assert ann.act("rules", files="everybody")["type"] == "done"
    assert "files" not in enter(stack, server, "ruled", "Eve").welcome.get("rules", {})
    assert say(bob, old["id"])["file"]["id"] == old["id"]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("..%2f..%2fchat.db", 404),
        ("%2e%2e", "file"),
        ("a%00b.png", "ab.png"),
        ("x%0d%0aSet-Cookie:%20a=b.png", "xSet-Cookie_ a=b.png"),
        ("%E2%80%AEgpj.exe", "gpj.exe"),
        ("C:%5Cphoto.png", "photo.png"),
        ("%ff%fe.png", "��.png"),
        ("y" * 3000 + ".png", None),
    ],
)
def test_a_hostile_name_is_a_name(
    server: Running, stack: ExitStack, name: str, wanted: str | int | None
) -> None:
    ann = enter(stack, server, "names")
    with Upload(ann, name, Content_Length=9) as upload:
        upload.send(PNG + b"z")
        status, told = upload.hear()

    if isinstance(wanted, int):
        assert status == wanted
    else:
        assert status == 201
        assert wanted in (None, told["name"])
        assert len(told["name"]) <= 120
        reply = server.get(told["address"], bearer(ann))
        assert "set-cookie" not in reply[1]
    ours = ("chat.db", "config.json", "logs.log", "output.txt")
    assert [path.name for path in server.folder.iterdir() if not path.name.startswith(ours)] == []
    assert all(len(path.name) == 32 for path in folder_of(server))


def test_what_follows_a_truncated_file_is_not_taken_for_its_rest(
    server: Running, stack: ExitStack
) -> None:
    """As a disk may have it that was full or broken: the connection ends with what there is."""
    ann = enter(stack, server, "truncated")
    file = put(ann, PNG + bytes(MIB))
    say(ann, file["id"])
    os.truncate(server.folder / "chat.db.files" / file["id"], 300_000)
    heads = (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n" for path in (file["address"], "/healthz")
    )

    with socket.create_connection(("127.0.0.1", server.port), DEADLINE) as line:
        line.sendall("".join(heads).encode())
        received = b"".join(iter(partial(line.recv, 65536), b""))

    assert received.count(b"HTTP/1.1 200") == 1
    assert len(received.partition(b"\r\n\r\n")[2]) == 300_000


def test_a_thumbnail_and_what_it_shows_come_and_go_with_the_message(
    server: Running, stack: ExitStack
) -> None:
    ann, bob = enter(stack, server, "small"), enter(stack, server, "small", "Bob")
    eve = stack.enter_context(server.join("Eve", "small"))
    file = put(ann, PNG + bytes(300_000))
    with Upload(ann, f"{file['id']}/thumbnail", Transfer_Encoding="chunked") as upload:
        upload.send(b"%x\r\n" % len(SMALL) + SMALL + b"\r\n0\r\n\r\n")  # without a length
        assert upload.hear() == (204, None)
    small = f"{file['address']}/thumbnail"

    message = say(ann, file["id"], alt="A blue\nrectangle")

    bob.hear_until(message["id"])
    (plain,) = eve.hear()
    assert bob.view[-1] == message == plain | {"type": "message"}
    assert message["file"]["alt"] == "A blue rectangle"
    status, headers, body = server.get(small)
    assert (status, headers["content-type"], body) == (200, "image/png", SMALL)
    assert {path.name for path in folder_of(server)} >= {file["id"], f"{file['id']}.thumbnail"}
    ann.remove(message["id"], "r1")
    ann.hear_until_acked()
    assert server.get(small)[0] == 410
    wait_for(
        lambda: not [path for path in folder_of(server) if path.name.startswith(file["id"])],
        "both are gone",
    )
    late = enter(stack, server, "small", "Late")
    assert "rectangle" not in json.dumps(late.view)


def test_what_a_thumbnail_has_too_much_of_is_refused(server: Running, stack: ExitStack) -> None:
    """Without a length, too; and with one, before it comes."""
    ann = enter(stack, server, "bounded")
    file = put(ann, PNG + bytes(MIB))
    address = f"{file['id']}/thumbnail"
    with Upload(ann, address, Content_Length=MIB, Expect="100-continue") as upload:
        assert upload.hear()[0] == 413
    with Upload(ann, address, Transfer_Encoding="chunked") as upload:
        upload.send(b"10001\r\n" + SMALL + bytes(65_537 - len(SMALL)) + b"\r\n0\r\n\r\n")
        status, told = upload.hear()
        assert (status, told["code"]) == (413, "too-large")
        assert "65536 bytes" in told["detail"]
    with Upload(ann, address, Transfer_Encoding="chunked") as upload:
        upload.send(b"zz\r\n")
        assert upload.hear()[0] == 400
    assert put_small(ann, file["id"], SMALL + bytes(65_536 - len(SMALL))) == (204, None)
    assert put_small(ann, file["id"], b"<svg/>")[1]["code"] == "unsupported-type"
    assert len(server.get(f"{file['address']}/thumbnail", bearer(ann))[2]) == 65_536


def test_slow_thumbnails_keep_nobody_from_uploading(server: Running, stack: ExitStack) -> None:
    """No thread waits for the rest of them."""
    ann = enter(stack, server, "trickle")
    files = [put(ann, PNG + bytes(1000)) for _ in range(4)]
    halves = [
        stack.enter_context(Upload(ann, f"{file['id']}/thumbnail", Content_Length=len(SMALL)))
        for file in files
        for _ in range(UPLOADS)
    ]
    for half in halves:
        half.send(SMALL[:-1])

    assert put(ann, PNG + b"meanwhile")["size"] == 17

    halves[0].send(SMALL[-1:])
    assert halves[0].hear() == (204, None)
    halves[1].reset()


# -- trouble ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["reset", "shut"])
def test_a_line_that_dies_in_the_middle_leaves_nothing(
    server: Running, stack: ExitStack, end: str
) -> None:
    ann = enter(stack, server, "lines")
    before = in_table(server)
    with Upload(ann, Content_Length=4 * MIB) as upload:
        upload.send(PNG + bytes(MIB))
        coming = wait_for(lambda: set(in_table(server)) - set(before), "it has begun")
        if end == "reset":
            upload.reset()
        else:
            upload.socket.shutdown(socket.SHUT_WR)
            status, told = upload.hear()
            assert (status, told["code"]) == (400, "bad-request")

    ((id, size, is_whole),) = coming
    assert (size, is_whole) == (4 * MIB, 0)
    wait_for(lambda: in_table(server) == before, "it is forgotten")
    assert not [path for path in folder_of(server) if path.name.startswith(id)]


def test_eight_at_once_and_the_others_are_told(server: Running, stack: ExitStack) -> None:
    """Twenty come; whoever is refused has not sent a byte, and comes again."""
    ann = enter(stack, server, "crowded")
    uploads = [
        stack.enter_context(Upload(ann, Content_Length=MIB, Expect="100-continue"))
        for _ in range(UPLOADS)
    ]
    for upload in uploads:
        assert upload.socket.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 100"
    for _ in range(20 - UPLOADS):
        with Upload(ann, Content_Length=MIB, Expect="100-continue") as another:
            status, told = another.hear()
            assert (status, told["code"]) == (503, "busy")

    bob = enter(stack, server, "crowded", "Bob")  # the room is as it always is
    bob.say("hello", "b1")
    bob.hear_until_acked()
    for upload in uploads:
        upload.socket.recv(len(b" Continue\r\n\r\n"), socket.MSG_WAITALL)
        upload.send(PNG + bytes(MIB - 8))
        assert upload.hear()[0] == 201
    put(ann, PNG + b"again")


def test_sixteen_are_read_at_once_and_the_others_are_told(
    server: Running, stack: ExitStack
) -> None:
    ann = enter(stack, server, "readers")
    file = put(ann, PNG + bytes(LARGE - 8))
    say(ann, file["id"])
    readers = []
    for _ in range(DOWNLOADS):
        reader = stack.enter_context(closing(socket.socket()))
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect(("127.0.0.1", server.port))
        reader.sendall(f"GET {file['address']} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert reader.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 200"
        readers.append(reader)

    status, _, body = server.get(file["address"])
    assert (status, json.loads(body)["code"]) == (503, "busy")
    assert server.get("/healthz")[0] == 200

    for reader in readers:
        reader.close()
    wait_for(lambda: server.get(file["address"])[0] == 200, "places again")


def test_memory_does_not_grow_with_files(server: Running, stack: ExitStack) -> None:
    """Eight of 16 MiB at once, and as many that are read: a bound, far below what they have."""
    ann = enter(stack, server, "memory")
    file = put(ann, PNG + bytes(LARGE - 8), "warm.png")
    say(ann, file["id"])
    server.get(file["address"])
    before = server.memory()
    most = [before]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            most.append(server.memory())

    def both(number: int) -> None:
        put(bobs[number], PNG + bytes(LARGE - 8), f"{number}.png")
        assert len(server.get(file["address"])[2]) == LARGE

    bobs = [enter(stack, server, "memory", f"Bob {n}") for n in range(UPLOADS)]
    watcher = threading.Thread(target=watch)
    watcher.start()
    threads = [threading.Thread(target=both, args=(number,)) for number in range(UPLOADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    watcher.join()

    assert max(most) - before < 48 * MIB  # of 256 MiB that went through
    sizes = [size for _, size, is_whole in in_table(server) if is_whole]
    assert sizes.count(LARGE) >= UPLOADS + 1


def test_a_full_disk_stops_files_alone(serve: Launch, stack: ExitStack) -> None:
    server = serve(history="sqlite:chat.db")
    ann = enter(stack, server, "lobby")
    hard = resource.prlimit(server.worker, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(server.worker, resource.RLIMIT_FSIZE, (8 * MIB, hard))

    with Upload(ann, Content_Length=LARGE) as upload:
        upload.send(PNG + bytes(LARGE - 8))
        status, told = upload.hear()

    assert (status, told["code"]) == (507, "no-space")
    assert folder_of(server) == []
    wait_for(lambda: in_table(server) == [], "it is forgotten")
    ann.say("still here", "c2")
    ann.hear_until_acked()


def test_what_a_kill_interrupts_is_in_the_table_and_nowhere_else(
    serve: Launch, stack: ExitStack
) -> None:
    """So it is deleted by the table, an hour later."""
    server = serve(history="sqlite:chat.db")
    ann = enter(stack, server, "lobby")
    kept = put(ann, PNG)
    say(ann, kept["id"])
    with Upload(ann, Content_Length=4 * MIB) as upload:
        upload.send(PNG + bytes(MIB))
        wait_for(lambda: len(folder_of(server)) == 2, "a part of it is there")
        server.kill()

    server.start()

    assert server.get(kept["address"])[2] == PNG
    ((id, _, _),) = [row for row in in_table(server) if not row[2]]
    assert [path.name for path in folder_of(server)] == sorted([kept["id"], f"{id}.part"])
    assert server.get(f"/api/rooms/lobby/files/{id}", bearer(ann))[0] == 404
    with closing(sqlite3.connect(server.folder / "chat.db")) as connection, connection:
        connection.execute(
            "UPDATE files SET uploaded_at = uploaded_at - 4000000 WHERE id = ?", (id,)
        )
    wait_for(lambda: [path.name for path in folder_of(server)] == [kept["id"]], "it is deleted")
    wait_for(lambda: len(in_table(server)) == 1, "and forgotten")


def test_a_thumbnail_comes_after_a_restart_and_a_kill_leaves_none_of_it(
    serve: Launch, stack: ExitStack
) -> None:
    server = serve(history="sqlite:chat.db", leaveGrace=0)
    ann = enter(stack, server, "lobby")
    file = put(ann, PNG + bytes(1000))
    with Upload(ann, f"{file['id']}/thumbnail", Content_Length=len(SMALL)) as upload:
        upload.send(SMALL[:-1])
        server.kill()
    server.start()
    assert [path.name for path in folder_of(server)] == [file["id"]]
    half = server.folder / "chat.db.files" / f"{file['id']}.thumbnail.part"
    half.write_bytes(SMALL[:20])  # as if it had been killed a moment later
    assert server.get(f"{file['address']}/thumbnail", bearer(ann))[2] == PNG + bytes(1000)

    assert put_small(ann, file["id"]) == (204, None)

    again = TypedClient(server.port, "Ann", "lobby", ann.welcome["token"]).connect_and_catch_up()
    stack.callback(again.close)
    message = say(again, file["id"], alt="A blue rectangle")
    server.kill()
    server.start()
    assert server.get(f"{file['address']}/thumbnail")[2] == SMALL
    assert server.history()[-1]["file"] == message["file"]
    half.write_bytes(SMALL[:20])
    removed = server.get(f"/api/rooms/lobby/messages/{message['id']}", bearer(ann), "DELETE")
    assert removed[0] == 204
    wait_for(lambda: folder_of(server) == [], "all of it is gone")


def test_in_memory_files_end_with_the_server(serve: Launch, stack: ExitStack) -> None:
    server = serve(history="memory:")
    server.stop()
    server.environ["TMPDIR"] = str(server.folder)
    server.start()
    ann = enter(stack, server, "lobby")
    file = put(ann, PNG + b"gone soon")
    say(ann, file["id"])
    assert server.get(file["address"])[2] == PNG + b"gone soon"
    assert list(server.folder.glob("chatroom-*"))

    server.stop(signal.SIGTERM)

    assert list(server.folder.glob("chatroom-*")) == []


def test_where_the_database_keeps_no_files_that_is_said(tmp_path: Path) -> None:
    with serving(tmp_path, history="memory:", filesBytes=0) as server, ExitStack() as stack:
        ann = enter(stack, server, "lobby")
        with Upload(ann, Content_Length=8) as upload:
            upload.send(PNG)
            status, told = upload.hear()
        assert (status, told["code"]) == (404, "no-files")
        assert ann.welcome["limits"]["maxFileBytes"] == 0


def test_an_upload_may_take_its_time_but_not_stand_still(server: Running, stack: ExitStack) -> None:
    """Longer than other bodies, of which 5,000 bytes have to come in ten seconds: while one waits,
    the room talks on. How an upload ends that stands still: see ``unit/serving``."""
    ann = enter(stack, server, "slow")
    with Upload(ann, Content_Length=MIB) as upload:
        upload.send(PNG)
        for n in range(20):
            upload.send(bytes((MIB - 8) // 20 if n < 19 else MIB - 8 - 19 * ((MIB - 8) // 20)))
            ann.say(f"{n}", f"s{n}")
            ann.hear_until_acked()
        assert upload.hear()[0] == 201
    assert [message["body"] for message in ann.view] == [f"{n}" for n in range(20)]
