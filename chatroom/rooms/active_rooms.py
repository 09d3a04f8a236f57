"""The rooms that somebody is in: created on entry, forgotten when empty."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from chatroom.history import History
from chatroom.history.shared import Opening, Version
from chatroom.message import MessageId
from chatroom.names import DEFAULT_ROOM
from chatroom.rooms.approval import ApprovalQueue
from chatroom.rooms.charter import NO_CHARTER, Ban, Charter, House
from chatroom.rooms.doors import charter_in, charter_of
from chatroom.rooms.elsewhere import Elsewhere, NotOpened, Opened
from chatroom.rooms.fallen import Fallen
from chatroom.rooms.new_rooms import new_rooms
from chatroom.rooms.openings import Openings
from chatroom.rooms.policy import Place, Policy, Visitor
from chatroom.rooms.ranks import Rank
from chatroom.rooms.room import Room
from chatroom.rooms.rules import Rules
from chatroom.rooms.whereabouts import Whereabouts
from chatroom.users.proof import NOTHING, Proof
from chatroom.users.speaker import Speaker
from chatroom.wire.message_json import frame_of

_ALL = 1 << 40

MOST_SOUGHT = 1000
"""Keys and codes that others have given, and that are good for nothing any more."""

MOST_CHARTERS = 1000
"""Of rooms in which nobody is here: remembered for news of what is said there elsewhere."""


class ActiveRooms(dict[str, Room]):
    """By name. Owned by the Server thread.

    Args:
        history: read when a room is opened.
        policy: says whether somebody may come in.
        fallen: those who are too slow.
        rules: the Server's.
        elsewhere: what other processes do there; None if nobody else has these rooms.
    """

    def __init__(
        self,
        history: History,
        policy: Policy,
        fallen: Fallen,
        rules: Rules,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        super().__init__()
        self._history = history
        self._policy = policy
        self._fallen = fallen
        self._tail_length = rules.replay_limit or _ALL
        self._tail_bytes = rules.tail_bytes
        self._elsewhere = elsewhere
        self.find_out: Callable[[str, Callable[[], None]], None] | None = None
        """Looks what others have done in a room, and calls; where there are others."""
        self._sought: set[tuple[str, str]] = set()  # see wait_for
        self._charters: dict[str, tuple[int, Charter]] = {}  # of rooms that are not open
        self._openings = Openings(elsewhere, self._tail_length, self._tail_bytes)
        self._new_rooms = new_rooms()
        whereabouts = Whereabouts(history.secret, rules.trusted_proxies)
        self.house = House(whereabouts=whereabouts)
        self._stored: set[str] | None = None  # rooms with a message or a charter; read on first use

    def open_house(self) -> None:
        """Read what holds in all rooms; before the first one is opened.

        Raises:
            HistoryUnavailable: it cannot be read.
        """
        self.house.charter = self._charter_of("")
        self.house.began_at = time.time_ns() // 1_000_000
        if self._elsewhere:  # from now on, this thread reads nothing
            self._names()
            self._elsewhere.look("", self.house.version)

    def enter(
        self,
        name: str,
        address: str,
        user_id: str = "",
        operator_link: str = "",
        proof: Proof = NOTHING,
    ) -> Room:
        """The room that somebody wants to come into, opened if nobody is in it yet.

        Args:
            address: of whoever enters: if the room is new, this address creates it.
            user_id: likewise; empty for nobody that the room knows.
            operator_link: see ``Speaker``.
            proof: what they have shown at the door.

        Raises:
            HistoryUnavailable: it cannot be read now.
            Refusal: this visitor may not come in.
        """
        user_id, link = user_id or proof.user_id, operator_link or proof.operator_link
        visitor = Visitor(address, user_id, self._rank_by(link, user_id), proof)
        visitor, place = self._at(name, visitor)
        refusal = self._policy.may_enter(visitor, place)
        if refusal:
            raise refusal
        room = self.get(name) or self._open(name)
        if not place.exists and name != DEFAULT_ROOM:
            self._new_rooms.of(address).spend(1)
        return room

    def needs_link(self, room: Room, address: str, user_id: str, proof: Proof) -> bool:
        """Whether somebody could not come in but for the link that they have shown."""
        is_operators = proof.link == proof.operator_link != ""
        if not is_operators and proof.link not in room.charter.links:
            return False
        rank = Rank.EVERYONE if is_operators else self.house.rank_by(proof.operator_link)
        visitor, place = self._at(
            room.name, Visitor(address, user_id, rank, proof._replace(link=""))
        )
        return self._policy.may_enter(visitor, place) is not None

    def _rank_by(self, operator_link: str, user_id: str) -> Rank:
        """As ``House.rank_by``; but while somebody comes in by the link, it is nobody else's."""
        is_taken = operator_link and any(
            link == operator_link and user.user_id != user_id
            for room in self.values()
            for user, link in room.coming_by.items()
        )
        return Rank.EVERYONE if is_taken else self.house.rank_by(operator_link)

    def _at(self, name: str, visitor: Visitor) -> tuple[Visitor, Place]:
        """The visitor, as the room knows them, and the room, as far as it concerns them."""
        place, charter = self._place(name, visitor.address), self._charter(name)
        user_id = visitor.user_id
        if charter is not NO_CHARTER or self.house.charter is not NO_CHARTER:
            rank = max(one.rank_of(user_id) for one in (charter, self.house.charter))
            visitor = visitor._replace(rank=max(rank, visitor.rank))
            # A script with a key may have a token besides, which says that it is somebody else.
            ids = user_id, visitor.proof.user_id
            place = place._replace(
                ban=_ban(charter, ids),
                house_ban=_ban(self.house.charter, ids),
                now=time.time_ns() // 1_000_000,
                charter=charter,
                house=self.house.charter,
            )
            if visitor.proof.link and name in self:
                coming = list(self[name].coming_by.values()).count(visitor.proof.link)
                place = place._replace(coming=coming)
        return visitor, place

    def would_be_new(self, name: str, address: str) -> bool:
        """Whether there is no such room: nobody is in it, nobody has said or decided anything.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        return not self._place(name, address).exists

    def look_into(self, name: str) -> Room:
        """The room, whether or not there is one, for somebody who leaves everything as it is.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        return self.get(name) or self._open(name)

    def ranks(self, speaker: Speaker) -> Callable[[str], Rank]:
        """What each person is in the speaker's room, whether or not it is open: see ``House``.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        return self.house.ranks(self._charter(speaker.room), speaker)

    def _charter(self, name: str) -> Charter:
        room = self.get(name)
        return room.charter if room else self._charter_of(name)

    def _place(self, name: str, address: str) -> Place:
        if name in self:  # nearly always
            return Place(name, exists=True)
        stored = self._names()
        if name in stored:
            return Place(name, exists=True)
        others = len((stored | self.keys()) - {DEFAULT_ROOM})
        return Place(name, False, others, self._new_rooms.of(address).covers(1))

    def _open(self, name: str) -> Room:
        opened = self._openings.take(name) or self._read(name)
        opening, charter = opened.opening, self._charter_in(opened)
        room = self[name] = Room(
            name,
            opening.version,
            opened.frames,
            tail_length=self._tail_length,
            tail_bytes=self._tail_bytes,
            fallen=self._fallen,
            charter=charter,
            # With the tail, it must not fill the queue of a host who comes.
            queue=ApprovalQueue(opening.held, max_bytes=self._tail_bytes // 2),
            house=self.house,
        )
        if self._elsewhere:  # others may have been there since
            self._elsewhere.look(name, room.version)
        return room

    def _read(self, name: str) -> Opened:
        """Of a history that this thread alone writes to, at once."""
        # Head and tail of two moments would lose or double what is committed in between.
        tail = self._history.tail(name, self._tail_length, self._tail_bytes)
        last = MessageId(tail[-1].seq, tail[-1].nonce) if tail else self._history.head(name)
        version = Version(last, self._history.rev(name))
        charter, held = self._history.charter(name), self._history.held(name)
        return Opened(Opening(name, version, tail, charter, held), list(map(frame_of, tail)))

    def _charter_of(self, name: str) -> Charter:
        opened = self._openings.get(name)
        if opened is None:
            return charter_of(self._history, name)
        if isinstance(opened, NotOpened):
            raise opened.error
        return self._charter_in(opened)

    def _charter_in(self, opened: Opened) -> Charter:
        return charter_in(self._history, opened.opening.charter)

    def wait_for(self, name: str, then: Callable[[], None], proof: Proof = NOTHING) -> bool:
        """Whether the room has to be read first, by another thread; ``then`` is called once it
        is, or cannot be.

        Args:
            proof: of whoever wants to come in. What is good by a charter that this process has not
                heard of yet was given elsewhere, just now: it is not refused before a look.
        """
        room = self.get(name)
        if room is None:
            return self._openings.wait_for(name, then)
        given = _unheard_of(room.charter, proof) if proof is not NOTHING else ""
        if not (given and self.find_out) or (name, given) in self._sought:
            return False

        def judge() -> None:
            if len(self._sought) >= MOST_SOUGHT:
                self._sought.clear()
            self._sought.add((name, given))  # once: it may be of a charter that is past
            then()

        self.find_out(name, judge)
        return True

    def knows_charter(self, name: str, version: Version) -> bool:
        """Whether it is known what the room had decided by then, though nobody is in it here."""
        decided, _ = self._charters.get(name, (0, NO_CHARTER))
        return decided == version.decided

    def charter_of_closed(self, name: str, version: Version) -> Charter:
        """What it has decided, if it was read for that; see ``wait_for``.

        Raises:
            HistoryUnavailable: it could not be read.
        """
        if not self.knows_charter(name, version):
            while len(self._charters) >= MOST_CHARTERS:
                del self._charters[next(iter(self._charters))]
            self._charters[name] = version.decided, self._charter(name)
        return self._charters.get(name, (0, NO_CHARTER))[1]

    def opened(self, word: Opened | NotOpened) -> list[Callable[[], None]]:
        """A room is read; who has waited for that."""
        name = word.opening.room if isinstance(word, Opened) else word.room
        if isinstance(word, Opened) and word.opening.version != Version():
            self.count_as_stored(name)
        return self._openings.add(name, word)

    def count_as_stored(self, name: str) -> None:
        """The room has a message or a charter now: it exists even while nobody is in it."""
        self._names().add(name)

    def _names(self) -> set[str]:
        if self._stored is None:
            decided = set(self._history.decided()) - {""}
            self._stored = {room.name for room in self._history.rooms()} | decided
        return self._stored

    def forget_trimmed(self, name: str) -> None:
        """Drop what the history no longer has from what joiners get.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        room = self.get(name)
        if room:
            room.forget(self._history.first(name) or room.seq + 1)

    def forget_if_empty(self, name: str) -> None:
        """Drop a room from memory if nobody is in it."""
        room = self.get(name)
        if room and room.is_empty:
            del self[name]


def _unheard_of(charter: Charter, proof: Proof) -> str:
    """What is proved that the charter does not have; "" for nothing."""
    if proof.key and proof.key not in charter.keys:
        return proof.key
    if proof.code and proof.code not in (charter.code, charter.code_hash):
        return proof.code
    if proof.epoch is not None and proof.epoch > charter.epoch:
        return f"epoch {proof.epoch}"
    return ""


def _ban(charter: Charter, user_ids: Iterable[str]) -> Ban | None:
    return next(filter(None, map(charter.barred.get, user_ids)), None)
