"""A user of the typed protocol, ``chatroom.v1``: its reader thread's side.

Anything that needs one order for everybody, such as who has which name, belongs to the Server
thread: see ``greeter.py``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from chatroom.errors import BadRoomName, FrameRefused, HistoryError, Refusal
from chatroom.history import History
from chatroom.message import Draft, Held, Message
from chatroom.names import room_name
from chatroom.reactions import FEW_PEOPLE, Span, sparingly_named
from chatroom.sockets.budget import Budget
from chatroom.sockets.connection import Connection
from chatroom.users.proof import Doorstep, Shown
from chatroom.users.requests import ADDED_BYTES, Arrival, Change, Channels, Ruling, Said, Wish
from chatroom.users.speaker import Counted, Named
from chatroom.users.speaking_pace import SpeakingPace, whose
from chatroom.users.tokens import Tokens, new_identity
from chatroom.users.user import User
from chatroom.wire import typed
from chatroom.wire.acts import UseLink, UseOperatorLink
from chatroom.wire.reactions import AskReactions, React
from chatroom.wire.typed import Bring, Edit, Hello, Ping, Remove, Rename, Restore, Rule, Say
from chatroom.wire.websocket import CloseCode

log = logging.getLogger(__name__)

WITHOUT_CMID = Rename, Ping, typed.Typing, AskReactions

HELLO_TIMEOUT = 10
"""Seconds that a client has for its first hello, and for the next one after a refusal."""

TYPING_INTERVAL = 2.0
"""Minimum seconds between two typing notices of a user."""

RENAME_INTERVAL = 2.0
"""Minimum seconds between two renames of a user: each goes to everybody in the room."""

MAX_BAD_FRAMES = 10
"""Refused frames after which a client is disconnected."""

NOBODY = Counted(0)


class TypedUser(User):
    """Created when a socket opens; in the room once the Server has accepted its ``hello``.

    Args:
        tokens: identify a returning client.
        history: knows whether the last message that a client saw is still stored.
        act_pace: of what it changes and, as a host, decides; None for any.
    """

    acknowledged = True
    __slots__ = (
        "_acks",
        "_act_pace",
        "_asked",
        "_bad_frames",
        "_history",
        "_renames",
        "_tokens",
        "_typed_at",
        "admitted",
        "answered",
        "hears_rooms",
        "knocks",
        "knows",
        "names_refused",
        "rev",
        "user_id",
    )

    def __init__(
        self,
        connection: Connection,
        room: str,
        address: str,
        channels: Channels,
        *,
        tokens: Tokens,
        history: History,
        max_message_bytes: int,
        max_name_length: int,
        pace: SpeakingPace | None = None,
        act_pace: SpeakingPace | None = None,
        doorstep: Doorstep | None = None,
    ) -> None:
        super().__init__(
            connection,
            room,
            address,
            channels,
            max_message_bytes=max_message_bytes,
            max_name_length=max_name_length,
            first_frame_seconds=HELLO_TIMEOUT,
            pace=pace,
            doorstep=doorstep,
        )
        self._tokens = tokens
        self._history = history
        self._act_pace = act_pace
        self._bad_frames = 0
        self._typed_at = -TYPING_INTERVAL
        self._renames = Budget(1 / RENAME_INTERVAL, 1)
        self._acks: list[bytes] = []
        self._asked = 0  # how often it has said hello
        self.user_id = ""  # owned by the Server thread, like all below
        self.names_refused = 0
        self.answered = 0
        self.knocks = self.admitted = ""
        self.rev = 0
        self.hears_rooms = False
        self.knows: Named | Counted = NOBODY

    # -- the reader thread ----------------------------------------------------------------------

    def _receive(self, data: str | bytes) -> None:
        size = self._admit(data)
        try:
            request = typed.decode(str(data), max_name_length=self._max_name_length)
            self._handle(request, size)
        except Refusal as refusal:
            self._refuse(refusal)
        except FrameRefused as refusal:
            self._refuse(Refusal("bad-frame", f"{refusal.reason}."))
        except HistoryError as error:
            log.error("error: %s: %s", self, error)
            self.end(CloseCode.SERVER_ERROR, "history unavailable")

    def _door(self) -> str | None:
        if self.inside or self.knocks:
            return None
        now = time.monotonic()
        if self.answered < self._asked:  # its room keeps it waiting
            self._first_by = now + HELLO_TIMEOUT
        return "" if now < self._first_by else f"no hello within {HELLO_TIMEOUT} s"

    def _handle(self, request: typed.Request, size: int) -> None:
        if isinstance(request, Hello):
            arrival = self._arrival(request)
            self._asked += 1
            self._channels.add.put(arrival)
            self.joined = True
            if request.link:
                operator = self._tokens.read_operator_link(request.link)
                act = UseOperatorLink(*operator) if operator else UseLink(request.link)
                self._channels.broadcast.put(Ruling(self, act))
        elif not self.joined:
            cmid = "" if isinstance(request, WITHOUT_CMID) else request.cmid
            raise Refusal("hello-first", "Say hello before anything else.", cmid)
        elif isinstance(request, Ping):
            self.write(typed.PONG)
        elif isinstance(request, Say):
            self._await_turn()
            draft = Draft("", request.body, request.timestamp, request.reply_to)
            cost = size + ADDED_BYTES
            if request.file:
                brought = Bring(request.cmid, draft, request.file, request.alt)
                self._channels.broadcast.put(Change(self, brought, cost))
            else:
                self._channels.broadcast.put(Said(self, draft, cost, request.cmid))
        elif isinstance(request, Edit | Remove | Restore):
            self._await_turn()
            self._await_act()
            self._channels.broadcast.put(Change(self, request, size + ADDED_BYTES))
        elif isinstance(request, Rule):
            self._await_act()
            # Nothing is hashed for anybody but hosts; the others will be refused.
            ruled = (
                request.act if self.is_paced else self._doorstep.sealed(request.act, request.cmid)
            )
            self._channels.broadcast.put(Ruling(self, ruled, request.cmid, ADDED_BYTES))
        elif isinstance(request, Rename):
            time.sleep(self._renames.spend(1))  # the client waits; whatever it said keeps its order
            self._channels.broadcast.put(Wish(self, request))
        elif isinstance(request, React):
            self._await_act()
            self._channels.broadcast.put(Wish(self, request, ADDED_BYTES))
        elif isinstance(request, AskReactions):
            self._await_act()
            self._tell_reactions(request)
        elif self._may_type():
            self._channels.broadcast.put(Wish(self, request))

    def _tell_reactions(self, asked: AskReactions) -> None:
        """To this user alone: nobody else waits for it, and the Server thread does not read it."""
        if not self.inside:
            raise Refusal("hello-first", "You are not in a room; say hello.")
        span = Span(after=asked.since, first=asked.first)
        people = FEW_PEOPLE if asked.people else 0
        who = self.user_id
        states = self._history.reacted(self.room, span, people=people, user_id=who)
        mark = max([asked.since, *(state.mark for state in states)])
        self.write(typed.reactions(mark, sparingly_named(states)))

    def _await_act(self) -> None:
        if self._act_pace:
            who = whose(self.user_id, self.address, self.room)
            self._act_pace.wait(who, lambda: self.connection.is_closing)

    def _may_type(self) -> bool:
        """Throttles typing notices, so that the Server never sees more of them."""
        now = time.monotonic()
        if now - self._typed_at < TYPING_INTERVAL:
            return False
        self._typed_at = now
        return True

    def _arrival(self, hello: Hello) -> Arrival:
        try:
            room = room_name(hello.room) if hello.room is not None else self.room
        except BadRoomName as error:
            raise Refusal("bad-room", str(error)) from None
        shown = hello.token or self._doorstep.bearer
        before = self._tokens.read(shown) if shown else None
        comes_back = before is not None and hello.since is not None
        user_id = before.user_id if before else ""
        identity = before if before and comes_back else new_identity(user_id)
        token = self._tokens.write(identity)
        at_door = Shown(hello.entry_pass, hello.key, hello.link)
        return Arrival(
            self,
            hello.user_name,
            room,
            identity,
            token,
            comes_back,
            self._seen(room, hello),
            hello.past,
            hello.read,
            hello.rooms,
            hello.rev,
            self._doorstep.prove(room, at_door, identity.user_id),
        )

    def _seen(self, room: str, hello: Hello) -> int | None:
        if hello.since is None:
            return None
        if hello.rev and hello.rev > self._history.rev(room):  # an older backup was restored
            return -1
        return hello.since.seq if self._history.reaches_back_to(room, hello.since) else -1

    def _refuse(self, refusal: Refusal) -> None:
        self._bad_frames += 1
        if self._bad_frames >= MAX_BAD_FRAMES:
            raise FrameRefused(CloseCode.POLICY, f"too many bad frames; the last: {refusal}")
        self.refuse(refusal)

    # -- the Server thread ----------------------------------------------------------------------

    def refuse(self, refusal: Refusal) -> None:
        """Send the client an error frame. Any thread."""
        self._channels.refused.put(refusal.code)
        self.write(typed.error(refusal))

    def turn_away(self, refusal: Refusal) -> None:
        """The client may ask for another room."""
        self.refuse(refusal)

    def pass_for(self, epoch: int) -> str:
        """Lets the client come back into its room."""
        return self._tokens.write_pass(self.room, self.user_id, epoch)

    def committed(self, message: Message) -> None:
        """Prepare the ack; it is sent once the room has the message too: see ``send_acks``."""
        self._acks.append(typed.ack(message.cmid, message.id))

    recognised = committed

    def held_back(self, held: Held) -> None:
        """Tell the client, instead of an ack."""
        self.write(typed.held(held))

    def altered(self, cmid: str, message: Message) -> None:
        """Tell the client, which has got the changed message itself before."""
        self.write(typed.done(cmid))

    def ruled(self, cmid: str, told: Mapping[str, object]) -> None:
        """Tell the client; of a link that it came with, by what everybody hears."""
        if cmid:
            self.write(typed.done(cmid, **told))

    def send_acks(self) -> None:
        """Send the prepared acks, after the messages that they are for."""
        acks, self._acks = self._acks, []
        if acks:
            self.write(b"".join(acks))

    def not_stored(self, cmid: str, reason: str) -> User:
        """Report the message, then close the socket, so that resent messages keep their order."""
        self.refuse(Refusal("not-stored", "The message could not be stored.", cmid))
        return super().not_stored(cmid, reason)
