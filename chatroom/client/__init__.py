"""A client for Python programs: it comes back, forgets nothing and doubles nothing.

with ChatClient("http://localhost:9999", "Ann") as chat:
    chat.say("Good morning!")
    for message in chat:
        print(message)

This module has ``ChatClient``. The others, in reading order:

- ``events.py``: what a client hears, as values
- ``acts.py``: what a host can do
- ``session.py``: its two threads: one keeps a connection open and reads it, one writes
- ``inbox.py``: what was heard and not yet read by the program
- ``uploading.py``: a picture or file on its way
- ``outbox.py``: what was said and not yet acknowledged
- ``connection.py``: one WebSocket, on simple-websocket's
- ``failures.py``: what went wrong with a server, as a sentence
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from chatroom.addresses import authorization, chat_url, secret_in
from chatroom.client.acts import Host
from chatroom.client.events import Changed, Event, ReactionCounts, Removed
from chatroom.client.inbox import Recent
from chatroom.client.outbox import LOOK, Receipt
from chatroom.client.session import Session, full_jitter
from chatroom.client.uploading import upload
from chatroom.errors import (
    ClientClosed,
    ClientError,
    ServerRefused,
    ServerUnreachable,
    Undelivered,
)
from chatroom.message import Message, MessageId
from chatroom.wire.acts import MAKES
from chatroom.wire.replies import FIELD

__all__ = [
    "Changed",
    "ChatClient",
    "ClientClosed",
    "ClientError",
    "Event",
    "Host",
    "Message",
    "ReactionCounts",
    "Receipt",
    "Removed",
    "ServerRefused",
    "ServerUnreachable",
    "Undelivered",
]

PATIENCE = 10.0
"""Seconds in which the first connection must succeed."""

FLUSH = 10.0
"""Seconds that ``close`` waits for outstanding acks."""


class ChatClient:
    """A user of one room, over as many connections as it takes.

    When a connection breaks, the client reconnects after a random delay, and the server resumes
    after the last message that the client received. Unacknowledged messages and changes are sent
    again; the server stores each message once, and changes nothing that has changed already. Any
    thread may call any method. Two threads of the client's own do the work; neither ever calls the
    program.

    Args:
        url: the server, such as ``https://chat.example.com`` or ``localhost:9999``, or a room's
            page, also with what lets guests in, as an invitation has it. A name and password in it
            are for a proxy that asks for them.
        user_name: the name that others see.
        room: its name; by default what the URL says, else the lobby.
        since: the id of the last message already seen, to resume after it.
        rev: with it, an earlier client's ``rev``: what changed after that is told.
        token: an earlier client's ``token``, to be the same user.
        key: the room's code or a script's key, if its door asks for one.
        link: a link that makes this user a host or lets them in, or its secret.
        listen: False for a program that only sends: nothing is buffered for it to read.
        patience: seconds in which the first connection must succeed.
        ping_interval: seconds of silence after which the server is pinged; after as many more, the
            connection counts as broken.
        jitter: for tests: maps the maximum delay before an attempt to the actual one, in seconds.

    Raises:
        ValueError: ``url`` is not a valid server URL.
    """

    def __init__(
        self,
        url: str,
        user_name: str,
        room: str | None = None,
        *,
        since: str | None = None,
        rev: int | None = None,
        token: str | None = None,
        key: str | None = None,
        link: str | None = None,
        listen: bool = True,
        patience: float = PATIENCE,
        ping_interval: float = 25.0,
        jitter: Callable[[float], float] = full_jitter,
    ) -> None:
        hello = {"userName": user_name, "room": room, "since": since, "token": token}
        hello["key"] = key or secret_in(url, "key") or None
        hello["link"] = _secret_of(link) if link else secret_in(url, "guest") or None
        self._session = Session(
            chat_url(url),
            {key: value for key, value in hello.items() if value is not None},
            rev,
            authorization=authorization(url),
            keep=listen,
            ping_interval=ping_interval,
            jitter=jitter,
        )
        self._url = url
        self._patience = patience
        self._prefix = secrets.token_hex(8)
        self._count = 0
        self._is_open = False

    # -- opening and closing -----------------------------------------------------------------

    def __enter__(self) -> ChatClient:
        if not self._is_open:
            self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:  # the program's own error is what matters now
            with suppress(Undelivered):
                self.close(flush=0)

    def open(self) -> None:
        """Connect, and wait for the server's welcome. Once per client.

        Raises:
            ServerUnreachable: no welcome within ``patience``.
            ServerRefused: the server refused this user, for example ``bad-name`` or ``name-taken``.
            ClientClosed: the client was opened or closed before.
        """
        session = self._session
        if self._is_open or session.failure:
            raise ClientClosed()
        self._is_open = True
        session.start()
        try:
            with session.changed:
                session.changed.wait_for(
                    lambda: bool(session.welcome or session.failure), self._patience
                )
                if session.welcome:  # a later failure comes after what is there to read
                    return
                unreachable = ServerUnreachable(session.url, session.cause)
                raise session.failure or session.refusal or unreachable
        except BaseException:
            session.stop()
            raise

    def close(self, flush: float = FLUSH) -> None:
        """Wait for outstanding acks, then leave; idempotent.

        Args:
            flush: seconds to wait at most.

        Raises:
            Undelivered: some messages were not acknowledged.
        """
        session = self._session
        if not self._is_open:
            session.failure = ClientClosed()
            return
        with session.waiters:
            if session.closing and isinstance(session.failure, ClientClosed):
                return
            session.changed.wait_for(lambda: not session.outbox or session.closing, flush)
            left, cause = len(session.outbox), session.excuse
        session.stop()
        if left:
            raise Undelivered(left, f"closed after {flush:g} s; {cause}")

    # -- talking ---------------------------------------------------------------------------------

    def say(
        self,
        body: str,
        timestamp: str = "",
        reply_to: Message | str = "",
        *,
        file: str = "",
        alt: str = "",
    ) -> Receipt:
        """Say something, in the order of the calls; returns at once.

        Blocks only while 1,000 messages are unacknowledged, as after minutes offline.

        Args:
            body: the text.
            timestamp: your own text for the time; "": the server's local time.
            reply_to: the message that it answers, or its id; "" for none.
            file: what ``upload`` has returned; then the text may be empty.
            alt: what that picture shows, for those who do not see it: 1,000 characters at most.

        Returns:
            A receipt; ``receipt.wait()`` waits until the message is stored.

        Raises:
            ServerRefused: the message is larger than the server allows.
            ValueError: ``body`` cannot be encoded as UTF-8, or ``reply_to`` is no id.
            ClientError: the client is closed, or has failed for good.
        """
        fields = {"body": body, "timestamp": timestamp}
        if reply_to:
            fields[FIELD] = _id(reply_to)
        if file:
            fields["file"] = file
        if alt:
            fields["alt"] = alt
        return self._post("", type="message", **fields)

    def upload(
        self,
        path: str | Path,
        name: str | None = None,
        tell: Callable[[str, float], None] = lambda why, seconds: None,
    ) -> str:
        """Upload a picture or file, to say something with it within an hour; waits until it is
        stored. If the server has no place for it now, it is tried again for two minutes.

        Args:
            path: of the file.
            name: what others read; by default the file's own.
            tell: called each time it has to wait, with the reason and the seconds.

        Returns:
            Its id, for ``say``.

        Raises:
            ServerRefused: ``too-large``, ``no-space``, ``busy`` or ``too-many-files`` for longer
                than that, ``no-files``, or what the room's rules say.
            ServerUnreachable: no answer.
            OSError: the file cannot be read, or is none, but a FIFO, for instance.
            ClientError: the client is closed, or has failed for good.
        """
        self._demand_open()
        session = self._session
        bearer = str(session.welcome.get("pass") or session.hello.get("key", ""))
        room = str(session.welcome.get("room", ""))
        if Path(path).exists() and not Path(path).is_file():  # to open it could take for ever
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        with open(path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            return upload(self._url, room, name or Path(path).name, stream, size, bearer, tell)

    def edit(self, message: Message | str, body: str) -> Receipt:
        """Give a message of one's own another text, as long as the server allows that.

        In the order of the calls, also with ``say``; returns at once, and blocks like it. What was
        not answered is sent again after a reconnect.

        Args:
            message: it, or its id.
            body: the new text.

        Returns:
            A receipt; ``receipt.wait()`` waits until everybody was told. It raises ServerRefused
            if it is ``not-yours``, ``too-late`` to edit it, or the message is ``gone``.

        Raises:
            ValueError: it is no id; and as ``say``.
        """
        return self._post(_id(message), type="edit", id=_id(message), body=body)

    def remove(self, message: Message | str) -> Receipt:
        """Take back a message of one's own: like ``edit``, and at any time."""
        return self._post(_id(message), type="remove", id=_id(message))

    def restore(self, message: Message | str) -> Receipt:
        """Bring back a message that a host removed, for hosts: like ``edit``, and for some days."""
        return self._post(_id(message), type="restore", id=_id(message))

    def react(self, message: Message | str, kind: str, *, on: bool = True) -> Receipt:
        """React to a message, or take that back: like ``edit``.

        Others' reactions are events, ``ReactionCounts``; what changed while the client was away has
        to be asked for, with ``ask_reactions``.

        Args:
            kind: ``like``, ``love``, ``laugh``, ``wow``, ``question`` or ``done``.
            on: False takes it back.
        """
        id = _id(message)
        return self._post(id, type="react", id=id, kind=kind, on=on)

    def ask_reactions(self, since: int = 0, first: str | None = None) -> None:
        """Ask for the reactions that there are; a ``ReactionCounts`` has them, with one's own.
        Dropped when offline.

        Args:
            since: only what has changed after this mark.
            first: the id of a message: only this one and those after it.
        """
        more = {} if first is None else {"from": _id(first)}
        self._run_errand(_frame(type="reactions", since=since, people=True, **more))

    @property
    def host(self) -> Host:
        """What the user can do as a host of the room: ``chat.host.quiet(user_id, seconds=600)``."""
        return Host(partial(self._post, "", type="host"))

    def _post(self, changes: str, **fields: object) -> Receipt:
        session = self._session
        with session.waiters:
            while session.outbox.is_full and not session.closing:
                session.changed.wait(LOOK)
            self._demand_open()
            self._count += 1
            cmid = f"{self._prefix}-{self._count}"
            frame = _frame(cmid=cmid, **fields)
            self._demand_size(frame)
            receipt = Receipt(cmid, str(fields.get("body", "")), frame, session.waiters, changes)
            session.outbox.add(receipt)
            session.changed.notify_all()
        return receipt

    def typing(self) -> None:
        """Show the others that you are typing; dropped when offline."""
        self._run_errand(_frame(type="typing"))

    def rename(self, user_name: str) -> None:
        """Ask for another name. A ``renamed`` event confirms it, an ``error`` event refuses it.

        Raises:
            ServerUnreachable: there is no connection at the moment.
        """
        if not self._run_errand(_frame(type="rename", userName=user_name)):
            raise ServerUnreachable(self._session.url, self._session.cause)

    def _run_errand(self, frame: str) -> bool:
        session = self._session
        with session.changed:
            self._demand_open()
            if not session.connection:
                return False
            session.errands.append(frame)
            session.changed.notify_all()
            return True

    # -- listening -------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Message]:
        """Every message once, in order, as it is when it comes: first the past, then new ones.

        Ends when the client is closed. If the server could not resume where this client stopped
        (``gap``), some may be missing in between: use ``events`` to find out. That also says what
        becomes of them: ``Changed`` and ``Removed``.

        Raises:
            ClientError: the client has failed for good.
        """
        recent = Recent()
        for item in self.events():
            if isinstance(item, Message) and item.id not in recent:
                recent.add(item.id)
                yield item

    def events(self) -> Iterator[Message | Event]:
        """Messages, interleaved with everything else that happens: see ``Event``.

        After a ``gap``, the newest messages come as if into an empty view: what the program has
        from before may be incomplete or outdated.

        Concurrent iterators share the items: each goes to only one of them.
        """
        session = self._session
        with session.changed:
            session.inbox.readers += 1
        try:
            while (item := self._next()) is not None:
                yield item
        finally:
            with session.changed:
                session.inbox.readers -= 1
                session.changed.notify_all()

    def _next(self) -> Message | Event | None:
        session = self._session
        with session.changed:
            while not (session.inbox or session.closing):
                if session.inbox.is_behind:
                    session.catch_up()
                session.changed.wait(LOOK)
            if isinstance(session.failure, ClientClosed):
                return None
            if session.inbox:
                return session.inbox.take()
            self._demand_open()
            return None

    # -- who, where ------------------------------------------------------------------------------

    @property
    def user_name(self) -> str:
        """The user's current name, as the server has it."""
        return self._session.hello["userName"]

    @property
    def user_id(self) -> str:
        """The user's id, which survives renaming; "" before the first welcome."""
        return str(self._session.welcome.get("userId", ""))

    @property
    def role(self) -> str:
        """``host``, ``maker`` or ``operator``; "" for an ordinary user."""
        return self._session.role

    @property
    def token(self) -> str | None:
        """Proves who this user is: keep it secret, and pass it to the next client."""
        return self._session.hello.get("token")

    @property
    def cursor(self) -> str | None:
        """The id of the last message received: the next client's ``since``."""
        return self._session.inbox.cursor

    @property
    def rev(self) -> int | None:
        """The last change of a message received: the next client's ``rev``; None if not known."""
        return self._session.inbox.rev

    @property
    def recovered(self) -> bool | None:
        """Whether the last connection resumed where the one before had ended.

        False: it could not, so there is a gap. None: there was nothing to resume.
        """
        return self._session.recovered

    @property
    def is_online(self) -> bool:
        """Whether there is a connection now; a broken one may not have been noticed yet."""
        return self._session.connection is not None

    @property
    def failure(self) -> ClientError | None:
        """Why the client has ended for good, ClientClosed if it was closed; None while it lives."""
        return self._session.failure

    @property
    def welcome(self) -> Mapping[str, Any]:
        """The fields of the last ``welcome``: ``users``, ``last``, ``limits`` and so on."""
        return self._session.welcome

    def _demand_open(self) -> None:
        if self._session.failure:
            raise self._session.failure
        if not self._is_open:
            raise ClientClosed()

    def _demand_size(self, frame: str) -> None:
        size = len(frame.encode())
        limits = self._session.welcome.get("limits")
        limit = limits.get("maxMessageBytes") if isinstance(limits, dict) else None
        if isinstance(limit, int) and size > limit:
            raise ServerRefused("too-big", f"a frame of {size} bytes; wanted: {limit} at most")


def _id(message: Message | str) -> str:
    return message.id if isinstance(message, Message) else str(MessageId.parse(message))


def _secret_of(link: str) -> str:
    return re.split(f"#(?:{'|'.join(MAKES)})=", link)[-1]


def _frame(**fields: object) -> str:
    """One frame; not limited to ASCII, as escapes would double the size of other alphabets."""
    return json.dumps(fields, ensure_ascii=False)
