"""Users and a Server in this process, and the clients at the other end of their sockets."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from chatroom.configuration import load_configuration
from chatroom.errors import HistoryUnavailable
from chatroom.history.effects import NO_EFFECTS, Effects
from chatroom.history.host_log import LogEntry
from chatroom.history.memory.history import MemoryHistory
from chatroom.message import Draft, Held, Message, RoomSummary
from chatroom.rooms.bus import Alone, Bus
from chatroom.rooms.doors import KeyRing
from chatroom.rooms.elsewhere import Elsewhere
from chatroom.rooms.order import Order, OwnOrder
from chatroom.rooms.policy import Policy
from chatroom.rooms.register import OwnRegister, Register
from chatroom.rooms.rules import Rules
from chatroom.rooms.server import Server
from chatroom.tally import Tally
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.users.proof import Doors, Doorstep
from chatroom.users.requests import Channels, Join, Leaving, Said
from chatroom.users.tokens import Tokens
from chatroom.users.typed_user import TypedUser
from chatroom.users.user import User
from tests.support.connection_pair import ConnectionPair, bodies
from tests.support.deadline import DEADLINE
from tests.support.late_answers import LateOrder, LateRegister
from tests.support.websocket_client import TEXT, encode, line_of_chat

DEFAULTS = Rules.of(load_configuration({}))
NONE: Mapping[str, str] = MappingProxyType({})


class Guest:
    """A user without threads, until ``sit_down``: then its reader and writer live.

    Args:
        channels: what the user puts on.
        limits: ``max_message_bytes`` and ``max_name_length``; the rest are of the ConnectionPair.
    """

    def __init__(
        self,
        channels: Channels,
        name: str = "Ann",
        room: str = "lobby",
        *,
        max_message_bytes: int = 65536,
        max_name_length: int = 64,
        doors: Doors | None = None,
        bearer: str = "",
        **line: Any,
    ) -> None:
        self.name = name
        self.channels = channels
        self.line = ConnectionPair(**{"max_message_bytes": max_message_bytes, **line})
        self.peer = self.line.peer
        self.user = User(
            self.line.connection,
            room,
            "127.0.0.1",
            channels,
            max_message_bytes=max_message_bytes,
            max_name_length=max_name_length,
            doorstep=Doorstep(doors, "127.0.0.1", bearer),
        )
        self.user.name = name
        self._max_message_bytes = max_message_bytes
        self.thread: threading.Thread | None = None
        self._writer: threading.Thread | None = None

    def __enter__(self) -> Guest:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.peer.socket.close()
        self.line.connection.cut()
        if self.thread:
            self.thread.join(DEADLINE)
            assert not self.thread.is_alive(), "the reader outlives its socket"
        if self._writer:
            self.line.connection.finish(self._writer)
        self.line.close()

    # -- with threads --------------------------------------------------------------------------

    def sit_down(self) -> Guest:
        """Shake hands, and start both threads."""
        ws = self.line.accept(self._max_message_bytes)

        def live() -> None:
            if self.user.begin():
                self.user.listen_read(ws)

        self.thread = threading.Thread(target=live, name=f"reader {self.name}")
        self.thread.start()
        return self

    def send(self, **fields: object) -> None:
        """A frame with these fields."""
        self.peer.send(encode(TEXT, json.dumps(fields).encode()))

    def has_left(self) -> bool:
        """Whether its thread ends; waits for it."""
        assert self.thread
        self.thread.join(DEADLINE)
        return not self.thread.is_alive()

    # -- without -------------------------------------------------------------------------------

    def start_writer(self) -> Guest:
        """Start the writer thread alone: for what the socket does not take in place."""
        self._writer = threading.Thread(target=self.user.listen_write, name=f"writer {self.name}")
        self._writer.start()
        return self

    def join(self) -> Guest:
        """Ask to be let in, as the reader thread does with the first frame."""
        self.channels.add.put(Join(self.user, self.user._doorstep.prove(self.user.room)))
        return self

    def say(self, *texts: str) -> None:
        """Put messages on the way to the room."""
        for text in texts:
            cost = len(line_of_chat(self.name, text))
            draft = Draft(self.name, text, "10:42 AM")
            self.channels.broadcast.put(Said(self.user, draft, cost))

    def leave(self) -> None:
        """Go, as the reader thread does when the socket ends."""
        self.channels.delete.put(Leaving(self.user, "close 1000"))

    def heard(self) -> list[str]:
        """What has been said to it since the last look."""
        return bodies(self.peer.arrived())


class FailingHistory(MemoryHistory):
    """A history that fails when the test says so, and counts its transactions."""

    def __init__(self) -> None:
        super().__init__(limit_bytes=1 << 32)
        self.failing: set[str] = set()
        self.transactions: list[list[str]] = []

    def _work(self, what: str) -> None:
        if what in self.failing:
            raise HistoryUnavailable(self.name, "disk full", "make room")

    def append(self, messages: Sequence[Message], charters: Mapping[str, str] = NONE) -> None:
        self._work("append")
        super().append(messages, charters)
        self.transactions.append([message.body for message in messages])

    def enact(
        self, room: str, charter: str, entry: LogEntry | None, effects: Effects = NO_EFFECTS
    ) -> None:
        self._work("enact")
        super().enact(room, charter, entry, effects)

    def hold(self, held: Held) -> None:
        self._work("hold")
        super().hold(held)

    def settle(self, held: Held, message: Message | None, entry: LogEntry | None) -> None:
        self._work("settle")
        super().settle(held, message, entry)

    def host_log(self, room: str) -> list[LogEntry]:
        self._work("host_log")
        return super().host_log(room)

    def charter(self, room: str) -> str:
        self._work("charter")
        return super().charter(room)

    def probe(self) -> None:
        self._work("probe")
        super().probe()

    def head(self, room: str) -> tuple[int, str]:
        self._work("head")
        return super().head(room)

    def tail(self, room: str, limit: int, max_bytes: int) -> list[Message]:
        self._work("tail")
        return super().tail(room, limit, max_bytes)

    def find(self, room: str, user_id: str, cmid: str) -> Message | None:
        self._work("find")
        return super().find(room, user_id, cmid)

    def rooms(self) -> list[RoomSummary]:
        self._work("rooms")
        return super().rooms()

    def pages(self, room: str, after: int, upto: int) -> Iterator[list[Message]]:
        self._work("pages")
        return super().pages(room, after, upto)

    def stored(self, room: str = "lobby") -> list[str]:
        return [message.body for message in self.messages(room)]

    def messages(self, room: str = "lobby") -> list[Message]:
        return [message for page in super().pages(room, 0, 1 << 40) for message in page]


class InMemoryServer:
    """A Server that has no thread until the test starts it, and those who are there.

    Args:
        stack: closes the guests' sockets in the end.
        policy: by default the real one.
        disk: another one's, which was killed.
        password: of the whole server.
        late: which of ``order`` and ``register`` answer when the test says.
        order: another one, like the next ones.
        register: who may bear which name.
        elsewhere: what other processes do.
        bus: tells them.
        rules: other than the defaults.
    """

    def __init__(
        self,
        stack: ExitStack,
        *,
        replay_limit: int = 500,
        tail_bytes: int = 1 << 19,
        policy: Policy | None = None,
        password: str = "",
        late: Collection[str] = (),
        disk: FailingHistory | None = None,
        order: Order | None = None,
        register: Register | None = None,
        elsewhere: Elsewhere | None = None,
        bus: Bus | None = None,
        **rules: Any,
    ):
        self.stack = stack
        self.disk = disk or FailingHistory()
        self.disk.open()
        self.rules = replace(DEFAULTS, replay_limit=replay_limit, tail_bytes=tail_bytes, **rules)
        policy = policy or Policy(self.rules.max_rooms, self.rules.edit_minutes, bool(password))
        self.tally = Tally()
        self.order = LateOrder(self.disk, policy)
        self.register = LateRegister(policy, self.rules.max_name_length)
        self.server = Server(
            self.disk,
            self.rules,
            policy,
            order or (self.order if "order" in late else OwnOrder(self.disk, policy, self.tally)),
            register or (self.register if "register" in late else OwnRegister(policy, 64)),
            bus or Alone(),
            self.tally,
            elsewhere,
        )
        self.order.heard = self.register.heard = self.server.heard
        self.tokens = Tokens(b"secret", password)
        self.doors = KeyRing(self.disk, self.tokens, password)

    def guest(self, name: str, room: str = "lobby", **options: Any) -> Guest:
        """Somebody who has not joined yet."""
        options = {"doors": self.doors} | options
        return self.stack.enter_context(Guest(self.server.channels, name, room, **options))

    def join(self, name: str, room: str = "lobby", **options: Any) -> Guest:
        guest = self.guest(name, room, **options).join()
        self.settle()
        return guest

    def said_over_http(self, room: str, body: str) -> HttpSpeaker:
        """A script speaks; nobody waits for its outcome."""
        speaker = HttpSpeaker(room, "script")
        draft = Draft("script", body, "10:42 AM")
        self.server.broadcast.put(Said(speaker, draft, len(body)))
        self.settle()
        return speaker

    def settle(self) -> None:
        """Let the Server handle all that was put so far."""
        while True:
            self.server._ready.put(None)
            while self.server.step():
                pass
            if self.server._ready.empty():  # nothing was announced again behind the end
                return

    def names(self, room: str = "lobby") -> list[str]:
        """Who is in the room, in order of joining."""
        return [user.name for user in self.server._rooms[room].users]

    def rooms(self) -> list[str]:
        return list(self.server._rooms)

    def remember(self, count: int, room: str = "lobby") -> None:
        """Give the room a past: 1, 2, 3 and so on."""
        self.disk.append([past(room, seq) for seq in range(1, count + 1)])


def past(room: str, seq: int) -> Message:
    return Message(room, seq, f"{seq:016x}", "Past", str(seq), "10:42 AM", seq)


class TypedGuest:
    """A typed user without threads; its client has said hello.

    Args:
        server: where it comes in.
        line: options of the ConnectionPair.
        address: where it comes from.
        settles: the Server handles at once what its client sends.
        bearer: what the handshake had in its ``Authorization``.
        hello: fields of the hello, beside the name.
    """

    def __init__(
        self,
        server: InMemoryServer,
        name: str,
        room: str,
        line: dict[str, int],
        *,
        settles: bool = True,
        address: str = "127.0.0.1",
        bearer: str = "",
        **hello: Any,
    ) -> None:
        self.settles = settles
        self.server = server
        self.line = server.stack.enter_context(ConnectionPair(**line))
        self.user = TypedUser(
            self.line.connection,
            room,
            address,
            server.server.channels,
            tokens=server.tokens,
            history=server.disk,
            max_message_bytes=65536,
            max_name_length=64,
            doorstep=Doorstep(server.doors, "127.0.0.1", bearer),
        )
        self.send("hello", userName=name, **hello)

    def send(self, kind: str, /, **fields: Any) -> None:
        self.user._receive(json.dumps({"type": kind, **fields}))
        if self.settles:
            self.server.settle()

    def say(self, *bodies: str) -> None:
        for number, body in enumerate(bodies):
            self.send("message", cmid=f"{body} {number}", body=body)

    def leave(self) -> None:
        """As the reader thread does when the socket ends."""
        self.server.server.delete.put(Leaving(self.user, "close 1000"))
        self.server.settle()

    def heard(self) -> list[dict[str, Any]]:
        """The frames that have come since the last look."""
        return [json.loads(f.payload) for f in self.line.peer.arrived() if f.opcode == TEXT]
