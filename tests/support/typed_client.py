"""A small client of the typed protocol, for tests: it keeps what a good client keeps.

It believes nothing: each frame is held against what the protocol promises, as it comes.
"""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.support.deadline import DEADLINE
from tests.support.websocket_client import CLOSE, PING, PONG, TEXT, RawClient, encode

SUBPROTOCOL = "chatroom.v1"
EMPTY = "0-0"
"""The cursor of an empty room."""
NORMAL, GAP = 1000, 4009
"""Close codes: goodbye; what was to follow has been trimmed meanwhile."""

Fields = dict[str, Any]


class Closed(EOFError):
    """The server has closed the socket; ``args`` are the code and the reason."""

    @property
    def code(self) -> int:
        code: int = self.args[0]
        return code


RULES = {"paused", "muted", "held"}
"""Codes of errors: why a message is refused for good."""


def seq(cursor: str) -> int:
    """The number in an id."""
    return int(cursor.partition("-")[0])


def typed_frame(**fields: object) -> bytes:
    """A frame with these fields, as a client sends it; None leaves a field out."""
    there = {name: value for name, value in fields.items() if value is not None}
    return encode(TEXT, json.dumps(there).encode())


class TypedClient:
    """One tab of a person in a room. What it knows outlives its connections.

    Args:
        port: the server's, or a proxy's before it; may be changed between two connections.
        token: of another tab, whose user this one then is.
    """

    def __init__(self, port: int, name: str, room: str = "lobby", token: str | None = None) -> None:
        self.port = port
        self.name = name
        self.room = room
        self.token = token
        self.user_id = ""
        self.link: str | None = None
        """The secret of a link with which it comes."""
        self.address: str | None = None
        """Where it comes from, as a trusted proxy would say."""
        self.key: str | None = None
        """A code, or a script's key."""
        self.entry_pass: str | None = None
        self.cursor: str | None = None
        self.view: list[Fields] = []
        """The messages it has, oldest first: one run of the room's history without a hole."""
        self.said: dict[str, str] = {}  # cmid -> body: all that it ever said
        self.outbox: dict[str, str] = {}  # the part of it that no ack has come for
        self.acked: dict[str, str] = {}  # cmid -> id
        self.rev = 0
        """The last change of a message that it knows of, and of all before it."""
        self.changes: dict[str, Fields] = {}  # cmid -> an edit or a removal without an answer
        self.edits: set[str] = set()
        """All bodies that its user ever wanted instead of others, in any tab."""
        self.refused: dict[str, str] = {}  # cmid of a change, or of what it said -> code
        self.waiting: dict[str, str] = {}  # cmid -> the id under which a host finds it
        self.settled: dict[str, str] = {}  # cmid -> what a host, or its author, made of it
        self.hears_rooms = False
        """It wants news of other rooms."""
        self.skipped: set[int] = set()
        """Seqs that it was never sent, between others: they must have been removed."""
        self.notices: list[Fields] = []  # on this connection: presence, whatever has another type
        self.errors: list[Fields] = []
        self.afresh = 0
        """How often it was told that it must start afresh."""
        self.recovered: bool | None = None
        self.welcome: Fields = {}
        self.live = False
        self._acts = 0
        self._next: int | None = None  # the seq that the next message must have, where one must
        self.socket: RawClient | None = None

    # -- coming --------------------------------------------------------------------------------

    def connect(
        self, patience: float | None = None, receive_buffer: int = 0, *, eager: bool = False
    ) -> Fields:
        """Shake hands, say hello with all it has, wait for the welcome, send the outbox again.

        Args:
            patience: seconds without a byte after which the connection counts as dead.
            receive_buffer: see RawClient.
            eager: send the outbox right behind the hello; only with a token, since who gets a
                new user id with each lost welcome would be stored twice.

        Raises:
            OSError, EOFError: this connection came to nothing; try again.
            Refused: no socket.
        """
        assert self.socket is None
        headers = {"Sec_WebSocket_Protocol": SUBPROTOCOL}
        if self.address:
            headers["X_Forwarded_For"] = self.address
        self.socket = RawClient(self.port, receive_buffer=receive_buffer, **headers)
        if patience:
            self.socket.socket.settimeout(patience)
        self.live, self.welcome = False, {}
        self.notices.clear()
        self._send(
            type="hello",
            userName=self.name,
            room=self.room,
            since=self.cursor,
            rev=None if self.cursor is None else self.rev,
            token=self.token,
            link=self.link,
            key=self.key,
            rooms=self.hears_rooms or None,
            **{"pass": self.entry_pass},
        )
        if eager := eager and self.token is not None:
            self._send_outbox()
        while not self.welcome:
            if (frame := self.hear())["type"] == "error":
                assert frame["code"] == "name-taken", frame
                # Its first welcome never came, and the connection it was for still hangs.
                assert self.token is None, f"a ghost holds the name of its own user: {frame}"
                self.errors.remove(frame)
                self.name = frame["suggestion"]
                self._send(type="hello", userName=self.name, room=self.room, since=self.cursor)
        if not eager:
            self._send_outbox()
        return self.welcome

    def _send_outbox(self) -> None:
        for cmid, body in self.outbox.items():
            self._send(type="message", cmid=cmid, body=body)
        for fields in self.changes.values():
            self._send(**fields)

    def connect_and_catch_up(self) -> TypedClient:
        """Come, and hear the past to its end."""
        self.connect()
        self.hear_until_live()
        return self

    def another(self) -> TypedClient:
        """A second tab of the same person."""
        other = TypedClient(self.port, self.name, self.room, self.token)
        other.edits = self.edits
        return other

    # -- talking -------------------------------------------------------------------------------

    def say(self, body: str, cmid: str) -> None:
        """Put it into the outbox and, where there is a connection, on its way."""
        assert cmid not in self.said
        self.said[cmid] = self.outbox[cmid] = body
        if self.socket:
            self._send(type="message", cmid=cmid, body=body)

    def answer(self, id_: str, body: str, cmid: str) -> None:
        """Say it as an answer to a message, over a connection that is there and stays."""
        self.said[cmid] = self.outbox[cmid] = body
        self._send(type="message", cmid=cmid, body=body, replyTo=id_)

    def show(self, file: str, body: str, cmid: str, **more: str) -> None:
        """Say it with an uploaded file, by its id, over a connection that is there and stays."""
        self.said[cmid] = self.outbox[cmid] = body
        self._send(type="message", cmid=cmid, body=body, file=file, **more)

    def edit(self, id_: str, body: str, cmid: str) -> None:
        """As ``say``: it is sent until there is an answer."""
        self.edits.add(body)
        self._change(type="edit", cmid=cmid, id=id_, body=body)

    def remove(self, id_: str, cmid: str) -> None:
        """As ``edit``."""
        self._change(type="remove", cmid=cmid, id=id_)

    def _change(self, **fields: str) -> None:
        self.changes[fields["cmid"]] = fields
        if self.socket:
            self._send(**fields)

    def act(self, word: str, **fields: object) -> Fields:
        """Act as a host, and hear until there is an answer: ``done`` or ``error``."""
        self._acts += 1
        cmid = f"act {self._acts}"
        self._send(type="host", cmid=cmid, act=word, **fields)
        while (frame := self.hear()).get("cmid") != cmid:
            pass
        return frame

    def rename(self, name: str) -> None:
        """Ask for another name; it is there when the notice comes."""
        self.name = name
        self._send(type="rename", userName=name)

    def _send(self, **fields: object) -> None:
        assert self.socket
        self.socket.send(typed_frame(**fields))

    # -- listening -----------------------------------------------------------------------------

    def hear(self) -> Fields:
        """Take in the next frame, and return it; a message gets the type ``message``.

        Raises:
            Closed: the server has closed the socket.
            OSError, EOFError: the connection is broken.
        """
        assert self.socket
        while (frame := self.socket.frame()).opcode in (PING, PONG):
            if frame.opcode == PING:
                self.socket.send(encode(PONG, frame.payload))
        if frame.opcode == CLOSE:
            raise Closed(struct.unpack("!H", frame.payload[:2])[0], frame.payload[2:].decode())
        fields: Fields = json.loads(frame.payload)
        fields.setdefault("type", "message")  # the only frame without one
        self._take(fields)
        return fields

    def hear_until_live(self) -> None:
        while not self.live:
            self.hear()

    def hear_until_acked(self) -> None:
        """Until nothing is left in the outbox, and no change without an answer."""
        while self.outbox or self.changes:
            self.hear()

    def hear_until(self, cursor: str) -> None:
        """Until it has this message, or one after it."""
        while not self.view or seq(self.view[-1]["id"]) < seq(cursor):
            self.hear()

    def hear_notice(self, type_: str) -> Fields:
        """Until the next notice of this type."""
        while (frame := self.hear())["type"] != type_:
            pass
        return frame

    def _take(self, frame: Fields) -> None:
        early = ("welcome", "error", "knocking")
        assert self.welcome or frame["type"] in early, f"before welcome: {frame}"
        match frame["type"]:
            case "message":
                self._take_message(frame)
            case "welcome":
                self._take_welcome(frame)
            case "live":
                self._take_live()
            case "ack":
                self._take_ack(frame["cmid"], frame["id"])
            case "changed" | "removed":
                self._take_change(frame)
            case "done":
                self.changes.pop(frame["cmid"], None)
            case "held" if frame.get("userId") == self.user_id and frame["cmid"] in self.said:
                self.notices.append(frame)
                self.outbox.pop(frame["cmid"], None)
                self.waiting[frame["cmid"]] = frame["id"]
            case "settled" if self.waiting.get(frame.get("cmid", "")) == frame["id"]:
                self.notices.append(frame)
                del self.waiting[frame["cmid"]]
                self.settled[frame["cmid"]] = frame["outcome"]
            case "error" if frame.get("cmid") in self.outbox and frame["code"] in RULES:
                del self.outbox[frame["cmid"]]
                self.refused[frame["cmid"]] = frame["code"]
            case "error" if frame.get("cmid") in self.changes:
                if frame["code"] == "not-stored":
                    return self._send(**self.changes[frame["cmid"]])
                del self.changes[frame["cmid"]]
                self.refused[frame["cmid"]] = frame["code"]
            case "error":
                self.errors.append(frame)
            case _:
                self.notices.append(frame)

    def _take_welcome(self, welcome: Fields) -> None:
        assert not self.welcome, "two welcomes"
        assert welcome["room"] == self.room
        assert ("recovered" in welcome) == (self.cursor is not None)
        if self.token:
            assert self.user_id in ("", welcome["userId"]), "another user than before"
        self.welcome, self.recovered = welcome, welcome.get("recovered")
        self.user_id, self.token = welcome["userId"], welcome["token"]
        self.entry_pass = welcome.get("pass")
        if self.recovered is False:
            self.afresh += 1
            self.view.clear()  # but the cursor stays: until something comes, it has nothing new
        self._next = seq(self.cursor or EMPTY) + 1 if self.recovered else None
        if not self.recovered:
            self.rev = welcome["rev"]  # all that comes from here on is at least as new
        if self.cursor is None or welcome["last"] == EMPTY:
            self.cursor = welcome["last"]

    def _take_message(self, message: Fields) -> None:
        assert message["room"] == self.room
        self._skip_to(seq(message["id"]))
        self.view.append(message)
        self.cursor = message["id"]
        self._next = seq(message["id"]) + 1
        if message.get("userId") == self.user_id and message.get("cmid") in self.said:
            assert message["body"] in {self.said[message["cmid"]], *self.edits}

    def _skip_to(self, number: int) -> None:
        if self._next is not None:
            assert self._next <= number, f"{number}, wanted {self._next} or later"
            self.skipped.update(range(self._next, number))

    def _take_change(self, change: Fields) -> None:
        """Idempotent, and of no concern if it does not have the message, unless that has come
        back to a place between those that it has."""
        if "ids" in change:
            gone = set(change["ids"])
            self.view = [message for message in self.view if message["id"] not in gone]
            self.rev = max(self.rev, change["rev"])
            return
        id_ = change["id"] if change["type"] == "removed" else change["message"]["id"]
        for index, message in enumerate(self.view):
            if message["id"] == id_:
                self.view[index : index + 1] = [change["message"]] if "message" in change else []
                break
        else:
            if "message" in change and self.view and seq(self.view[0]["id"]) < seq(id_):
                assert seq(id_) <= seq(self.cursor or EMPTY), "not said yet"
                self.view.append(change["message"])
                self.view.sort(key=lambda message: seq(message["id"]))
        if "message" in change:
            self.skipped.discard(seq(id_))
        self.rev = max(self.rev, change["rev"])

    def _take_live(self) -> None:
        assert not self.live, "live twice"
        self.live = True
        last = self.welcome["last"]
        if seq(self.cursor or EMPTY) < seq(last):  # then those up to it were removed
            self._skip_to(seq(last) + 1)
            self.cursor = last
            self._next = seq(last) + 1
        self.rev = max(self.rev, self.welcome["rev"])

    def _take_ack(self, cmid: str, id_: str) -> None:
        assert cmid in self.said, f"an ack for what it never said: {cmid}"
        assert self.acked.setdefault(cmid, id_) == id_, f"{cmid} is {self.acked[cmid]} and {id_}"
        self.outbox.pop(cmid, None)

    # -- going ---------------------------------------------------------------------------------

    def drop_cleanly(self) -> None:
        """With a Close; what the server has sent before its own is heard."""
        assert self.socket
        self.socket.send(encode(CLOSE, b"\x03\xe8"))
        try:
            while True:
                self.hear()
        except Closed as closed:
            assert closed.code in (NORMAL, GAP), closed
        self.let_go().socket.close()

    def drop_by_reset(self) -> None:
        """Without a word; what has not been heard yet is lost."""
        self.let_go().reset()

    def let_go(self) -> RawClient:
        """Forget the socket without closing it: half-open, for all that the server knows."""
        assert self.socket
        socket, self.socket = self.socket, None
        return socket

    def hear_the_end(self) -> None:
        """Of a server that is gone: what still reached the client."""
        try:
            while True:
                self.hear()
        except (EOFError, OSError):
            self.let_go().socket.close()

    def close(self) -> None:
        """Let go of everything; idempotent."""
        if self.socket:
            self.let_go().socket.close()

    # -- the claims ----------------------------------------------------------------------------

    def people(self) -> dict[str, str] | int:
        """Who is there, names by user ids, or how many, as it was told since its welcome."""
        known: dict[str, str] | int = _names(self.welcome["users"]) or self.welcome["count"]
        for notice in self.notices:
            match notice["type"]:
                case "count":
                    known = notice["users"]
                case "users":
                    known = _names(notice["users"])
                case "joined" | "renamed" if isinstance(known, dict):
                    known[notice["userId"]] = notice["userName"]
                case "left":
                    assert isinstance(known, dict) and known.pop(notice["userId"], None), notice
        return known

    def check(self, history: list[Fields]) -> None:
        """Its view is the history from its first message on; what was acked is in it, once.

        Args:
            history: the room's messages, oldest first, from its beginning or from where it
                was trimmed to; each with ``id`` and ``body``, and ``removed`` if it was.
        """
        edge = seq(history[0]["id"]) if history else 0
        removed = {seq(m["id"]) for m in history if m.get("removed")}
        kept = [(m["id"], m["body"]) for m in history if not m.get("removed")]
        view = [(m["id"], m["body"]) for m in self.view if seq(m["id"]) >= edge]
        assert view == kept[len(kept) - len(view) :], "its view is not the history"
        by_id = dict(kept)
        for cmid, id_ in self.acked.items():
            if seq(id_) >= edge and seq(id_) not in removed:
                allowed = {self.said[cmid], *self.edits}
                assert by_id.get(id_) in allowed, f"acked, not kept: {cmid}"
        skipped = {number for number in self.skipped if number >= edge}
        assert skipped <= removed, f"it was never sent {skipped - removed}"


def _names(users: list[Fields]) -> dict[str, str]:
    return {user["userId"]: user["userName"] for user in users}


def stored(folder: Path, room: str) -> list[Fields]:
    """What ``sqlite:chat.db`` in this folder has of a room: ``id``, ``body``, ``removed``,
    ``userId``, ``cmid``."""
    uri = f"{(folder / 'chat.db').as_uri()}?mode=ro"
    query = """
        SELECT seq || '-' || nonce, body, removed, user_id, cmid FROM messages
        JOIN rooms ON number = room WHERE name = ? ORDER BY key"""
    with closing(sqlite3.connect(uri, uri=True)) as database:
        rows = database.execute(query, (room,))
        keys = ("id", "body", "removed", "userId", "cmid")
        return [dict(zip(keys, row, strict=True)) for row in rows]


def trim(folder: Path, room: str, left: int) -> None:
    """Delete all but the newest ``left`` messages of the room from ``sqlite:chat.db``."""
    query = """
        DELETE FROM messages WHERE key IN (
            SELECT key FROM messages JOIN rooms ON number = room WHERE name = ?
            ORDER BY key DESC LIMIT -1 OFFSET ?)"""
    with closing(sqlite3.connect(folder / "chat.db", timeout=DEADLINE)) as database, database:
        database.execute(query, (room, left))


def frames(data: bytes | bytearray) -> Iterator[Fields]:
    """The whole text frames in what a server sent after its handshake's answer."""
    at = 0
    while len(data) - at >= 2:
        size, start = data[at + 1], at + 2
        if size == 126:
            size, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
        elif size == 127:
            size, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
        if len(data) < start + size:
            return
        if data[at] & 0x0F == TEXT:
            yield json.loads(data[start : start + size])
        at = start + size
