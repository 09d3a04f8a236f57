"""A history that lasts as long as the process: for trying out, and for tests."""

from __future__ import annotations

import secrets
import sys
import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, takewhile
from sys import getsizeof
from types import MappingProxyType

from chatroom.errors import CmidTaken, HistoryUnavailable
from chatroom.files.stored import StoredFile, id_in
from chatroom.history.decisions import not_held
from chatroom.history.deleted import by_mark, kept_as
from chatroom.history.effects import NO_EFFECTS, Effects
from chatroom.history.file_records import MAX_SIZE, not_free
from chatroom.history.host_log import KEEP_MS, LogEntry, surplus
from chatroom.history.interface import History
from chatroom.history.memory.arrivals import Arrivals
from chatroom.history.memory.files import FilesInMemory
from chatroom.history.memory.reactions import ReactionsInMemory
from chatroom.history.paging import PAGE_BYTES, PAGE_LENGTH, take
from chatroom.history.retention import Aged, Retention
from chatroom.history.searching import Hunt
from chatroom.message import BEGINNING, Evidence, Held, Message, MessageId, RoomSummary
from chatroom.reactions import EVERYTHING, Click, Person, Place, Reacted, Span

LIMIT_BYTES = 64 * 1024 * 1024
"""What the messages of all rooms together may take."""

OBJECT_BYTES = 420
"""Bytes of a message in addition to its three texts: object, nonce, numbers, container slots."""

CMID_BYTES = 220
"""Bytes of a cmid in addition to its two texts: its dictionary entry."""

Head = tuple[int, str, int]
"""A room's last seq, nonce and sent_at."""

NO_HEAD: Head = (*BEGINNING, 0)

Cmid = tuple[str, str, str]
"""room, user_id, cmid"""


Kept = tuple[Message, int]
"""A message, and the bytes it takes: stored, since a str grows when its UTF-8 gets cached."""

EMPTY: deque[Kept] = deque()


class MemoryHistory(History):
    """Messages in memory, at most ``limit_bytes`` over all rooms.

    Beyond that, the oldest message of all is evicted, whichever room it is in: so a busy
    room can push out a quiet one's past. A room's head is never evicted, so seq never
    starts over.
    """

    is_new = True
    keeps_files = True
    keeps_reactions = True

    def __init__(self, name: str = "memory:", *, limit_bytes: int = LIMIT_BYTES) -> None:
        self.name = name
        self._limit_bytes = limit_bytes
        # Guards everything below: the Server thread writes while any thread reads, and a
        # deque that changes during an iteration raises.
        self._lock = threading.Lock()
        self._is_open = False
        self._rooms: dict[str, deque[Kept]] = {}
        self._heads: dict[str, Head] = {}
        self._cmids: dict[Cmid, Message] = {}
        self._secret = secrets.token_bytes(32)
        self._deleted: dict[str, bytes] = {}
        # room -> rev -> the message that has it, by rev: each message once.
        self._changes: dict[str, dict[int, Message]] = {}
        self._revs: dict[str, int] = {}
        self._evidence: dict[tuple[str, int], Evidence] = {}
        self._held: dict[str, dict[str, Held]] = {}
        self._held_bytes = 0
        self._charters: dict[str, str] = {}
        self._log: dict[str, deque[LogEntry]] = {}
        self._files = FilesInMemory()
        self._reactions = ReactionsInMemory()
        self._arrivals = Arrivals()
        self._bytes = 0

    def check(self) -> None:
        """Nothing can be wrong with it."""

    def open(self, *, patience: float = 0.0) -> None:
        """Begin empty; ``patience`` is never needed."""
        with self._lock:
            self._is_open = True

    def append(
        self, messages: Sequence[Message], charters: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Keep the messages, all or none; evict the oldest if they don't fit."""
        with self._lock:
            self._append(messages)
            self._charters.update(charters)

    def trim(self, room: str, keep_messages: int, keep_since: int, step: int) -> int:
        """Of the messages that are still kept."""
        with self._lock:
            self._demand_open()
            newest, *_ = self._heads.get(room, NO_HEAD)
            retention = Retention(newest, keep_messages, keep_since)
            oldest = islice(self._rooms.get(room, EMPTY), step)
            _, count = retention.to_go(
                Aged(message.seq, message.sent_at, size) for message, size in oldest
            )
            for _ in range(count):
                self._forget_oldest(room)
            self._arrivals.trim(room, count)
            return count

    def delete(self, room: str) -> int:
        """Of the messages that are still kept."""
        with self._lock:
            self._demand_open()
            count = len(self._rooms.get(room, EMPTY))
            for _ in range(count):
                self._forget_oldest(room)
            self._arrivals.trim(room, count)
            self._heads.pop(room, None)
            for held in list(self._held.get(room, {}).values()):
                self._drop_held(held)
            for kept in (self._revs, self._charters, self._log):
                kept.pop(room, None)
            name, value = kept_as(self._secret, room)
            self._deleted[name] = value
            return count

    def rewrite(
        self, message: Message, before: Evidence | None = None, entry: LogEntry | None = None
    ) -> None:
        """Of a message that is still kept."""
        with self._lock:
            self._demand_open()
            self._rewrite(message, before, self._place_of(message))
            self._note(message.room, entry)
            self._make_room()

    def _place_of(self, message: Message) -> int:
        """The index of a message that is still kept."""
        assert self._lock.locked()
        kept = self._rooms.get(message.room, EMPTY)
        index = place(kept, message.seq)
        if index == len(kept) or kept[index][0].id != message.id:
            cause = f"message {message.id} of room {message.room!r} is not kept"
            raise HistoryUnavailable(self.name, cause, "look it up again")
        return index

    def _rewrite(self, message: Message, before: Evidence | None, index: int) -> None:
        assert self._lock.locked()
        kept = self._rooms[message.room]
        was, size = kept[index]
        kept[index] = message, weight(message)
        self._bytes += weight(message) - size
        if message.cmid:
            self._cmids[cmid_of(message)] = message
        elif was.cmid:
            del self._cmids[cmid_of(was)]
        if message.removed:
            self._reactions.empty(message.room, message.seq)
        changes = self._changes.setdefault(message.room, {})
        changes.pop(was.rev, None)
        changes[message.rev] = message
        self._revs[message.room] = message.rev
        self._drop_evidence(message.room, message.seq)
        if before:
            self._evidence[message.room, message.seq] = before
            self._bytes += weight(before.message)

    def _disown(self, room: str, seq: int) -> None:
        assert self._lock.locked()
        kept = self._rooms.get(room, EMPTY)
        index = place(kept, seq)
        if index == len(kept) or kept[index][0].seq != seq:  # dropped by now
            return
        was, size = kept[index]
        if was.cmid:
            del self._cmids[cmid_of(was)]
        left = was._replace(user_id="", cmid="")
        kept[index] = left, weight(left)
        self._bytes += weight(left) - size
        self._changes[room][left.rev] = left

    def hold(self, held: Held) -> None:
        """Kept as long as the process."""
        with self._lock:
            self._demand_open()
            kept = self._held.setdefault(held.room, {})
            key = held.user_id, held.cmid
            if held.cmid and key in {(other.user_id, other.cmid) for other in kept.values()}:
                raise CmidTaken(self.name)
            if self._held_bytes + held_weight(held) > self._limit_bytes // 8:
                cause = "too much waits for approval"
                raise HistoryUnavailable(self.name, cause, "approve or refuse some of it")
            if held.file and not self._files.hold(held):
                raise not_free(self.name, id_in(held.file))
            kept[held.id] = held
            self._held_bytes += held_weight(held)

    def settle(self, held: Held, message: Message | None, entry: LogEntry | None) -> None:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            self._demand_held(held)
            if message:
                self._append([message])
            self._drop_held(held)
            self._note(held.room, entry)

    def held(self, room: str) -> list[Held]:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            return list(self._held.get(room, {}).values())

    def held_before(self, moment: int, limit: int) -> list[Held]:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            everywhere = (held for kept in self._held.values() for held in kept.values())
            return list(islice((held for held in everywhere if held.held_at < moment), limit))

    def enact(
        self, room: str, charter: str, entry: LogEntry | None, effects: Effects = NO_EFFECTS
    ) -> None:
        """Kept as long as the process."""
        with self._lock:
            self._demand_open()
            for held in effects.refused:
                self._demand_held(held)
            changes = effects.changes
            places = [self._place_of(message) for message, _ in changes]
            for (message, before), index in zip(changes, places, strict=True):
                self._rewrite(message, before, index)
            for seq in effects.erased:
                self._drop_evidence(room, seq)
            for seq in effects.disowned:
                self._disown(room, seq)
            for held in effects.refused:
                self._drop_held(held)
            self._make_room()
            self._keep_charter(room, charter)
            if effects.house is not None:
                self._keep_charter("", effects.house)
            self._note(room, entry)

    def add_file(self, file: StoredFile, most: int = MAX_SIZE) -> bool:
        """Known as long as the process."""
        with self._lock:
            self._demand_open()
            if self._files.total() + file.size > most:
                return False
            self._files.add(file)
            return True

    def complete_file(self, file: StoredFile) -> None:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            if not self._files.complete(file):
                raise not_free(self.name, file.id)

    def file(self, id: str) -> StoredFile | None:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            return self._files.get(id, self._message_at, self._is_held)

    def lost_files(self, uploaded_before: int, limit: int) -> list[str]:
        """As the interface says; also of messages that were evicted."""
        with self._lock:
            self._demand_open()
            lost = self._files.lost(
                uploaded_before, self._message_at, self._is_held, self._evidence
            )
            return list(islice(lost, limit))

    def drop_files(self, ids: Sequence[str]) -> int:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            return self._files.drop(ids)

    def files_of(self, user_id: str) -> list[StoredFile]:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            found = (
                self._files.get(id, self._message_at, self._is_held)
                for id in self._files.of(user_id)
            )
            return [file for file in found if file]

    def disown_files(self, room: str, user_id: str) -> None:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            self._files.disown(room, user_id)

    def files_bytes(self) -> int:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            return self._files.total()

    def _message_at(self, room: str, seq: int) -> Message | None:
        assert self._lock.locked()
        kept = self._rooms.get(room, EMPTY)
        index = place(kept, seq)
        found = kept[index][0] if index < len(kept) else None
        return found if found and found.seq == seq else None

    def _is_held(self, room: str, id: str) -> bool:
        assert self._lock.locked()
        return id in self._held.get(room, {})

    def react(self, clicks: Sequence[Click]) -> list[bool]:
        """Kept as long as the process."""
        with self._lock:
            self._demand_open()
            if self._reactions.is_full and any(click.on for click in clicks):
                cause = "it has too many reactions"
                raise HistoryUnavailable(self.name, cause, "take some back, or use SQLite")
            are_there = [self._is_said(click) for click in clicks]
            for click, is_there in zip(clicks, are_there, strict=True):
                if is_there:
                    self._reactions.note(click)
            return are_there

    def _is_said(self, click: Click) -> bool:
        message = self._message_at(click.room, click.id.seq)
        return message is not None and message.nonce == click.id.nonce and not message.removed

    def reacted(
        self, room: str, span: Span = EVERYTHING, *, people: int = 0, user_id: str = ""
    ) -> list[Reacted]:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            return self._reactions.within(room, span, people, user_id)

    def reacted_in_order(
        self, room: str, place: Place, last: int, *, people: int = 0
    ) -> list[Reacted]:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            return self._reactions.in_order(room, place, last, people)

    def last_mark(self, room: str) -> int:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            return self._reactions.last_mark(room)

    def who_reacted(self, room: str) -> list[Person]:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            return self._reactions.who(room)

    def reactions_of(self, room: str, user_id: str) -> list[tuple[MessageId, str]]:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            return list(self._reactions.of(room, user_id))

    def forget_reactions(self, room: str, user_id: str) -> int:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            return self._reactions.forget(room, user_id)

    def charter(self, room: str) -> str:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            return self._charters.get(room, "")

    def charters(self) -> dict[str, str]:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            return dict(self._charters)

    def decided(self) -> list[str]:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            return list(self._charters)

    def host_log(self, room: str) -> list[LogEntry]:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            return list(self._log.get(room, ()))

    def written_by(self, room: str, user_id: str, after: int) -> list[Message]:
        """Of the messages that are still kept."""
        with self._lock:
            self._demand_open()
            kept = self._rooms.get(room, EMPTY)
            theirs = (message for message, _ in kept if message.user_id == user_id)
            return take((it for it in theirs if it.seq > after), PAGE_LENGTH, PAGE_BYTES)

    def forget_in_log(self, room: str, user_id: str, stranger: str) -> None:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            if room in self._log:
                log = self._log[room]
                self._log[room] = deque(entry.without(user_id, stranger) for entry in log)

    def erase(self, removed_before: int, step: int, noted_before: int = 0) -> int:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            old = [
                evidence.message
                for evidence in self._evidence.values()
                if evidence.removed_at < removed_before
            ]
            for message in old[:step]:
                self._drop_evidence(message.room, message.seq)
            erased = len(old[:step])
            return erased + self._drop_old_log(noted_before, step - erased)

    def clean(self, *, takes_its_time: bool = False) -> None:
        """Nothing of it is in any file."""

    def probe(self) -> None:
        """Memory always works while it is open."""
        with self._lock:
            self._demand_open()

    def head(self, room: str) -> MessageId:
        """The last id, even of an evicted message."""
        with self._lock:
            self._demand_open()
            seq, nonce, _sent_at = self._heads.get(room, NO_HEAD)
            return MessageId(seq, nonce)

    def tail(self, room: str, limit: int, max_bytes: int) -> list[Message]:
        """The last messages that are still kept."""
        return self.before(room, sys.maxsize, limit, max_bytes)

    def before(self, room: str, seq: int, limit: int, max_bytes: int) -> list[Message]:
        """The last messages below ``seq`` that are still kept."""
        with self._lock:
            self._demand_open()
            kept = self._rooms.get(room, EMPTY)
            wanted = (kept[index][0] for index in range(place(kept, seq) - 1, -1, -1))
            return take(wanted, limit, max_bytes)[::-1]

    def pages(self, room: str, after: int, upto: int) -> Iterator[list[Message]]:
        """The messages that are still kept when their page's turn comes."""
        while page := self._page(room, after, upto):
            yield page
            after = page[-1].seq

    def first(self, room: str) -> int:
        """0 also if all of the room's messages are evicted, though its head isn't."""
        with self._lock:
            self._demand_open()
            return self._first(room)

    def has(self, room: str, seq: int, nonce: str) -> bool:
        """Whether this message is still kept."""
        with self._lock:
            self._demand_open()
            kept = self._rooms.get(room, EMPTY)
            index = place(kept, seq)
            if index == len(kept):
                return False
            message, _ = kept[index]
            return (message.seq, message.nonce) == (seq, nonce)

    def rev(self, room: str) -> int:
        """Also of a room whose messages are all evicted."""
        with self._lock:
            self._demand_open()
            return self._revs.get(room, 0)

    def changes(self, room: str, after: int) -> list[Message]:
        """Of the messages that are still kept."""
        with self._lock:
            self._demand_open()
            changes = self._changes.get(room, {})
            newest_first = takewhile(lambda m: m.rev > after, reversed(changes.values()))
            return take(list(newest_first)[::-1], PAGE_LENGTH, PAGE_BYTES)

    def evidence(self, room: str, seq: int) -> Evidence | None:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            return self._evidence.get((room, seq))

    def kept_evidence(self, room: str, upto: int, limit: int) -> list[int]:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            seqs = (seq for its, seq in self._evidence if its == room and seq <= upto)
            return sorted(seqs, reverse=True)[:limit]

    def taken_at(
        self, room: str, removed_at: int, upto: int, limit: int, max_bytes: int
    ) -> list[Message]:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            seqs = [
                seq
                for (its, seq), evidence in self._evidence.items()
                if evidence.removed_at == removed_at and seq <= upto and its == room
            ]
            newest = sorted(seqs, reverse=True)[:limit]
            found = (self._evidence[room, seq].message._replace(rev=0) for seq in newest)
            return take(found, limit, max_bytes)

    def find(self, room: str, user_id: str, cmid: str) -> Message | None:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            return self._cmids.get((room, user_id, cmid))

    def search(self, room: str, text: str, before: int, limit: int) -> list[Message]:
        """Scans back through the room, a page at a time, so that nobody waits for all of it."""
        hunt = Hunt(self.name, text, limit)
        hunt.through(self._pages_back(room, before))
        return hunt.found()

    def rooms(self) -> list[RoomSummary]:
        """As the interface says; includes rooms whose messages are all evicted."""
        with self._lock:
            self._demand_open()
            heads = sorted(self._heads.items())
            return [RoomSummary(name, self._first(name), *head) for name, head in heads]

    def deleted(self) -> dict[str, bytes]:
        """As the interface says."""
        with self._lock:
            self._demand_open()
            return by_mark(self._deleted)

    def secret(self) -> bytes:
        """Created with the history, and gone with it."""
        with self._lock:
            self._demand_open()
            return self._secret

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._is_open = False
            self._rooms.clear()
            self._heads.clear()
            self._cmids.clear()
            self._changes.clear()
            self._revs.clear()
            self._evidence.clear()
            self._held.clear()
            self._held_bytes = 0
            self._charters.clear()
            self._log.clear()
            self._files.clear()
            self._reactions.clear()
            self._arrivals.clear()
            self._bytes = 0

    def _pages_back(self, room: str, before: int) -> Iterator[list[Message]]:
        """The room's messages below ``before``, newest first."""
        while page := self.before(room, before, PAGE_LENGTH, PAGE_BYTES):
            yield page[::-1]
            before = page[0].seq

    def _page(self, room: str, after: int, upto: int) -> list[Message]:
        with self._lock:
            self._demand_open()
            kept = self._rooms.get(room, EMPTY)
            start, end = place(kept, after + 1), place(kept, upto + 1)
            wanted = (kept[index][0] for index in range(start, end))
            return take(wanted, PAGE_LENGTH, PAGE_BYTES)

    def _heads_after(self, messages: Sequence[Message]) -> dict[str, Head]:
        """The heads after these messages; refuses all of them if a seq goes back."""
        assert self._lock.locked()
        heads: dict[str, Head] = {}
        for message in messages:
            seq, *_ = heads.get(message.room) or self._heads.get(message.room, NO_HEAD)
            if message.seq <= seq:
                cause = f"message {message.seq} of room {message.room!r} isn't after {seq}"
                raise HistoryUnavailable(self.name, cause, "number it by head() and append again")
            heads[message.room] = message.seq, message.nonce, message.sent_at
        return heads

    def _cmids_of(self, messages: Sequence[Message]) -> dict[Cmid, Message]:
        """The messages by cmid; refuses all of them if a cmid is taken."""
        assert self._lock.locked()
        cmids: dict[Cmid, Message] = {}
        for message in messages:
            if not message.cmid:
                continue
            cmid = cmid_of(message)
            if cmid in self._cmids or cmid in cmids:
                raise CmidTaken(self.name)
            cmids[cmid] = message
        return cmids

    def _first(self, room: str) -> int:
        assert self._lock.locked()
        kept = self._rooms.get(room)
        return kept[0][0].seq if kept else 0

    def _append(self, messages: Sequence[Message]) -> None:
        self._demand_open()
        heads = self._heads_after(messages)
        cmids = self._cmids_of(messages)
        for message in messages:
            if message.file and not self._files.is_free(message):
                raise not_free(self.name, id_in(message.file))
        for message in messages:
            self._keep(message)
            if message.file:
                self._files.claim(message)
        self._heads.update(heads)
        self._cmids.update(cmids)
        self._make_room()

    def _demand_held(self, held: Held) -> None:
        if held.id not in self._held.get(held.room, {}):
            raise not_held(self.name, held)

    def _drop_held(self, held: Held) -> None:
        del self._held[held.room][held.id]
        self._held_bytes -= held_weight(held)

    def _note(self, room: str, entry: LogEntry | None) -> None:
        if entry:
            kept = self._log.setdefault(room, deque())
            kept.appendleft(entry)
            if one_too_many := surplus(kept, entry):
                kept.remove(one_too_many)
            self._drop_old_log(entry.at - KEEP_MS, sys.maxsize)

    def _drop_old_log(self, before: int, most: int) -> int:
        dropped = 0
        for log in self._log.values():
            while dropped < most and log and log[-1].at < before:
                log.pop()
                dropped += 1
        return dropped

    def _keep(self, message: Message) -> None:
        size = weight(message)
        self._rooms.setdefault(message.room, deque()).append((message, size))
        self._arrivals.add(message.room)
        self._bytes += size

    def _keep_charter(self, room: str, charter: str) -> None:
        assert self._lock.locked()
        if charter:
            self._charters[room] = charter
        else:
            self._charters.pop(room, None)

    def _forget_oldest(self, room: str) -> None:
        kept = self._rooms[room]
        message, size = kept.popleft()
        if message.cmid:
            del self._cmids[cmid_of(message)]
        if message.rev:
            del self._changes[room][message.rev]
        self._drop_evidence(room, message.seq)
        self._reactions.drop(room, message.seq)
        if not kept:
            del self._rooms[room]
            self._changes.pop(room, None)
        self._bytes -= size

    def _make_room(self) -> None:
        while self._bytes > self._limit_bytes:
            self._forget_oldest(self._arrivals.pop())

    def _drop_evidence(self, room: str, seq: int) -> None:
        evidence = self._evidence.pop((room, seq), None)
        if evidence:
            self._bytes -= weight(evidence.message)

    def _demand_open(self) -> None:
        assert self._lock.locked()
        if not self._is_open:
            raise HistoryUnavailable(self.name, "it isn't open", "start the program again")


def weight(message: Message) -> int:
    """The bytes that it takes."""
    size = OBJECT_BYTES + sum(map(getsizeof, (message.user_name, message.body, message.timestamp)))
    if message.reply_to:
        size += getsizeof(message.reply_to)
    if message.cmid:
        size += CMID_BYTES + getsizeof(message.user_id) + getsizeof(message.cmid)
    if message.file:
        size += getsizeof(message.file)
    return size


def held_weight(held: Held) -> int:
    """The characters that it has."""
    return sum(map(len, (held.user_name, held.body, held.timestamp, held.file)))


def place(kept: Sequence[Kept], seq: int) -> int:
    """The index of the first message whose seq isn't below ``seq``."""
    return bisect_left(kept, seq, key=lambda pair: pair[0].seq)


def cmid_of(message: Message) -> Cmid:
    """The key that the message is found by."""
    return message.room, message.user_id, message.cmid
