"""Keeps rooms level with what other processes do there. Owned by the Server thread.

A hint only makes it look; what a look brings is applied if it is what comes next. A room whose last
message is not there any more is another one: its members are told so, and have to come back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from chatroom.errors import HistoryError
from chatroom.history.shared import Missed, Version
from chatroom.matching import assert_never
from chatroom.message import Message, MessageId
from chatroom.rooms.active_rooms import ActiveRooms
from chatroom.rooms.bus import IsTyping, ReactionNews, RoomNews
from chatroom.rooms.crowd import Known
from chatroom.rooms.elsewhere import (
    Differing,
    Elsewhere,
    Missing,
    NotLooked,
    NotOpened,
    Opened,
    Word,
)
from chatroom.rooms.entrance import Entrance
from chatroom.rooms.faults import Faults
from chatroom.rooms.hosting import Hosting
from chatroom.rooms.news import News
from chatroom.rooms.reactions import Reactions
from chatroom.rooms.room import Room
from chatroom.rooms.subscriber import Heard, HeardChange
from chatroom.rooms.timers import Timers
from chatroom.rooms.verdicts import Looked
from chatroom.wire.message_json import to_message
from chatroom.wire.typed import person_frame
from chatroom.wire.websocket import text_frame, text_of

INTERVAL = 1.0
"""Seconds between two comparisons of all rooms: so late is what no hint told of."""

SOON = 0.05
"""Seconds until the next look, if the answer came at the wrong moment."""

PATIENCE = 0.5
"""Seconds until the next look, after one that failed."""


class Follower:
    """Asks, and does what the answers say.

    Args:
        elsewhere: answers.
        rooms: the Server's.
        entrance: sees off who is in a room that is another one by now.
        hosting: tells of what was decided.
        news: of rooms that are not open here, too.
        reactions: of people to messages.
        timers: the Server's.
        faults: the Server's.
        is_under_way: whether something is on its way to a room's history. The answer to what is
            said there brings what others have said before.
    """

    def __init__(
        self,
        elsewhere: Elsewhere,
        rooms: ActiveRooms,
        entrance: Entrance,
        hosting: Hosting,
        news: News,
        reactions: Reactions,
        timers: Timers,
        faults: Faults,
        is_under_way: Callable[[str], bool],
    ) -> None:
        self._elsewhere = elsewhere
        self._rooms = rooms
        self._entrance = entrance
        self._hosting = hosting
        self._news = news
        self._reactions = reactions
        self._timers = timers
        self._faults = faults
        self._is_under_way = is_under_way
        self._behind: dict[str, MessageId] = {}
        """Rooms that an answer may bring up to this message at least."""
        self._looking: dict[str, bool] = {}  # rooms that are looked at; whether once more
        self._then: dict[str, list[Callable[[], None]]] = {}  # by room; see find_out
        self._is_failing = False

    def start(self) -> None:
        """Begin."""
        self._timers.after(INTERVAL, self._compare)

    def hear(self, word: Word) -> None:
        """Do what it says."""
        match word:
            case RoomNews():
                self._hear_of(word)
                if word.texts:
                    self._elsewhere.taken(word.size)
            case ReactionNews():
                self._reactions.hear_of(word)
            case IsTyping(name, who):
                self._hear_typing(name, who)
            case Missing():
                self.compare()
            case Looked():
                again = self._looking.pop(word.missed.room, False)
                self._is_failing = False
                self.apply(word)
                if again or not word.missed.is_all:
                    self.look(word.missed.room)
                else:
                    self._found_out(word.missed.room)
            case NotLooked(room, error):
                self._looking.pop(room, None)
                if not self._is_failing:
                    self._faults.note_failure("what others do is not heard", error)
                self._is_failing = True
                self._found_out(room)
                self._timers.after(PATIENCE, lambda: self.look(room))
            case Differing(rooms):
                self._is_failing = False
                for room in rooms:
                    self.look(room)
            case Opened() | NotOpened():
                for then in self._rooms.opened(word):
                    then()
            case _:
                assert_never(word)

    def look(self, name: str) -> None:
        """Find out what a room has missed; one look at a time."""
        if name in self._looking:
            self._looking[name] = True
        elif known := self._version(name):
            self._looking[name] = False
            self._elsewhere.look(name, known)
        else:
            self._found_out(name)

    def find_out(self, name: str, then: Callable[[], None]) -> None:
        """Look, and call once all is known that others have done before, or cannot be."""
        self._then.setdefault(name, []).append(then)
        self.look(name)

    def _found_out(self, name: str) -> None:
        for then in self._then.pop(name, ()):
            then()

    def catch_up(self) -> None:
        """Look where an answer has not brought what was waited for. After each of them."""
        for name in [name for name in self._behind if not self._is_under_way(name)]:
            last, room = self._behind.pop(name), self._rooms.get(name)
            if room and room.last.seq < last.seq:
                self.look(name)

    def compare(self) -> None:
        """Find out which rooms have missed something: after a connection was gone, and often."""
        versions = {name: room.version for name, room in self._rooms.items()}
        self._elsewhere.compare(versions | {"": self._rooms.house.version})

    def _compare(self) -> None:
        self.compare()
        self._timers.after(INTERVAL, self._compare)

    def _version(self, name: str) -> Version | None:
        if not name:
            return self._rooms.house.version
        room = self._rooms.get(name)
        return room.version if room else None

    def _hear_typing(self, name: str, who: Known) -> None:
        room = self._rooms.get(name)
        if room and not room.presence.is_large and who.user_id in room.crowd:
            room.tell(person_frame("typing", *who))

    def _hear_of(self, news: RoomNews) -> None:
        name, room = news.room, self._rooms.get(news.room)
        if name and not room:
            self._hear_of_closed(news)
            return
        if room and news.texts and room.last == (news.first - 1, news.before):
            self._tell(room, *_read(news.texts))
        known = self._version(name)
        now = Version(MessageId(news.seq, news.nonce), news.rev, news.decided)
        if not known or not known.is_behind(now):
            return
        if known.is_behind(now._replace(last=known.last)) or not self._is_under_way(name):
            self.look(name)
        else:  # people talk at both ends: nearly each of their messages would cost a look
            self._behind[name] = max(now.last, self._behind.get(name, now.last))

    def _hear_of_closed(self, news: RoomNews) -> None:
        """Nobody is in it here; but some may want news of it."""
        if news.seq or news.decided:
            self._rooms.count_as_stored(news.room)
        if not news.texts or not self._news.is_wanted:
            return
        last = MessageId(news.seq, news.nonce)
        known = Version(last, decided=news.decided)

        def tell() -> None:
            try:
                charter = self._rooms.charter_of_closed(news.room, known)
            except HistoryError:
                return  # it cannot be read now
            self._news.note_elsewhere(news.room, last, charter)

        if self._rooms.knows_charter(news.room, known) or not self._rooms.wait_for(news.room, tell):
            tell()

    # -- what has happened ------------------------------------------------------------------------

    def apply(self, looked: Looked) -> None:
        """Other processes have done this; what is known by now is left out."""
        missed, room = looked.missed, self._rooms.get(looked.missed.room)
        if missed.is_fork and missed.room:
            if room and room.last == missed.known.last:
                self._entrance.let_early_in(room, all_of_them=True)  # nobody is told before them
            is_over = room is None or room.last != missed.known.last or self._entrance.part(room)
            if not is_over:
                self._timers.after(SOON, lambda: self.look(missed.room))
            return
        if not missed.room:
            self._decide(missed)
        elif room and missed.known.last.seq <= room.seq:
            new = room.seq - missed.known.last.seq
            self._tell(room, missed.messages[new:], looked.frames[new:])
            for message in missed.changes:
                self._spread(room, message)
            room.changes.rev = max(room.changes.rev, missed.version.rev)
            if missed.version.mark > room.mark:
                self._reactions.hear(room, missed.reactions, missed.version.mark)
            if missed.first > room.first_remembered:
                room.forget(missed.first)
            self._decide(missed, room)
            if room.charter.sweeps:  # also where the room was closed when they were begun
                self._hosting.try_again(room.name)
        concerned = [room] if room else [] if missed.room else list(self._rooms.values())
        for one in concerned:
            if one.early:
                self._entrance.let_early_in(one)

    def _decide(self, missed: Missed, room: Room | None = None) -> None:
        of = room or self._rooms.house
        if missed.decided is None or missed.known.decided != of.decided:
            return
        if of.is_deciding:  # its outcome is for what was known before
            self._timers.after(SOON, lambda: self.look(missed.room))
            return
        of.decided, of.logged = missed.version.decided, missed.version.logged
        try:
            if room:
                self._hosting.hear(room, missed.decided)
            else:
                self._hosting.hear_house(missed.decided)
        except HistoryError as error:  # written by a later version
            self._faults.note_failure(f"room {missed.room!r} cannot be understood", error)

    def _tell(self, room: Room, messages: Sequence[Message], frames: Sequence[bytes]) -> None:
        if not messages:
            return
        self._rooms.count_as_stored(room.name)
        room.last = MessageId(messages[-1].seq, messages[-1].nonce)
        room.remember(frames)
        shown = [one for one in zip(messages, frames, strict=True) if one[1]]
        if not room.lets_all_speak:
            for it in messages:
                if it.user_id:
                    self._rooms.house.last_said.note(room.name, it.user_id, it.sent_at)
        if room.subscribers:
            room.hand_on([Heard(MessageId(it.seq, it.nonce), text_of(by)) for it, by in shown])
        if shown:
            room.send([frame for _, frame in shown])
        self._entrance.committed(room)

    @staticmethod
    def _spread(room: Room, message: Message) -> None:
        if message.rev > room.changes.rev:
            room.change([message])
            if room.subscribers:
                room.hand_on([HeardChange.of(message)])


def _read(texts: Sequence[str]) -> tuple[list[Message], list[bytes]]:
    """Messages and frames of a hint; it is signed, and so one of ours has written it."""
    return [to_message(json.loads(text)) for text in texts], [text_frame(text) for text in texts]
