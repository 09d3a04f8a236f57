"""Thumbnails over HTTP: small pictures of pictures, from whoever has uploaded these, in time."""

from __future__ import annotations

import gzip
import struct
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chatroom.engine import Engine
from chatroom.files.stored import UNCLAIMED_MS
from chatroom.message import MessageId
from chatroom.rooms import uploads
from chatroom.rooms.charter import NEVER, Ban, Charter, Door, FilesFrom, Host, Key, Speak
from chatroom.rooms.codes import key_id
from chatroom.rooms.ranks import Rank
from chatroom.sockets.budget import Budgets
from chatroom.users.proof import Proof
from chatroom.web.api import thumbnails
from chatroom.wire.acts import Approve
from chatroom.wire.typed import Remove
from tests.support.deadline import DEADLINE
from tests.support.file_requests import (
    ANN,
    BOB,
    FILES,
    HOST,
    MESSAGES,
    add_thumbnail,
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
from tests.support.flask_client import fail
from tests.support.pictures import png

SETTINGS = {"max_file_bytes": 1_000_000}
"""Of the ``app``: see conftest.py."""

PICTURE = png(800, 600) + bytes(200_000)
SMALL = png(480, 360)
OTHER = png(48, 36, (1, 2, 3))
JPEG = b"\xff\xd8\xff\xc0\x00\x0b\x08" + struct.pack(">HH", 360, 480) + b"\x01\x11\x00"
WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00" + b"\xdf\x01\x00\x67\x01\x00"
GIF = b"GIF89a" + struct.pack("<HHBBB", 480, 360, 0, 0, 0) + b"," + struct.pack("<4H", 0, 0, 9, 9)

HOSTED = {HOST: Host("Host", Rank.MAKER)}


def thumbnail_of(message: Any) -> str:
    return f"{address_of(message)}/thumbnail"


# -- there and back --------------------------------------------------------------------------------


def test_it_comes_after_its_picture_and_is_read_with_the_message(
    client: FlaskClient, engine: Engine
) -> None:
    file = uploaded(client, engine, PICTURE, name="Ä photo.png")

    added = add_thumbnail(client, engine, file["id"], SMALL)
    assert (added.status_code, added.data) == (204, b"")
    message = say(client, engine, file["id"]).json

    small, large = get(client, thumbnail_of(message)), get(client, address_of(message))
    assert (small.data, large.data) == (SMALL, PICTURE)
    assert (small.mimetype, small.content_length) == ("image/png", len(SMALL))
    assert small.headers["ETag"] != large.headers["ETag"]
    same = ["Content-Disposition", "Content-Security-Policy", "X-Content-Type-Options"]
    same += ["Cache-Control", "Cross-Origin-Resource-Policy", "Accept-Ranges"]
    assert [small.headers[key] for key in same] == [large.headers[key] for key in same]
    assert message["file"] == {key: value for key, value in file.items() if key != "address"}


def test_a_browser_asks_again_and_gets_it_once(client: FlaskClient, engine: Engine) -> None:
    message = said(client, engine, PICTURE, thumbnail=SMALL)
    address = thumbnail_of(message)
    tag = get(client, address).headers["ETag"]

    again = get(client, address, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    large = {"If-None-Match": f'"{message["file"]["id"]}"'}
    assert get(client, address, headers=large).status_code == 200
    head = client.head(address)
    assert (head.status_code, head.data, head.content_length) == (200, b"", len(SMALL))
    part = get(client, address, headers={"Range": "bytes=8-15"})
    assert (part.status_code, part.data) == (206, SMALL[8:16])


def test_another_one_takes_its_place(client: FlaskClient, engine: Engine) -> None:
    id = uploaded(client, engine, PICTURE)["id"]
    tags = []
    for data in (SMALL, SMALL, OTHER):
        assert add_thumbnail(client, engine, id, data).status_code == 204
        reply = get(client, f"{FILES}/{id}/thumbnail", headers=as_user(engine))
        assert reply.data == data
        tags.append(reply.headers["ETag"])

    assert tags[0] == tags[1] != tags[2]
    assert on_disk(engine) == [id, f"{id}.thumbnail"]


@pytest.mark.parametrize("data", [SMALL, JPEG, WEBP, GIF], ids=["png", "jpeg", "webp", "gif"])
def test_it_is_what_its_bytes_are(client: FlaskClient, engine: Engine, data: bytes) -> None:
    message = said(client, engine, PICTURE, thumbnail=data)

    reply = get(client, thumbnail_of(message))

    kinds = {SMALL: "image/png", JPEG: "image/jpeg", WEBP: "image/webp", GIF: "image/gif"}
    assert (reply.data, reply.mimetype) == (data, kinds[data])


def test_without_one_there_is_the_picture_itself(client: FlaskClient, engine: Engine) -> None:
    picture, notes = said(client, engine, PICTURE), said(client, engine, b"notes", name="a.txt")

    reply = get(client, thumbnail_of(picture))

    assert reply.data == PICTURE
    assert reply.headers["ETag"] == f'"{picture["file"]["id"]}"'
    problem(get(client, thumbnail_of(notes)), "no-such-file")
    problem(get(client, f"{FILES}/{'0' * 32}/thumbnail"), "no-such-file")


@pytest.mark.parametrize("found", [b"<svg/>", b"", PICTURE], ids=["drawing", "empty", "large"])
def test_what_somebody_else_puts_into_the_folder_is_none(
    client: FlaskClient, engine: Engine, found: bytes
) -> None:
    message = said(client, engine, PICTURE)
    assert engine.files
    engine.files.put_thumbnail(message["file"]["id"], found)
    assert get(client, thumbnail_of(message)).data == PICTURE


def test_a_small_one_takes_no_place_from_large_ones(
    client: FlaskClient, engine: Engine, app: Any
) -> None:
    with_one, without = (
        said(client, engine, PICTURE, thumbnail=SMALL),
        said(client, engine, PICTURE),
    )
    open_replies = [client.get(address_of(with_one)) for _ in range(16)]

    assert get(client, thumbnail_of(with_one)).data == SMALL
    problem(get(client, thumbnail_of(without)), "busy")
    for reply in open_replies:
        reply.close()
    assert get(client, thumbnail_of(without)).data == PICTURE


# -- who may ---------------------------------------------------------------------------------------


def test_only_whoever_has_uploaded_the_picture_adds_it(client: FlaskClient, engine: Engine) -> None:
    id = uploaded(client, engine, PICTURE)["id"]

    reply = client.put(f"{FILES}/{id}/thumbnail", data=SMALL)
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    problem(reply, "bad-token")
    problem(add_thumbnail(client, engine, id, SMALL, user_id=BOB), "no-such-file")
    problem(get(client, f"{FILES}/{id}/thumbnail"), "no-such-file")
    say(client, engine, id)
    problem(add_thumbnail(client, engine, id, SMALL, user_id=BOB), "not-yours")
    assert on_disk(engine) == [id]


def test_it_comes_before_the_message(client: FlaskClient, engine: Engine) -> None:
    """What a host has approved, and others have seen, is no other picture afterwards."""
    decree(engine, Charter(speak=Speak.APPROVAL, hosts=HOSTED))
    id = uploaded(client, engine, PICTURE)["id"]
    held = say(client, engine, id).json

    problem(add_thumbnail(client, engine, id, SMALL), "too-late")
    engine.server.rule("lobby", Approve(held["id"]), by=Proof(HOST), timeout=DEADLINE)
    problem(add_thumbnail(client, engine, id, SMALL), "too-late")
    (message,) = get(client, MESSAGES).json["messages"]
    removal = Remove("", MessageId.parse(message["id"]))
    engine.server.change("lobby", removal, by=Proof(ANN), timeout=DEADLINE)
    problem(add_thumbnail(client, engine, id, SMALL), "gone")
    forget(engine)
    problem(add_thumbnail(client, engine, id, SMALL), "gone")


def test_what_is_said_while_it_comes_is_too_late(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its body may have taken its time."""
    id = uploaded(client, engine, PICTURE)["id"]
    read_picture = thumbnails.read_picture

    def read_slowly(file: Any) -> bytes:
        data = read_picture(file)
        with client.application.test_client() as other:  # type: ignore[union-attr]
            assert say(other, engine, id).status_code == 201
        return data

    monkeypatch.setattr(thumbnails, "read_picture", read_slowly)
    problem(add_thumbnail(client, engine, id, SMALL), "too-late")
    assert on_disk(engine) == [id]


def test_it_comes_within_the_hour(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = uploaded(client, engine, PICTURE)["id"]
    later = time.time_ns() + (UNCLAIMED_MS + 1000) * 1_000_000
    monkeypatch.setattr(time, "time_ns", lambda: later)
    problem(add_thumbnail(client, engine, id, SMALL), "too-late")


def test_it_is_of_a_picture_of_this_room(client: FlaskClient, engine: Engine) -> None:
    notes = uploaded(client, engine, b"notes" * 1000)["id"]
    reply = add_thumbnail(client, engine, notes, OTHER)
    problem(reply, "unsupported-type")
    assert "image/webp" in reply.headers["Accept"]
    id = uploaded(client, engine, PICTURE)["id"]
    elsewhere = f"/api/rooms/garden/files/{id}/thumbnail"
    problem(client.put(elsewhere, data=SMALL, headers=as_user(engine)), "no-such-file")
    for wrong in ("0" * 32, "..%2f..%2fchat.db", "passwd"):
        reply = add_thumbnail(client, engine, wrong, SMALL)
        assert reply.status_code == 404
    assert on_disk(engine) == sorted([id, notes])


@pytest.mark.parametrize(
    ("charter", "code"),
    [
        (Charter(quiet={ANN: Ban("Ann", NEVER)}, hosts=HOSTED), "muted"),
        (Charter(barred={ANN: Ban("Ann", NEVER)}, hosts=HOSTED), "removed"),
        (Charter(speak=Speak.HOSTS, hosts=HOSTED), "paused"),
        (Charter(files=FilesFrom.NOBODY, hosts=HOSTED), "files-off"),
        (Charter(files=FilesFrom.HOSTS, hosts=HOSTED), "files-off"),
        (Charter(door=Door.CODE, code="abcd-efgh", epoch=1, hosts=HOSTED), "wrong-key"),
    ],
)
def test_whoever_may_not_upload_adds_none(
    client: FlaskClient, engine: Engine, charter: Charter, code: str
) -> None:
    id = uploaded(client, engine, PICTURE)["id"]
    decree(engine, charter)
    problem(add_thumbnail(client, engine, id, SMALL), code)
    assert on_disk(engine) == [id]


def test_a_key_for_reading_adds_none(client: FlaskClient, engine: Engine) -> None:
    keys = {key_id("s1"): Key("CI", True, ANN), key_id("s2"): Key("Mirror", False, ANN)}
    decree(engine, Charter(hosts=HOSTED, keys=keys))
    id = uploaded(client, engine, PICTURE)["id"]

    def add(key: str) -> TestResponse:
        headers = {"Authorization": f"Bearer {key}"}
        return client.put(f"{FILES}/{id}/thumbnail", data=SMALL, headers=headers)

    problem(add("s2"), "read-only")
    assert add("s1").status_code == 204


def test_a_door_is_asked_and_a_view_opens_it(client: FlaskClient, engine: Engine) -> None:
    message = said(client, engine, PICTURE, thumbnail=SMALL)
    decree(engine, Charter(door=Door.CODE, code="abcd-efgh", epoch=1))
    address = thumbnail_of(message)

    problem(get(client, address), "wrong-key")
    problem(get(client, address, headers=as_user(engine)), "wrong-key")
    told = get(client, FILES, headers={"Authorization": "Bearer abcd-efgh"}).json
    assert get(client, f"{address}?view={quote(told['view'])}").data == SMALL
    problem(get(client, f"{address}?view={quote(told['view'])}x"), "wrong-key")
    let_in = {"Authorization": f"Bearer {engine.tokens.write_pass('lobby', ANN, 1)}"}
    id = client.put(f"{FILES}/b.png", data=PICTURE, headers=let_in).json["id"]
    added = client.put(f"{FILES}/{id}/thumbnail", data=SMALL, headers=let_in)
    assert added.status_code == 204
    view = client.put(f"{FILES}/{id}/thumbnail?view={quote(told['view'])}", data=SMALL)
    problem(view, "wrong-key")


def test_what_waits_is_seen_by_hosts_alone(client: FlaskClient, engine: Engine) -> None:
    decree(engine, Charter(speak=Speak.APPROVAL, hosts=HOSTED))
    id = uploaded(client, engine, PICTURE)["id"]
    add_thumbnail(client, engine, id, SMALL)
    assert say(client, engine, id).status_code == 202
    address = f"{FILES}/{id}/thumbnail"

    problem(get(client, address, headers=as_user(engine, BOB)), "no-such-file")
    for who in (ANN, HOST):
        assert get(client, address, headers=as_user(engine, who)).data == SMALL


def test_pages_of_other_sites_add_none(client: FlaskClient, engine: Engine) -> None:
    id = uploaded(client, engine, PICTURE)["id"]
    headers = as_user(engine) | {"Origin": "https://evil.example"}
    reply = client.put(f"{FILES}/{id}/thumbnail", data=SMALL, headers=headers)
    problem(reply, "foreign-origin")


# -- what it may be --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "bad-request"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "unsupported-type"),
        (b"<!doctype html><script>alert(1)</script>", "unsupported-type"),
        (b"%PDF-1.7 ", "unsupported-type"),
        (b" " + SMALL, "unsupported-type"),
        (SMALL[:12], "unsupported-type"),
        (SMALL[:20], "unsupported-type"),  # a width and no height
        (b"\xff\xd8\xff\xe0 jpeg", "unsupported-type"),
        (b"\xff\xd8\xff\xe1" + bytes(65_000), "unsupported-type"),
        (b"\xff\xd8" + b"\xff" * 60_000 + JPEG[2:], "unsupported-type"),
        (b"GIF89a=1/*" + b"x" * 20, "too-large"),  # a script that calls itself one
        (SMALL[:16] + struct.pack(">II", 60_000, 60_000) + SMALL[24:], "too-large"),
        (SMALL[:16] + struct.pack(">II", 0x80000001, 1) + SMALL[24:], "too-large"),
        (png(481, 1), "too-large"),
        (png(1, 481), "too-large"),
        (GIF[:6] + bytes(7) + b"," + struct.pack("<4H", 480, 0, 1, 1), "too-large"),
        (SMALL + bytes(65_537 - len(SMALL)), "too-large"),
    ],
    ids=[
        "nothing",
        "drawing",
        "page",
        "document",
        "after-a-space",
        "no-size",
        "no-height",
        "no-jpeg",
        "hidden-size",
        "filled",
        "script",
        "bomb",
        "negative",
        "too-wide",
        "too-high",
        "later-frame",
        "too-long",
    ],
)
def test_it_is_a_small_picture_and_nothing_else(
    client: FlaskClient, engine: Engine, data: bytes, code: str
) -> None:
    id = uploaded(client, engine, PICTURE)["id"]

    problem(add_thumbnail(client, engine, id, data), code)

    assert on_disk(engine) == [id]
    largest = SMALL + bytes(65_536 - len(SMALL))
    assert add_thumbnail(client, engine, id, largest).status_code == 204


def test_a_page_in_a_picture_is_a_picture(client: FlaskClient, engine: Engine) -> None:
    """Browsers are told to show it as one, to guess nothing, and to run nothing."""
    both = SMALL + b"<script>alert(1)</script>"
    message = said(client, engine, PICTURE, thumbnail=both)

    reply = get(client, thumbnail_of(message), headers={"Accept": "text/html"})

    assert (reply.data, reply.mimetype) == (both, "image/png")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_it_is_at_most_half_of_its_picture(client: FlaskClient, engine: Engine) -> None:
    """So all of them are at most half of all files, which have a limit."""
    id = uploaded(client, engine, OTHER + bytes(400 - len(OTHER)))["id"]

    told = problem(add_thumbnail(client, engine, id, OTHER + bytes(201 - len(OTHER))), "too-large")
    assert "200 bytes" in told["detail"]
    fits = OTHER + bytes(200 - len(OTHER))
    assert add_thumbnail(client, engine, id, fits).status_code == 204
    assert engine.history.files_bytes() == 400


def test_nobody_sends_it_packed(client: FlaskClient, engine: Engine) -> None:
    id = uploaded(client, engine, PICTURE)["id"]
    headers = as_user(engine) | {"Content-Encoding": "gzip"}
    data = gzip.compress(SMALL + bytes(50_000_000))
    reply = client.put(f"{FILES}/{id}/thumbnail", data=data, headers=headers)
    problem(reply, "unsupported-type")


# -- limits ----------------------------------------------------------------------------------------


def test_five_of_one_picture_in_ten_minutes_are_enough(client: FlaskClient, engine: Engine) -> None:
    id, other = (uploaded(client, engine, PICTURE)["id"] for _ in range(2))
    for _ in range(5):
        assert add_thumbnail(client, engine, id, SMALL).status_code == 204
    reply = add_thumbnail(client, engine, id, SMALL)
    problem(reply, "too-many-files")
    assert 1 <= int(reply.headers["Retry-After"]) <= 120
    assert add_thumbnail(client, engine, other, SMALL).status_code == 204


def test_it_is_none_of_the_files_of_a_person(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (uploads.MOST_OF_ONE, uploads.MOST_OF_FILE) == (20, 5)
    monkeypatch.setattr(engine.server.uploads, "_of_people", Budgets(2 / 600, 2.001))
    ids = [uploaded(client, engine, PICTURE)["id"] for _ in range(2)]
    problem(upload(client, engine, PICTURE), "too-many-files")

    for id in ids:
        assert add_thumbnail(client, engine, id, SMALL).status_code == 204


def test_some_of_the_disk_stays_free(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = uploaded(client, engine, PICTURE)["id"]
    store: Any = engine.files
    monkeypatch.setattr(store, "_kept_free", 1 << 60)
    problem(add_thumbnail(client, engine, id, SMALL), "no-space")
    assert on_disk(engine) == [id]


@pytest.mark.parametrize("broken", ["put_thumbnail", "open_thumbnail"])
def test_a_disk_that_fails_is_told(
    client: FlaskClient,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    broken: str,
) -> None:
    def give_up(*_: Any) -> None:
        raise OSError(5, "Input/output error")

    message = said(client, engine, PICTURE, thumbnail=SMALL)
    id = uploaded(client, engine, PICTURE)["id"]
    monkeypatch.setattr(engine.files, broken, give_up)

    if broken == "put_thumbnail":
        problem(add_thumbnail(client, engine, id, SMALL), "unavailable")
    else:
        problem(get(client, thumbnail_of(message)), "unavailable")
    assert "Input/output error" in caplog.text


def test_two_at_once_are_nobodys_error(
    client: FlaskClient,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def collide(*_: Any) -> None:
        raise BlockingIOError

    id = uploaded(client, engine, PICTURE)["id"]
    monkeypatch.setattr(engine.files, "put_thumbnail", collide)
    problem(add_thumbnail(client, engine, id, SMALL), "busy")
    assert "ERROR" not in caplog.text


def test_a_history_that_fails_adds_none(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = uploaded(client, engine, PICTURE)["id"]
    monkeypatch.setattr(engine.history, "file", fail)
    problem(add_thumbnail(client, engine, id, SMALL), "unavailable")
    assert on_disk(engine) == [id]


# -- gone ------------------------------------------------------------------------------------------


def test_what_nobody_says_goes_with_its_thumbnail(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = said(client, engine, PICTURE, thumbnail=SMALL)["file"]["id"]
    id = uploaded(client, engine, PICTURE)["id"]
    add_thumbnail(client, engine, id, SMALL)
    later = time.time_ns() + 2 * UNCLAIMED_MS * 1_000_000
    monkeypatch.setattr(time, "time_ns", lambda: later)

    forget(engine)

    assert on_disk(engine) == [kept, f"{kept}.thumbnail"]


def test_what_is_erased_while_it_comes_is_gone(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = uploaded(client, engine, PICTURE)["id"]
    assert engine.files
    put: Callable[[str, bytes], None] = engine.files.put_thumbnail

    def put_late(id: str, picture: bytes) -> None:
        engine.server.ask(partial(engine.history.disown_files, "lobby", ANN), DEADLINE)
        forget(engine)
        put(id, picture)

    monkeypatch.setattr(engine.files, "put_thumbnail", put_late)
    problem(add_thumbnail(client, engine, id, SMALL), "gone")
    assert on_disk(engine) == []
