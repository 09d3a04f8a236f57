"""The two threads of a ``ChatClient``: one keeps a connection open and reads it, one writes.

Everything that they share with the program's threads is guarded by one Condition, ``changed``,
which is notified of every change.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import simple_websocket
from wsproto.utilities import ProtocolError

from chatroom.client.connection import End, ServerConnection
from chatroom.client.events import Event, hear_all, id_in
from chatroom.client.failures import connection_failure
from chatroom.client.inbox import Inbox
from chatroom.client.outbox import NOTHING, Outbox, Waiters
from chatroom.errors import ClientClosed, ClientError, HandshakeRefused, ServerRefused
from chatroom.message import BEGINNING, Message
from chatroom.wire.typed import SUBPROTOCOL

log = logging.getLogger(__name__)

FIRST_DELAY = 0.5
LAST_DELAY = 20.0
"""Seconds: the delay before an attempt is random, with a maximum that grows from the first of
these to the last. "Full jitter": ten thousand clients must not reconnect at the same moment.
Source: aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter."""

OUTBOX_LENGTH = 1000

GOODBYE = 3.0
"""Seconds in which our Close should be sent and answered."""

PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses that may succeed on another attempt."""

LASTING_CODES = frozenset({1002, 1003, 1007, 1009, 1010})
"""Close codes for invalid input: trying again would send the same."""

FAREWELLS = frozenset({"removed", "everybody-out", "no-entry"})
"""Errors that a Close follows, and that say more than it does."""

BROKEN = (OSError, ProtocolError, simple_websocket.ConnectionClosed)


def full_jitter(ceiling: float) -> float:
    """A random delay in seconds, from 0 to ``ceiling``."""
    return random.uniform(0, ceiling)


class Broken(Exception):
    """This connection is no longer usable; ``args[0]`` says why."""


class Session:
    """One client's place in a room, over as many connections as it takes.

    Args:
        url: as ``addresses.chat_url`` returns it.
        hello: the fields of the first frame: ``userName``, and ``room``, ``since``, ``token``,
            ``link``, ``key`` where they are known.
        rev: the last change of a message that the program knows of, if it resumes.
        keep: whether the program reads what is received.
        ping_interval: see ``ServerConnection``.
        jitter: maps the maximum delay to the actual one, in seconds.
        authorization: see ``ServerConnection``.
    """

    def __init__(
        self,
        url: str,
        hello: dict[str, str],
        rev: int | None = None,
        *,
        authorization: str | None = None,
        keep: bool,
        ping_interval: float,
        jitter: Callable[[float], float],
    ) -> None:
        self.url = url
        self.hello = hello
        self.changed = threading.Condition()
        self.waiters = Waiters(self.changed)
        self.inbox = Inbox(self.waiters, hello.pop("since", None), rev, keep=keep)
        self.outbox = Outbox(OUTBOX_LENGTH)
        self.errands: deque[str] = deque(maxlen=100)
        """Frames of no use later: dropped when the connection ends."""
        self.welcome: dict[str, Any] = {}
        """The fields of the last welcome; empty before the first."""
        self.recovered: bool | None = None
        self.role = ""
        self.connection: ServerConnection | None = None
        """The open connection, from its welcome on and as long as it works."""
        self.failure: ClientError | None = None
        """Why the session has ended for good; None while it lives."""
        self.closing = False
        self.cause = "no answer yet"
        """What went wrong last."""
        self.refusal: ServerRefused | None = None
        """The server's last refusal of a hello that is still being retried."""
        self._authorization = authorization
        self._ping_interval = ping_interval
        self._jitter = jitter
        self._dialled: ServerConnection | None = None
        self._attempt = 0
        self._hurry = False
        self._was_open = False  # whether the last connection got a welcome
        self._is_answered = True  # whether this connection's hello got a welcome or an error
        self._may_have_ghost = False  # an unanswered hello may have arrived
        self._rules: object = None  # the room's, as far as they were told
        self._farewell = ""  # why this user has to go, before the Close says that it has to
        self._threads = [
            threading.Thread(target=self._read, name="chat reader", daemon=True),
            threading.Thread(target=self._write, name="chat writer", daemon=True),
        ]

    # -- the program's threads -----------------------------------------------------------------

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, failure: ClientError | None = None) -> None:
        """End the session and join its threads, within a few seconds. Any thread but those two."""
        with self.changed:
            self.failure = self.failure or failure or ClientClosed()
            self.closing = True
            self.inbox.shut()
            self.outbox.give_up(str(self.failure))
            connection = self._dialled
            self.changed.notify_all()
        deadline = time.monotonic() + GOODBYE
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if connection:  # whose server may read nothing any more, and so take not even a Close
            connection.cut("closed")
        for thread in self._threads:
            thread.join(GOODBYE)

    @property
    def excuse(self) -> str:
        """Why something is not acknowledged. The caller holds the lock."""
        if not self.connection:
            return self.cause
        rest = self.outbox.rest()
        return f"the room lets nothing be said for {rest:.0f} s more" if rest else "no answer"

    def catch_up(self) -> None:
        """Fetch what was skipped, over a new connection. The caller holds the lock."""
        if self.connection:
            self._hurry = True
            self._drop(self.connection, "to catch up")

    # -- the writer's thread ---------------------------------------------------------------------

    def _write(self) -> None:
        while True:
            with self.changed:
                while not self._has_work():
                    self.changed.wait(self.outbox.rest())
                if self.closing:
                    connection = self._dialled
                    break
                connection = self.connection
                frame = self.errands.popleft() if self.errands else self.outbox.take()
            if frame is None or connection is None:
                continue
            try:
                connection.say(frame)
            except BROKEN as error:
                with self.changed:
                    self._drop(connection, f"sending failed: {error}")
        if connection:
            connection.hang_up()

    def _has_work(self) -> bool:
        return self.closing or bool(self.connection and (self.errands or self.outbox.has_unsent))

    def _drop(self, connection: ServerConnection, cause: str) -> None:
        """Have the reader's thread leave this connection. The caller holds the lock."""
        if self.connection is connection:
            self.connection = None
        connection.cut(cause)

    # -- the reader's thread ---------------------------------------------------------------------

    def _read(self) -> None:
        while not self.closing:
            began = time.monotonic()
            try:
                cause = self._live_on_a_connection()
            except (*BROKEN, Broken) as error:
                cause = connection_failure(error)
            except ClientError as error:
                self._fail(error)
                return
            except Exception as error:  # a bug: nobody may wait for this thread indefinitely
                log.exception("the reader of %s failed", self.url)
                self._fail(ServerRefused("internal", f"the client failed: {error!r}"))
                return
            self._rest(cause, time.monotonic() - began)

    def _fail(self, error: ClientError) -> None:
        with self.changed:
            self.failure = self.failure or error
            self.closing = True
            self.outbox.give_up(str(error))
            self.changed.notify_all()

    def _rest(self, cause: str, lasted: float) -> None:
        """Wait for a random time, whose maximum grows with each failure."""
        with self.changed:
            if self.closing:
                return
            self.cause = cause
            if lasted > LAST_DELAY:
                self._attempt = 0
            delay = 0.0
            if not self._hurry:
                delay = self._jitter(min(LAST_DELAY, FIRST_DELAY * 2**self._attempt))
                self._attempt = min(self._attempt + 1, 10)
            log.info("%s: %s; trying again in %.1f s", self.url, cause, delay)
            if self._was_open and not self._hurry:
                self.inbox.put(Event("offline", {"reason": cause, "retryIn": delay}))
            self._was_open = self._hurry = False
            self.changed.wait_for(lambda: self.closing, delay)

    def _live_on_a_connection(self) -> str:
        """Connect, say hello, and read until the connection ends; returns why it ended."""
        try:
            connection = ServerConnection(
                self.url, ping_interval=self._ping_interval, authorization=self._authorization
            )
        except HandshakeRefused as refusal:
            if refusal.status in PASSING_STATUSES:
                raise Broken(str(refusal)) from None
            raise ServerRefused(f"http-{refusal.status}", refusal.reason) from None
        try:
            if connection.subprotocol != SUBPROTOCOL:
                raise ServerRefused("no-subprotocol", f"the server does not speak {SUBPROTOCOL}")
            with self.changed:
                if self.closing:
                    return "closed"
                self._dialled = connection
                self._is_answered = False
                self._farewell = ""
                hello: dict[str, Any] = {"type": "hello", **self.hello}
                if self.inbox.cursor is not None:
                    hello["since"] = self.inbox.cursor
                    if self.inbox.rev is not None:
                        hello["rev"] = self.inbox.rev
            connection.say(json.dumps(hello))
            end = connection.listen(lambda text: self._take(connection, text))
        finally:
            connection.release()
            with self.changed:
                self.connection = self._dialled = None
                self.errands.clear()
                self._may_have_ghost = self._may_have_ghost or not self._is_answered
                self._is_answered = True
        return self._judge(end)

    def _judge(self, end: End) -> str:
        if end.code in LASTING_CODES or 4500 <= end.code <= 4999:
            reason = self._farewell or end.reason or "no reason given"
            raise ServerRefused(f"close-{end.code}", reason)
        return str(end)

    def _take(self, connection: ServerConnection, text: str) -> None:
        """Handle one frame."""
        try:
            items = hear_all(text)
        except ValueError as error:
            self._pass_over(text, error)
            return
        with self.changed:
            for heard in items:
                if isinstance(heard, Message):
                    if heard.cmid and heard.user_id == self.welcome.get("userId"):
                        self._settle(heard.cmid, heard.id)
                else:
                    self._take_event(connection, heard.type, dict(heard.fields))
                self.inbox.put(heard)

    def _pass_over(self, text: str, error: ValueError) -> None:
        """Go on after a frame that nobody can read: a new connection would bring it again."""
        with self.changed:
            if not self._is_answered:  # nothing to go on with: it was to be the welcome
                raise Broken(f"a malformed frame: {error}")
            if id := id_in(text):
                self.inbox.pass_over(id)
        log.warning("passed over what cannot be read here (id %s): %.200s", id or "unknown", error)

    def _take_event(self, connection: ServerConnection, kind: str, fields: dict[str, Any]) -> None:
        match kind:
            case "welcome":
                self._take_welcome(connection, fields)
            case "ack":
                self._settle(str(fields.get("cmid")), str(fields.get("id")))
            case "done":
                told = {key: its for key, its in fields.items() if key not in ("type", "cmid")}
                self._settle(str(fields.get("cmid")), told=told)
            case "host" if fields.get("userId") == self.welcome.get("userId"):
                self.role = str(fields.get("role", ""))
                self.hello.pop("link", None)  # it has done what it is for
                self._try_again(self._rules)
            case "held" if fields.get("userId") == self.welcome.get("userId"):
                self._settle(str(fields.get("cmid")), held=str(fields.get("id")))
            case "rules":
                self._try_again(fields)
            case "knocking" if not self._is_answered:  # until the patience is over
                self.refusal = ServerRefused("knocking", str(fields.get("detail")))
                self.cause = self.refusal.detail
            case "error":
                self._take_error(connection, fields)
            case "renamed" if fields.get("userId") == self.welcome.get("userId"):
                self.hello["userName"] = str(fields.get("userName"))

    def _settle(
        self, cmid: str, id: str = "", held: str = "", told: Mapping[str, Any] = NOTHING
    ) -> None:
        if self.outbox.settle(cmid, id, held, told=told):
            self._attempt = 0
            self.changed.notify_all()

    def _try_again(self, rules: object) -> None:
        """Others may speak at other times now, or this user may always: what rests is tried again,
        and if that is too early, the room says for how long."""
        self._rules = rules
        is_slow = isinstance(rules, dict) and rules.get("speak") == "slow" and not self.role
        self.outbox.hurry(is_slow=is_slow)
        self.waiters.rest_until = min(self.waiters.rest_until, time.monotonic())
        self.changed.notify_all()

    def _slow_down(self, cmid: str, seconds: object) -> bool:
        until = time.monotonic() + (seconds if type(seconds) is int else 1)
        if not self.outbox.slow_down(cmid, until):
            return False
        self.waiters.rest_until = until
        self.changed.notify_all()
        return True

    def _take_welcome(self, connection: ServerConnection, welcome: dict[str, Any]) -> None:
        self._is_answered = self._was_open = True
        self._may_have_ghost = False
        self.welcome = welcome
        kept = ("userName", "token", "pass")
        self.hello |= {key: welcome[key] for key in kept if key in welcome}
        self.recovered = welcome.get("recovered")
        self.role = str(welcome.get("role", ""))
        rev = welcome.get("rev")
        self.inbox.begin_connection(
            afresh=self.recovered is False, rev=rev if type(rev) is int else None
        )
        if self.inbox.cursor is None and welcome.get("last") == str(BEGINNING):
            self.inbox.cursor = str(BEGINNING)
        self.outbox.rewind()
        self.connection = connection
        self._try_again(welcome.get("rules"))

    def _take_error(self, connection: ServerConnection, fields: dict[str, Any]) -> None:
        code, detail = str(fields.get("code")), str(fields.get("detail"))
        refusal = ServerRefused(code, detail, str(fields.get("suggestion", "")))
        if code == "wrong-link":
            self.hello.pop("link", None)
        if not self._is_answered:
            self._take_no(refusal, may_come_later=code == "wrong-key" and "retryAfter" in fields)
        elif code == "not-stored":  # may work later: resend it and, in order, the rest
            self._drop(connection, f"{code}: {detail}")
        elif code == "slow" and self._slow_down(str(fields.get("cmid")), fields.get("retryAfter")):
            log.info("%s: %s", self.url, refusal)
        elif self.outbox.settle(str(fields.get("cmid")), error=refusal):
            self.changed.notify_all()
        elif code in FAREWELLS:
            self._farewell = detail

    def _take_no(self, refusal: ServerRefused, *, may_come_later: bool) -> None:
        """Handle the server's refusal of our hello."""
        self._is_answered = True
        if may_come_later:  # others at our address have tried too many wrong codes
            self.refusal = refusal
            raise Broken(str(refusal))
        # A welcome may have been lost: then the name belongs to our own ghost for a while.
        if refusal.code == "name-taken" and self._may_have_ghost and "token" not in self.hello:
            self.refusal = refusal
            raise Broken(str(refusal))
        raise refusal
