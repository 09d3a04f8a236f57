"""Pictures and files over HTTP: who may upload and read, what a browser may do with them, and that
what is removed is gone."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chatroom.engine import Engine
from chatroom.files.interface import KEPT_FREE
from chatroom.files.stored import GRACE_MS, UNCLAIMED_MS
from chatroom.history import History
from chatroom.message import MessageId
from chatroom.rooms import uploads
from chatroom.rooms.charter import NEVER, NO_CHARTER, Ban, Charter, Door, Host, Speak
from chatroom.rooms.ranks import Rank
from chatroom.sockets.budget import Budgets
from chatroom.users.proof import Proof
from chatroom.web.api import files
from chatroom.wire.acts import Approve, Clear, Erase, Refuse, RestoreAll
from chatroom.wire.typed import Remove
from tests.support.deadline import DEADLINE
from tests.support.file_requests import (
    ANN,
    BOB,
    FILES,
    HOST,
    MESSAGES,
    PNG,
    address_of,
    as_user,
    decree,
    forget,
    get,
    on_disk,
    problem,
    said,
    say,
    upload,
    uploaded,
)
from tests.support.flask_client import fail, started
from tests.support.pictures import png

SETTINGS = {"max_file_bytes": 2000, "files_bytes": 10_000}
"""Of the ``app``: see conftest.py."""


# -- there and back --------------------------------------------------------------------------------


def test_a_picture_is_uploaded_said_and_read(client: FlaskClient, engine: Engine) -> None:
    reply = upload(client, engine, query="?width=40&height=30")

    assert reply.status_code == 201
    file = reply.json
    assert file == {
        "id": file["id"],
        "name": "photo.png",
        "type": "image/png",
        "size": len(PNG),
        "width": 40,
        "height": 30,
        "address": f"{FILES}/{file['id']}",
    }
    assert reply.location == file["address"]

    message = say(client, engine, file["id"]).json
    assert message["file"] == {key: value for key, value in file.items() if key != "address"}
    assert list(message)[-1] == "file"
    assert message["userId"] == ANN
    assert get(client, f"{MESSAGES}/{message['id']}").json == message
    assert get(client, file["address"]).data == PNG


def test_a_picture_needs_no_text_and_plain_clients_see_none(
    client: FlaskClient, engine: Engine
) -> None:
    file = uploaded(client, engine)

    assert say(client, engine, file["id"], "").status_code == 201

    (plain,) = get(client, "/getAllMessages").json["Messages"]
    assert plain["body"] == ""


@pytest.mark.parametrize(
    ("data", "mimetype", "shown"),
    [
        (PNG, "image/png", "inline"),
        (b"\xff\xd8\xff\xe0 jpeg", "image/jpeg", "inline"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", None, "attachment"),
        (b"<!doctype html><script>alert(1)</script>", None, "attachment"),
        (b"%PDF-1.7 ", None, "attachment"),
    ],
)
def test_a_browser_shows_pictures_and_saves_all_else(
    client: FlaskClient, engine: Engine, data: bytes, mimetype: str | None, shown: str
) -> None:
    """Whatever they are called, and whatever their sender says that they are."""
    message = said(client, engine, data, name="Bild „ä“.png")

    reply = get(client, address_of(message))

    assert reply.data == data
    assert reply.mimetype == (mimetype or "application/octet-stream")
    name = "filename*=UTF-8''Bild%20%E2%80%9E%C3%A4%E2%80%9C.png"
    assert reply.headers["Content-Disposition"] == f"{shown}; {name}"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert reply.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert reply.headers["Cache-Control"] == "private, no-cache"


def test_a_browser_asks_again_and_gets_it_once(client: FlaskClient, engine: Engine) -> None:
    address = address_of(said(client, engine))
    tag = get(client, address).headers["ETag"]

    again = get(client, address, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    head = client.head(address)
    assert (head.status_code, head.data, head.content_length) == (200, b"", len(PNG))


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, PNG[:10]),
        ("bytes=200-", 206, PNG[200:]),
        ("bytes=-8", 206, PNG[-8:]),
        ("bytes=-9999", 206, PNG),
        ("bytes=5-9999", 206, PNG[5:]),
        ("bytes=9999-", 416, b""),
        ("bytes=0-1,5-6", 200, PNG),
        ("lines=0-1", 200, PNG),
        ("bytes=9-1", 200, PNG),
    ],
)
def test_a_part_of_it_can_be_asked_for(
    client: FlaskClient, engine: Engine, asked: str, status: int, part: bytes
) -> None:
    reply = get(client, address_of(said(client, engine)), headers={"Range": asked})

    assert (reply.status_code, reply.data) == (status, part)
    assert reply.headers["Accept-Ranges"] == "bytes"
    if status == 206:
        start = PNG.index(part)
        wanted = f"bytes {start}-{start + len(part) - 1}/{len(PNG)}"
        assert reply.headers["Content-Range"] == wanted
    if status == 416:
        assert reply.headers["Content-Range"] == f"bytes */{len(PNG)}"


def test_a_part_of_another_file_is_all_of_this_one(client: FlaskClient, engine: Engine) -> None:
    asked = {"Range": "bytes=0-1", "If-Range": '"another"'}
    reply = get(client, address_of(said(client, engine)), headers=asked)
    assert (reply.status_code, reply.data) == (200, PNG)


def test_what_a_picture_shows_comes_with_it(client: FlaskClient, engine: Engine) -> None:
    """In one line, as screen readers take it."""
    message = said(client, engine, alt='  A "red"\n\tbicycle \x00 🚲\u200d ')

    assert message["file"]["alt"] == 'A "red" bicycle 🚲\u200d'
    assert list(message["file"]) == ["id", "name", "type", "size", "alt"]
    assert get(client, f"{MESSAGES}/{message['id']}").json == message
    lines = get(client, MESSAGES, headers={"Accept": "application/x-ndjson"}).text
    assert json.loads(lines) == message
    edited = client.patch(
        f"{MESSAGES}/{message['id']}", json={"body": "there"}, headers=as_user(engine)
    )
    assert edited.json["file"] == message["file"]
    assert "alt" not in said(client, engine, alt=" \n ")["file"]


@pytest.mark.parametrize("alt", [7, None, ["A square"], "x" * 1001, "\ud800"])
def test_what_it_shows_is_a_text_and_not_a_long_one(
    client: FlaskClient, engine: Engine, alt: object
) -> None:
    fields = {"userName": "Ann", "body": "", "file": uploaded(client, engine)["id"], "alt": alt}

    found = problem(client.post(MESSAGES, json=fields, headers=as_user(engine)), "bad-field")

    assert found["field"] == "alt"
    fields["alt"] = "x" * 1000
    assert client.post(MESSAGES, json=fields, headers=as_user(engine)).status_code == 201


def test_without_a_file_there_is_nothing_to_see(client: FlaskClient, engine: Engine) -> None:
    fields = {"userName": "Ann", "body": "look", "alt": "A square"}
    found = problem(client.post(MESSAGES, json=fields), "bad-field")
    assert (found["field"], found["wanted"]) == ("alt", "file, too, or no alt")
    assert client.post(MESSAGES, json=fields | {"alt": ""}).status_code == 201


def test_the_same_picture_with_other_words_is_another_message(
    client: FlaskClient, engine: Engine
) -> None:
    file = uploaded(client, engine)["id"]
    first = say(client, engine, file, cmid="c1", alt="A square")

    problem(say(client, engine, file, cmid="c1", alt="A circle"), "cmid-reused")
    problem(say(client, engine, file, cmid="c1"), "cmid-reused")

    again = say(client, engine, file, cmid="c1", alt=" A  square ")
    assert (again.status_code, again.json) == (200, first.json)


# -- who may ---------------------------------------------------------------------------------------


def test_whoever_uploads_says_who_they_are(client: FlaskClient, engine: Engine) -> None:
    reply = client.put(f"{FILES}/a.png", data=PNG)
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    problem(reply, "bad-token")

    link = {"Authorization": f"Bearer {engine.tokens.write_operator_link()}"}
    problem(client.put(f"{FILES}/a.png", data=PNG, headers=link), "bad-token")
    problem(
        client.post(MESSAGES, json={"userName": "Ann", "body": "", "file": "0" * 32}), "bad-token"
    )
    assert engine.history.files_bytes() == 0


def test_only_its_uploader_says_something_with_it_and_once(
    client: FlaskClient, engine: Engine
) -> None:
    id = uploaded(client, engine)["id"]

    problem(say(client, engine, id, user_id=BOB), "no-such-file")
    first = say(client, engine, id, cmid="c1")
    assert first.status_code == 201
    problem(say(client, engine, id), "no-such-file")
    problem(say(client, engine, "0" * 32), "no-such-file")
    problem(say(client, engine, "../chat.db"), "bad-field")

    again = say(client, engine, id, cmid="c1")  # for lack of an answer
    assert (again.status_code, again.json) == (200, first.json)
    problem(say(client, engine, id, "else", cmid="c1"), "cmid-reused")


def test_the_same_words_with_another_file_are_another_message(
    client: FlaskClient, engine: Engine
) -> None:
    """Also if there are none, as with most pictures: else whoever counts its cmids anew would see
    the first picture, and the second one would be gone within the hour."""
    one, two = (uploaded(client, engine)["id"] for _ in range(2))
    first = say(client, engine, one, "", cmid="c1").json

    problem(say(client, engine, two, "", cmid="c1"), "cmid-reused")

    assert say(client, engine, one, "", cmid="c1").json == first
    decree(engine, Charter(speak=Speak.APPROVAL, hosts={HOST: Host("Host", Rank.MAKER)}))
    assert say(client, engine, two, "", cmid="c2").status_code == 202
    problem(say(client, engine, one, "", cmid="c2"), "cmid-reused")
    assert say(client, engine, two, "", cmid="c2").status_code == 202


@pytest.mark.parametrize("name", ["Host", "h\u043e\u0455t"])
def test_nobody_shows_a_picture_under_the_name_of_a_host(
    client: FlaskClient, engine: Engine, name: str
) -> None:
    """Nor under one that looks the same: with a user id, everybody takes it for checked."""
    decree(engine, Charter(speak=Speak.EVERYBODY, hosts={HOST: Host("Host", Rank.HOST)}))
    mine, theirs = (uploaded(client, engine, user_id=who)["id"] for who in (ANN, HOST))

    def post(file: str, user_id: str) -> TestResponse:
        fields = {"userName": name, "body": "look", "file": file}
        return client.post(MESSAGES, json=fields, headers=as_user(engine, user_id))

    told = problem(post(mine, ANN), "name-taken")
    assert f"{name} 2 is free" in told["detail"]
    assert say(client, engine, mine).status_code == 201
    assert post(theirs, HOST).json["by"] == "host"


def test_what_is_not_said_yet_is_its_uploaders_alone(client: FlaskClient, engine: Engine) -> None:
    address = uploaded(client, engine)["address"]

    assert get(client, address, headers=as_user(engine)).data == PNG
    problem(get(client, address), "no-such-file")
    problem(get(client, address, headers=as_user(engine, BOB)), "no-such-file")


def test_a_file_is_read_in_its_room_alone(client: FlaskClient, engine: Engine) -> None:
    message = said(client, engine)
    elsewhere = address_of(message).replace("lobby", "garden")

    problem(get(client, elsewhere), "no-such-file")
    problem(get(client, f"{FILES}/{'0' * 32}"), "no-such-file")
    problem(get(client, f"{FILES}/..%2f..%2fchat.db"), "not-found")
    problem(get(client, f"{FILES}/passwd"), "no-such-file")


def test_whoever_may_not_speak_may_not_upload(client: FlaskClient, engine: Engine) -> None:
    hosts = {HOST: Host("Host", Rank.MAKER)}
    quiet = Charter(quiet={ANN: Ban("Ann", NEVER)}, hosts=hosts)
    decree(engine, quiet)
    problem(upload(client, engine), "muted")
    decree(engine, Charter(barred={ANN: Ban("Ann", NEVER)}, hosts=hosts))
    problem(upload(client, engine), "removed")
    decree(engine, Charter(speak=Speak.HOSTS, hosts=hosts))
    problem(upload(client, engine), "paused")
    assert upload(client, engine, user_id=HOST).status_code == 201


def test_a_door_is_asked_in_both_directions(client: FlaskClient, engine: Engine) -> None:
    message = said(client, engine)
    decree(engine, Charter(door=Door.CODE, code="abcd-efgh", epoch=1))

    problem(get(client, address_of(message)), "wrong-key")
    problem(get(client, address_of(message), headers=as_user(engine)), "wrong-key")
    problem(upload(client, engine), "wrong-key")
    problem(get(client, FILES), "wrong-key")
    let_in = {"Authorization": f"Bearer {engine.tokens.write_pass('lobby', ANN, 1)}"}
    assert get(client, address_of(message), headers=let_in).data == PNG
    assert client.put(f"{FILES}/a.png", data=PNG, headers=let_in).status_code == 201


def test_a_browser_shows_a_picture_by_an_address_that_is_good_for_a_while(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = said(client, engine)
    decree(engine, Charter(door=Door.CODE, code="abcd-efgh", epoch=1))
    with_code = {"Authorization": "Bearer abcd-efgh"}

    told = get(client, FILES, headers=with_code).json
    address = f"{address_of(message)}?view={quote(told['view'])}"

    assert told["seconds"] == files.VIEW_SECONDS
    assert get(client, address).data == PNG
    problem(get(client, f"{MESSAGES}?view={quote(told['view'])}"), "wrong-key")  # for files alone
    problem(get(client, f"{address}x"), "wrong-key")
    decree(engine, Charter(door=Door.CODE, code="abcd-efgh", epoch=2))  # everybody out
    problem(get(client, address), "wrong-key")
    decree(engine, Charter(door=Door.CODE, code="abcd-efgh", epoch=1))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + files.VIEW_SECONDS + 1)
    problem(get(client, address), "wrong-key")


def test_somebody_who_was_removed_sees_no_more_pictures(
    client: FlaskClient, engine: Engine
) -> None:
    message = said(client, engine)
    view = get(client, FILES, headers=as_user(engine, BOB)).json["view"]
    address = f"{address_of(message)}?view={quote(view)}"
    assert get(client, address).data == PNG

    decree(engine, Charter(barred={BOB: Ban("Bob", NEVER)}))

    problem(get(client, address), "removed")


# -- limits ----------------------------------------------------------------------------------------


def test_what_is_too_large_is_refused_before_it_comes(client: FlaskClient, engine: Engine) -> None:
    found = problem(upload(client, engine, b"x" * 2001), "too-large")

    assert "2000 bytes" in found["detail"]
    assert uploaded(client, engine, b"x" * 2000)["size"] == 2000
    assert len(on_disk(engine)) == 1


def test_an_empty_file_is_none(client: FlaskClient, engine: Engine) -> None:
    problem(upload(client, engine, b""), "bad-request")
    assert engine.history.files_bytes() == 0


def test_all_files_together_have_a_limit_and_talking_goes_on(
    client: FlaskClient, engine: Engine
) -> None:
    for _ in range(5):
        message = said(client, engine, b"x" * 2000)
    found = problem(upload(client, engine, b"x"), "no-space")
    assert "filesBytes" in found["detail"]
    assert client.post(MESSAGES, json={"userName": "Ann", "body": "hi"}).status_code == 201

    client.delete(f"{MESSAGES}/{message['id']}", headers=as_user(engine))
    forget(engine)
    assert uploaded(client, engine, b"x" * 2000)["size"] == 2000


def test_what_is_coming_counts_too(client: FlaskClient, engine: Engine) -> None:
    """Five at once could otherwise take twice what there is."""
    uploads = engine.server.uploads
    file = engine.history.file(uploaded(client, engine)["id"])
    assert file
    speaker: Any = type("Nobody", (), {})()
    coming = file._replace(id=engine.file_ids.new("lobby"), size=9_000, is_whole=False)
    engine.server.ask(partial(engine.history.add_file, coming), DEADLINE)

    problem(upload(client, engine, b"x" * 1000), "no-space")
    engine.server.ask(partial(uploads.drop, [coming.id]), DEADLINE)
    assert upload(client, engine, b"x" * 1000).status_code == 201
    del speaker


def test_some_of_the_disk_stays_free(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Any = engine.files
    monkeypatch.setattr(store, "_kept_free", 1 << 60)
    problem(upload(client, engine), "no-space")
    assert KEPT_FREE == 512 * 1024 * 1024
    assert engine.history.files_bytes() == 0


def test_what_cannot_be_stored_is_refused_and_the_reason_is_logged(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """As if another machine's folder were not mounted."""

    def fail(*_: Any) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(engine.files, "put", fail)
    problem(upload(client, engine), "unavailable")
    assert "Input/output error" in caplog.text
    assert engine.history.files_bytes() == 0


def test_twenty_in_ten_minutes_are_enough(client: FlaskClient, engine: Engine) -> None:
    for _ in range(20):
        assert upload(client, engine, b"x").status_code == 201
    reply = upload(client, engine, b"x")
    problem(reply, "too-many-files")
    assert 1 <= int(reply.headers["Retry-After"]) <= 30
    assert upload(client, engine, b"x", user_id=BOB).status_code == 201


def test_what_found_no_space_does_not_count_for_anybody(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether all files are too many, or the disk is full before or while it comes; but somebody
    who asks again and again has all that their address may."""
    store: Any = engine.files
    full = uploaded(client, engine, b"x" * 2000, user_id=BOB)
    for _ in range(4):
        uploaded(client, engine, b"x" * 2000, user_id=BOB)
    assert full["size"] == 2000
    for _ in range(25):
        problem(upload(client, engine, b"x"), "no-space")
    engine.server.ask(
        lambda: engine.history.drop_files([it.id for it in engine.history.files_of(BOB)]), DEADLINE
    )
    with monkeypatch.context() as patch:
        patch.setattr(store, "_kept_free", 1 << 60)
        for _ in range(25):
            problem(upload(client, engine, b"x"), "no-space")
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full_disk)
        for _ in range(25):
            problem(upload(client, engine, b"x"), "no-space")

    for _ in range(20):
        uploaded(client, engine, b"x")
    problem(upload(client, engine, b"x"), "too-many-files")


def full_disk(_descriptor: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_twenty_first_may_come_when_the_answer_says(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = time.monotonic()
    monkeypatch.setattr("chatroom.sockets.budget.time", SimpleNamespace(monotonic=lambda: moment))
    for _ in range(20):
        uploaded(client, engine, b"x")
    refused = upload(client, engine, b"x")
    problem(refused, "too-many-files")
    seconds = int(refused.headers["Retry-After"])

    moment += seconds - 1.5
    problem(upload(client, engine, b"x"), "too-many-files")
    moment += 1.5
    uploaded(client, engine, b"x")


def test_another_token_brings_no_more_files_from_the_same_address(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody can be as many people as they like."""
    assert uploads.MOST_OF_ADDRESS == 400
    monkeypatch.setattr(engine.server.uploads, "_of_addresses", Budgets(3 / 600, 3.001))
    for number in range(3):
        assert upload(client, engine, b"x", user_id=f"person-{number}").status_code == 201

    reply = upload(client, engine, b"x", user_id="person-4")

    assert "from one address" in problem(reply, "too-many-files")["detail"]
    assert 1 <= int(reply.headers["Retry-After"]) <= 200
    elsewhere = {"REMOTE_ADDR": "192.0.2.9"}
    reply = client.put(
        f"{FILES}/a", data=b"x", headers=as_user(engine, "person-4"), environ_base=elsewhere
    )
    assert reply.status_code == 201


@pytest.mark.parametrize("query", ["?width=0&height=3", "?width=x", "?height=99999999"])
def test_sizes_are_bounded(client: FlaskClient, engine: Engine, query: str) -> None:
    problem(upload(client, engine, query=query), "bad-parameter")


def test_pages_of_other_sites_upload_nothing(client: FlaskClient, engine: Engine) -> None:
    headers = as_user(engine) | {"Origin": "https://evil.example"}
    problem(client.put(f"{FILES}/a.png", data=PNG, headers=headers), "foreign-origin")


def test_where_no_files_are_wanted_there_are_none(tmp_path: Path) -> None:
    with started(tmp_path, history="memory:", files_bytes=0) as app:
        client, engine = app.test_client(), app.extensions["chatroom"]
        problem(upload(client, engine), "no-files")
        problem(get(client, f"{FILES}/{'0' * 32}"), "no-files")
        problem(get(client, FILES), "no-files")
        problem(say(client, engine, "0" * 32), "no-such-file")


def test_whoever_uploads_waits_for_what_all_of_them_send(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ledger:
        """Each piece costs a second for each hundred bytes, of all uploads together."""

        made: ClassVar[list[Ledger]] = []

        def __init__(self, rate: float, burst: float) -> None:
            self.made.append(self)
            self.spent: list[float] = []

        def spend(self, size: float) -> float:
            self.spent.append(size)
            return size / 100

    waited: list[float] = []
    clock = SimpleNamespace(monotonic=time.monotonic, time_ns=time.time_ns, sleep=waited.append)
    monkeypatch.setattr(files, "Budget", Ledger)
    monkeypatch.setattr(files, "time", clock)
    with started(tmp_path, history="memory:") as app:
        client, engine = app.test_client(), app.extensions["chatroom"]
        for data in (PNG, PNG + bytes(300)):
            assert upload(client, engine, data=data).status_code == 201
    (ledger,) = Ledger.made
    assert ledger.spent == [len(PNG), len(PNG) + 300]
    assert waited == [size / 100 for size in ledger.spent]


# -- removal ---------------------------------------------------------------------------------------

HOSTED = Charter(hosts={HOST: Host("Host", Rank.MAKER)})

PICTURE, SMALL = png(20, 20) + bytes(500), png(4, 4)


def by_author(engine: Engine, id: MessageId) -> None:
    engine.server.change("lobby", Remove("", id), by=Proof(ANN), timeout=DEADLINE)


def by_host_and_erased(engine: Engine, id: MessageId) -> None:
    engine.server.change("lobby", Remove("", id), by=Proof(HOST), timeout=DEADLINE)
    engine.server.rule("lobby", Erase(id), by=Proof(HOST), timeout=DEADLINE)


def by_clearing(engine: Engine, id: MessageId) -> None:
    engine.server.rule("lobby", Clear(None), by=Proof(HOST), timeout=DEADLINE)
    engine.server.rule("lobby", Erase(None), by=Proof(HOST), timeout=DEADLINE)


def by_time(engine: Engine, id: MessageId) -> None:
    engine.server.change("lobby", Remove("", id), by=Proof(HOST), timeout=DEADLINE)
    engine.server.ask(partial(engine.history.erase, 1 << 50, 100), DEADLINE)


def by_retention(engine: Engine, id: MessageId) -> None:
    engine.server.ask(partial(engine.history.trim, "lobby", 0, 1 << 50, 100), DEADLINE)


def by_deleting_the_room(engine: Engine, id: MessageId) -> None:
    engine.server.ask(partial(engine.history.delete, "lobby"), DEADLINE)


@pytest.mark.parametrize(
    "remove",
    [by_author, by_host_and_erased, by_clearing, by_time, by_retention, by_deleting_the_room],
)
def test_message_gone_file_gone(
    client: FlaskClient, engine: Engine, remove: Callable[[Engine, MessageId], None]
) -> None:
    decree(engine, HOSTED)
    message = said(client, engine, PICTURE, thumbnail=SMALL, alt="A square")
    addresses = address_of(message), f"{address_of(message)}/thumbnail"
    tags = [get(client, address).headers["ETag"] for address in addresses]
    assert len(on_disk(engine)) == 2

    remove(engine, MessageId.parse(message["id"]))

    for address, tag in zip(addresses, tags, strict=True):
        problem(get(client, address, headers={"If-None-Match": tag}), "gone")
    assert "A square" not in get(client, MESSAGES).text
    forget(engine)
    assert on_disk(engine) == []
    assert engine.history.files_bytes() == 0
    for address in addresses:  # for good, though nothing is kept of it
        problem(get(client, address), "gone")


def test_what_a_host_removes_is_nobodys_to_read_until_it_is_back(
    client: FlaskClient, engine: Engine
) -> None:
    decree(engine, HOSTED)
    message = said(client, engine, PICTURE, thumbnail=SMALL, alt="A square")
    small = f"{address_of(message)}/thumbnail"
    told = engine.server.rule("lobby", Clear(None), by=Proof(HOST), timeout=DEADLINE)

    problem(get(client, address_of(message), headers=as_user(engine, HOST)), "gone")
    problem(get(client, address_of(message), headers=as_user(engine)), "gone")
    problem(get(client, small, headers=as_user(engine, HOST)), "gone")
    forget(engine)
    assert on_disk(engine) == [message["file"]["id"], f"{message['file']['id']}.thumbnail"]

    at = int(time.time() * 1000) if "at" not in told else None
    from chatroom.wire.message_json import milliseconds

    moment = milliseconds(str(told["at"])) if at is None else at
    engine.server.rule("lobby", RestoreAll(moment), by=Proof(HOST), timeout=DEADLINE)

    assert get(client, address_of(message)).data == PICTURE
    assert get(client, small).data == SMALL
    assert get(client, MESSAGES).json["messages"][0]["file"] == message["file"]
    assert message["file"]["alt"] == "A square"


def test_what_waits_for_approval_is_seen_by_hosts_alone(
    client: FlaskClient, engine: Engine
) -> None:
    decree(engine, Charter(speak=Speak.APPROVAL, hosts=HOSTED.hosts))
    first, second = uploaded(client, engine), uploaded(client, engine)
    held = [say(client, engine, file["id"], alt="A square") for file in (first, second)]
    assert [reply.status_code for reply in held] == [202, 202]
    assert held[0].json["file"]["id"] == first["id"]
    assert held[0].json["file"]["alt"] == "A square"

    problem(get(client, first["address"], headers=as_user(engine, BOB)), "no-such-file")
    assert get(client, first["address"], headers=as_user(engine, HOST)).data == PNG
    assert get(client, first["address"], headers=as_user(engine)).data == PNG
    ids = [reply.json["id"] for reply in held]
    engine.server.rule("lobby", Approve(ids[0]), by=Proof(HOST), timeout=DEADLINE)
    engine.server.rule("lobby", Refuse(ids[1]), by=Proof(HOST), timeout=DEADLINE)

    assert get(client, first["address"]).data == PNG
    (message,) = get(client, MESSAGES).json["messages"]
    assert message["file"]["id"] == first["id"]
    assert message["file"]["alt"] == "A square"
    problem(get(client, second["address"], headers=as_user(engine)), "gone")
    forget(engine)
    assert on_disk(engine) == [first["id"]]


def test_what_nobody_says_anything_with_goes_by_the_table_and_nothing_else_does(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, unclaimed = said(client, engine), uploaded(client, engine)
    folder: Any = engine.files._folder  # type: ignore[union-attr]
    (folder / "avatar.png").write_bytes(b"somebody's")
    forget(engine)
    assert unclaimed["id"] in on_disk(engine)

    later = time.time_ns() + (UNCLAIMED_MS + GRACE_MS + 1000) * 1_000_000
    monkeypatch.setattr(time, "time_ns", lambda: later)
    problem(say(client, engine, unclaimed["id"]), "no-such-file")
    forget(engine)

    assert on_disk(engine) == sorted([kept["file"]["id"], "avatar.png"])
    assert get(client, address_of(kept)).data == PNG


def test_a_file_that_a_backup_lacks_is_said_to_be_gone(client: FlaskClient, engine: Engine) -> None:
    message = said(client, engine)
    assert engine.files
    engine.files.forget(message["file"]["id"])

    problem(get(client, address_of(message)), "gone")
    assert get(client, MESSAGES).json["messages"] == [message]


def test_what_cannot_be_noted_leaves_no_file(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    history: History = engine.history
    monkeypatch.setattr(history, "complete_file", fail)
    problem(upload(client, engine), "unavailable")

    assert on_disk(engine) == []
    assert history.files_bytes() == 0
    assert Charter() == NO_CHARTER
