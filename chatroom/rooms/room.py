"""A room: who is in it, and the tail of its conversation."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from chatroom.history.shared import Version
from chatroom.message import Message
from chatroom.names import DEFAULT_ROOM
from chatroom.rooms.approval import ApprovalQueue
from chatroom.rooms.charter import NO_CHARTER, Ban, Charter, Host, House, WatchedAddress
from chatroom.rooms.crowd import Crowd, Known
from chatroom.rooms.fallen import Fallen
from chatroom.rooms.knocking import Knocks
from chatroom.rooms.policy import Standing, keeping_out
from chatroom.rooms.presence import Presence
from chatroom.rooms.ranks import Rank
from chatroom.rooms.recent_changes import RecentChanges
from chatroom.rooms.subscriber import Hearing, Subscriber
from chatroom.rooms.tail import Tail
from chatroom.sockets.connection import Connection
from chatroom.users.proof import Proof
from chatroom.users.requests import Arrival
from chatroom.users.speaker import Participant, Speaker, TypedParticipant
from chatroom.users.speaking_pace import whose_is
from chatroom.wire import typed
from chatroom.wire.message_json import frame_of

HOST_GRACE_MS = 60_000
"""For so long, a host who has gone still counts as being here; after a start, each of them."""

MOST_CHANGES = 500
"""Changed messages that a room remembers; whoever has missed more gets them from the history."""


class Room:
    """Owned by the Server thread; nobody else touches it.

    Args:
        name: what clients call it.
        version: how far it is known; with the id of its last committed message.
        tail: the frames of its last messages, oldest first.
        tail_length: the number of frames to remember.
        tail_bytes: about how many bytes of frames to remember.
        fallen: where those are noted who are too slow.
        charter: what it has decided about itself.
        queue: what waits for a host's approval.
        house: what the whole server has decided.
    """

    def __init__(
        self,
        name: str,
        version: Version,
        tail: Iterable[bytes],
        *,
        tail_length: int,
        tail_bytes: int,
        fallen: Fallen,
        charter: Charter = NO_CHARTER,
        queue: ApprovalQueue | None = None,
        house: House | None = None,
    ) -> None:
        self.name = name
        self.last = version.last
        """Of the committed ones; their frames come to ``remember``."""
        self.changes = RecentChanges(version.rev, limit=MOST_CHANGES, max_bytes=tail_bytes // 4)
        """Of its messages."""
        self.users: dict[Participant, Connection] = {}
        """Who gets the messages. In the order of joining; a broadcast touches the connections
        only."""
        self.typed: dict[Participant, Connection] = {}
        """The typed ones among these: they get news of people, too."""
        self.subscribers: dict[Subscriber, Proof] = {}
        """Those without a socket who are handed what is said; and what has let each of them in."""
        self.crowd = Crowd()
        self.presence = Presence()
        self.awaited = 0
        """How many users are on their way in, and batches on their way to the history."""
        self.house = house or House()
        self.charter = charter
        self.coming_by: dict[Participant, str] = {}
        """Those whom a link alone has let in, while its use is not stored yet; by what the charter
        calls it."""
        self.queue = ApprovalQueue() if queue is None else queue
        """What waits for a host's approval."""
        self.knocks = Knocks()
        """Who waits for a host at the door."""
        self.charter_is_stored = True
        """Otherwise it will be, with the first message."""
        self.early: list[Arrival] = []
        """Users who wait until it has heard of what they have seen, or have to be judged by."""
        self.decided, self.logged, self.mark = version.decided, version.logged, version.mark
        """See ``Version``."""
        self.is_deciding = False
        """An act or a change is on its way to the history."""
        self._fallen = fallen
        self._tail = Tail(tail, length=tail_length, max_bytes=tail_bytes)

    # -- who is here ------------------------------------------------------------------------------

    @property
    def is_empty(self) -> bool:
        """Nobody is in this process, on the way in, or away within the grace period."""
        if self.users or self.subscribers or self.presence or self.awaited:
            return False
        return not self.knocks.are_here

    def pace_hosts(self) -> None:
        """Hosts may say as much as they like; after their ranks have changed."""
        for user in self._everybody():
            user.is_paced = not self.rank_of(user.user_id).is_host

    def holds(self, user: Speaker) -> bool:
        """Whether the user has a socket here."""
        return user in self.users or user in self.sockets_of(user.user_id)

    def has_come(self, user: Speaker) -> Participant | None:
        """The user, if it is one whom a link alone has let in; from now on, it counts no more."""
        came = next((one for one in self.coming_by if one is user), None)
        if came:
            del self.coming_by[came]
        return came

    def let_in(self, user: Participant) -> None:
        """The user is in, and hears nothing yet."""
        user.inside = True

    def let_in_typed(self, user: TypedParticipant, tab: str) -> None:
        """Likewise, and counts as present."""
        self.let_in(user)
        self.presence.enter(user, tab)
        user.is_paced = not self.rank_of(user.user_id).is_host

    def go_live(self, user: Participant) -> None:
        """The user gets what is said from now on and, if it is typed, news of people."""
        self.users[user] = user.connection
        if user.user_id:
            self.typed[user] = user.connection

    def remove(self, user: Participant) -> bool:
        """The user is out; False if it was not in. Its person may have other sockets."""
        if not user.inside:
            return False
        user.inside = False
        self.coming_by.pop(user, None)
        self.users.pop(user, None)
        self.typed.pop(user, None)
        self.presence.leave(user)
        if self.rank_of(user.user_id).is_host:
            self._note_host(time.time_ns() // 1_000_000)
        return True

    # -- who is in charge -------------------------------------------------------------------------

    @property
    def charter(self) -> Charter:
        """What it has decided about itself."""
        return self._charter

    @charter.setter
    def charter(self, charter: Charter) -> None:
        self._charter = charter
        self.lets_all_speak = charter.lets_all_speak  # whom an operator has removed is not in

    @property
    def is_new(self) -> bool:
        """Nobody has said or decided anything here: so somebody can still have made it."""
        return not self.seq and self.charter == NO_CHARTER and self.name != DEFAULT_ROOM

    def rank_of(self, user_id: str) -> Rank:
        """What the person is here."""
        if not user_id:
            return Rank.EVERYONE
        return max(self.charter.rank_of(user_id), self.house.charter.rank_of(user_id))

    def speaks_as(self, user_id: str) -> str:
        """What is said of the person beside its messages: runs for every one."""
        if not (self._charter.hosts or self._charter.keys or self.house.charter.hosts):
            return ""
        if user_id in self._charter.scripts:
            return "script"
        return "host" if self.rank_of(user_id).is_host else ""

    def name_of(self, user_id: str, otherwise: str = "") -> str:
        """What the person is called, as far as the room knows."""
        if user_id in self.crowd:
            return self.crowd[user_id].user_name
        charters = (self.charter, self.house.charter)
        return next(filter(None, (one.name_of(user_id) for one in charters)), otherwise)

    def known_as(self, speaker: Speaker) -> Known:
        """How the host log calls somebody who acts."""
        otherwise = Rank.OPERATOR.word if speaker.operator_link else ""
        return Known(speaker.user_id, self.name_of(speaker.user_id, otherwise))

    def known(self) -> list[tuple[str, str, str]]:
        """Everybody's user id, name and role, in the order in which they came."""
        if not self.hosts:  # each joiner is told of everybody
            return [(*who, "") for who in self.crowd.known()]
        return [(*who, self.rank_of(who.user_id).word) for who in self.crowd.known()]

    def sockets_of(self, user_id: str) -> list[TypedParticipant]:
        """The person's sockets in this process."""
        person = self.presence.get(user_id)
        return list(person.sockets) if person else []

    def held_for(self, user_id: str) -> bytes:
        """Who knocks and what waits for approval, as the person gets it who comes: a host all of
        it, everyone else what is theirs."""
        if not self.queue and not self.knocks:
            return b""
        if not self.rank_of(user_id).is_host:
            return b"".join(map(typed.held, self.queue.of(user_id)))
        return b"".join([*map(typed.held, self.queue), *(it.frame for it in self.knocks.values())])

    def standing_of(self, speaker: Speaker, now: int) -> Standing:
        """What the policy wants to know of somebody who speaks; ``now`` is in Unix milliseconds."""
        rank = self.rank_of(speaker.user_id) or self.house.rank_by(speaker.operator_link)
        said_at = self.house.last_said.get((self.name, whose_is(speaker)), 0)
        met, watch, house = self.house.has_met, self.charter.watched, self.house.charter
        was_in = not watch or met(speaker.user_id, speaker.proof, self.name, self.charter)
        watched = None if was_in or speaker.user_id in self.crowd else self.watched(speaker.address)
        return Standing(self.charter, rank, now, said_at, self._host_is_here(now), house, watched)

    def watched(self, address: str) -> WatchedAddress | None:
        """Who was removed from this address not long ago."""
        watched = self.charter.watched
        return watched.get(self.house.whereabouts.key(address)) if watched else None

    def ban_on(self, user_id: str, now: int) -> Ban | None:
        """What keeps the person out."""
        own, everywhere = (it.barred.get(user_id) for it in (self.charter, self.house.charter))
        return keeping_out(self.rank_of(user_id), own, everywhere, now)

    def note_said(self, speaker: Speaker, now: int) -> None:
        """Somebody is about to say something, in a room that counts the seconds."""
        self.house.last_said.note(self.name, whose_is(speaker), now)

    @property
    def hosts(self) -> dict[str, Host]:
        """Its own and the operators, by user id."""
        return {**self.house.charter.hosts, **self.charter.hosts}

    @property
    def has_host(self) -> bool:
        """Somebody who is in charge is there now, in whichever process."""
        return any(map(self._is_here, self.hosts))

    def _host_is_here(self, now: int) -> bool:
        if self.has_host:
            return True
        seen_at = max(self.house.began_at, self.house.host_seen_at.get(self.name, 0))
        return abs(now - seen_at) < HOST_GRACE_MS  # later than now: the clock was set back

    def _is_here(self, user_id: str) -> bool:
        if user_id in self.presence:
            return bool(self.presence[user_id].sockets)
        return user_id in self.crowd  # in another process

    def _note_host(self, now: int) -> None:
        """A host goes; the room may be forgotten before its grace is over."""
        seen = self.house.host_seen_at
        for room in [room for room, at in seen.items() if abs(now - at) >= HOST_GRACE_MS]:
            del seen[room]
        seen[self.name] = now

    # -- what is said -----------------------------------------------------------------------------

    @property
    def seq(self) -> int:
        """The seq of its last committed message, 0 for none."""
        return self.last.seq

    @property
    def version(self) -> Version:
        """How far this process knows it."""
        return Version(self.last, self.changes.rev, self.decided, self.logged, self.mark)

    @property
    def first_remembered(self) -> int:
        """The seq of the oldest message in the tail; ``seq + 1`` if the tail is empty."""
        return self.seq - len(self._tail) + 1

    def remember(self, frames: Sequence[bytes]) -> None:
        """Append the newest frames to the tail, and drop the oldest beyond its limits."""
        self._tail.append(frames)

    def change(self, messages: Sequence[Message]) -> None:
        """These are others now, or are removed: tell the typed users, and joiners get it. Several
        at a time were all removed by a host, or all restored."""
        for message in messages:
            self._tail.replace(message.seq - self.first_remembered, frame_of(message))
        frames = [self.changes.add(message) for message in messages]
        are_gone = len(frames) > 1 and bool(messages[0].removed)
        self.tell(typed.removed(messages) if are_gone else b"".join(frames))

    def forget(self, first: int) -> None:
        """Drop what is older than this seq."""
        self.changes.forget(first)
        self._tail.drop(first - self.first_remembered)

    def replay(self) -> bytes:
        """All frames of the tail, joined."""
        return self._tail.joined()

    def frames_after(self, seq: int) -> list[bytes] | None:
        """The frames after this message; None if the tail does not reach back that far."""
        index = seq + 1 - self.first_remembered
        return None if index < 0 else self._tail.after(index)

    def send(self, frames: Sequence[bytes]) -> None:
        """Send messages to all users."""
        self._fallen.send(self.users, b"".join(frames), len(frames))

    def hand_on(self, batch: Sequence[Hearing]) -> None:
        """Hand messages, changes of them, or reactions to all subscribers."""
        for subscriber in self.subscribers:
            subscriber.take(batch)

    def tell(self, frames: bytes) -> None:
        """Send frames to the typed users."""
        self._fallen.send(self.typed, frames)

    def tell_all(self, frames: bytes) -> None:
        """Likewise, and to those who are still being told the past: see ``Sender.replay``."""
        self._fallen.send(self._everybody(), frames)

    def _everybody(self) -> dict[Participant, Connection]:
        people = self.presence.values()
        return {socket: socket.connection for person in people for socket in person.sockets}

    def tell_hosts(self, frames: bytes) -> None:
        """Send frames to those who are in charge, in all their tabs."""
        for user_id in self.hosts:
            for socket in self.sockets_of(user_id):
                self.tell_one(socket, frames)

    def tell_one(self, user: Participant, frames: bytes) -> None:
        """Send frames to one of them."""
        self._fallen.send_one(user, frames)
