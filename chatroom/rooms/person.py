"""What the server knows of somebody, by user id: told, and erased.

Empty messages stay, which are nobody's, and the acts of hosts, by or about a stranger. The id
itself stays only where hosts have decided something about it that still holds.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from chatroom.files.stored import DISOWNED, Claim, StoredFile, carried
from chatroom.history import History
from chatroom.history.host_log import LogEntry
from chatroom.message import Evidence, Message
from chatroom.rooms.charter import Ban, Charter, Sweep
from chatroom.rooms.doors import charter_of
from chatroom.rooms.sweeping import next_step
from chatroom.users.tokens import new_identity
from chatroom.wire.message_json import held_fields, iso_time, to_json


@dataclass
class Person:
    """Somebody of whom a history knows more than an id."""

    user_id: str
    name: str = ""
    """The last one, as far as that is known."""
    messages: int = 0
    """That are not removed, in all rooms."""
    rooms: dict[str, None] = field(default_factory=dict)
    """Where there is anything of them."""
    named_at: int = -1
    """Since when the name is known: Unix time in milliseconds."""

    def note(self, room: str, name: str = "", at: int = 0) -> None:
        """There is something of them in the room, "" for the whole server, under this name."""
        if room:
            self.rooms[room] = None
        if name and at >= self.named_at:
            self.name, self.named_at = name, at


def rooms_of(history: History, user_id: str = "") -> list[str]:
    """Every room of which anything is stored, and "" for what the whole server has decided.

    Args:
        user_id: of somebody; then also rooms to which this person has only uploaded something.
    """
    filled = (file.room for file in history.files_of(user_id)) if user_id else ()
    said = (one.name for one in history.rooms())
    waiting = (held.room for held in history.held_before(FOREVER, FOREVER))
    return sorted({"", *said, *history.decided(), *waiting, *filled})


FOREVER = (1 << 63) - 1
"""Later than every time, and more than there is of anything."""


def everybody(history: History) -> list[Person]:
    """All of whom the history knows more than an id, by what they have written, most first.

    Reads all messages.
    """
    people: dict[str, Person] = {}

    def note(user_id: str, room: str, name: str, at: int) -> Person:
        person = people.setdefault(user_id, Person(user_id))
        person.note(room, name, at)
        return person

    for room in rooms_of(history):
        for page in history.pages(room, 0, FOREVER):
            for message in page:
                if message.user_id and not message.removed:
                    who = note(message.user_id, room, message.user_name, message.sent_at)
                    who.messages += 1
        for was, at in _evidence_in(history, room):
            if was.user_id:
                note(was.user_id, room, was.user_name, min(was.sent_at, at))
        for held in history.held(room):
            if held.user_id:
                note(held.user_id, room, held.user_name, held.held_at)
        for user_id, name in (*_named_in(charter_of(history, room)), *history.who_reacted(room)):
            note(user_id, room, name, 0)
        for entry in history.host_log(room):
            for user_id, name in ((entry.by_id, entry.by_name), (entry.whom_id, entry.whom_name)):
                if user_id and name:
                    note(user_id, room, name, entry.at)
    return sorted(people.values(), key=lambda who: (-who.messages, who.name, who.user_id))


def told(history: History, user_id: str) -> Iterator[str]:
    """Everything that the history has of a person, as a line of JSON, a piece at a time: never all
    of a long life at once."""
    yield f'{{"userId":{json.dumps(user_id)},"messages":['
    rooms = rooms_of(history, user_id)
    yield from _separated(
        to_json(message) for message in _written(history, rooms, user_id) if not message.removed
    )
    yield '],"removed":['
    yield from _separated(
        _removed_json(history, message, kept)
        for room in rooms
        for kept in [_kept_in(history, room)]
        for message in _written(history, [room], user_id)
        if message.removed
    )
    waiting = [
        {"room": room, **held_fields(held)}
        for room in rooms
        for held in history.held(room)
        if held.user_id == user_id
    ]
    yield f'],"held":{_encoded(waiting)}'
    files = [_file(file) for file in history.files_of(user_id) if file.is_whole]
    yield f',"files":{_encoded(files)}'
    roles = [
        {"room": room, **role}
        for room in rooms
        if (role := _role(charter_of(history, room), user_id))
    ]
    yield f',"rooms":{_encoded(roles)}'
    log = [
        {"room": room, **_entry(entry, user_id)}
        for room in rooms
        for entry in history.host_log(room)
        if user_id in (entry.by_id, entry.whom_id)
    ]
    yield f',"hostLog":{_encoded(log)}'
    reactions = [
        {"room": room, "id": str(id), "kind": kind}
        for room in rooms
        for id, kind in history.reactions_of(room, user_id)
    ]
    yield f',"reactions":{_encoded(reactions)}}}'


def is_known_in(history: History, room: str, user_id: str) -> bool:
    """Whether there is anything of a person in the room that can be erased."""
    if any(_written(history, [room], user_id)):
        return True
    charter = charter_of(history, room)
    return (
        any(held.user_id == user_id for held in history.held(room))
        or any(_is_unused(file, room) for file in history.files_of(user_id))
        or history.reactions_of(room, user_id) != []
        or forgotten(charter, user_id, "") != charter
        or any(user_id in (entry.by_id, entry.whom_id) for entry in history.host_log(room))
    )


def erase(history: History, user_id: str) -> None:
    """Erase what ``is_known_in`` finds, in all rooms, for the owner of a history that nobody else
    uses meanwhile. If it is interrupted, do it again.

    Raises:
        HistoryUnavailable: not all of it is erased.
    """
    stranger = new_identity().user_id
    for room in rooms_of(history, user_id):
        if not is_known_in(history, room, user_id):
            continue
        history.forget_in_log(room, user_id, stranger)
        history.disown_files(room, user_id)
        history.forget_reactions(room, user_id)
        charter = forgotten(charter_of(history, room), user_id, stranger)
        others = [it for it in charter.sweeps if not (it.wipes and it.user_id == user_id)]
        kept = replace(charter, sweeps=tuple(others)).to_json()
        refused = [held for held in history.held(room) if held.user_id == user_id]
        sweep: Sweep | None = wiping(user_id, history.head(room).seq)
        while sweep:
            step = next_step(history, room, history.rev(room), sweep, 0)
            history.enact(room, kept, None, step.effects(refused=refused))
            sweep, refused = step.rest, []
    history.clean(takes_its_time=True)


def wiping(user_id: str, seq: int) -> Sweep:
    """What is to be done for all of a person's messages in a room to be gone.

    Args:
        seq: of the room's last message.
    """
    return Sweep(False, user_id, 0, seq, wipes=True)


def forgotten(charter: Charter, user_id: str, stranger: str) -> Charter:
    """The charter without somebody who is nobody there any more. What hosts have decided about
    them holds: it is about the id, and ends when it ends. Where they came from when they were
    removed is a keyed hash, and is kept for an hour at most, but not whose it is.

    Args:
        stranger: an id that nobody has. It has made the links that are used up, which stay for
            those who reload, and done what the host log will say once it is done.
    """

    def nameless(bans: Mapping[str, Ban]) -> dict[str, Ban]:
        return {id: ban._replace(name="") if id == user_id else ban for id, ban in bans.items()}

    return replace(
        charter,
        hosts={id: host for id, host in charter.hosts.items() if id != user_id},
        links={
            key: link._replace(by=stranger) if link.by == user_id else link
            for key, link in charter.links.items()
            if link.by != user_id or not link.uses
        },
        quiet=nameless(charter.quiet),
        barred=nameless(charter.barred),
        watched={
            key: it._replace(user_id="", name="") if it.user_id == user_id else it
            for key, it in charter.watched.items()
        },
        sweeps=tuple(_without(sweep, user_id, stranger) for sweep in charter.sweeps),
    )


def _without(sweep: Sweep, user_id: str, stranger: str) -> Sweep:
    if sweep.by_id == user_id:
        sweep = sweep._replace(by_id=stranger, by_name="")
    if sweep.whom_id == user_id:
        sweep = sweep._replace(whom_id=stranger, whom_name="")
    return sweep


def _written(history: History, rooms: Iterable[str], user_id: str) -> Iterator[Message]:
    for room in rooms:
        after = 0
        while page := history.written_by(room, user_id, after):
            yield from page
            after = page[-1].seq


def _kept_in(history: History, room: str) -> dict[int, None]:
    """The seqs of which evidence is kept, newest first: a question for each message that somebody
    has removed would be thousands, of each of which a database's answer takes its time."""
    kept: dict[int, None] = {}
    upto = FOREVER
    while seqs := history.kept_evidence(room, upto, 1000):
        kept |= dict.fromkeys(seqs)
        upto = seqs[-1] - 1
    return kept


def _evidence_in(history: History, room: str) -> Iterator[Evidence]:
    yield from filter(None, (history.evidence(room, seq) for seq in _kept_in(history, room)))


def _named_in(charter: Charter) -> Iterator[tuple[str, str]]:
    for user_id, host in charter.hosts.items():
        yield user_id, host.name
    for bans in (charter.quiet, charter.barred):
        for user_id, ban in bans.items():
            if ban.name:
                yield user_id, ban.name
    for watched in charter.watched.values():
        if watched.user_id:
            yield watched.user_id, watched.name


def _removed_json(history: History, message: Message, kept: Container[int]) -> str:
    fields: dict[str, object] = {"room": message.room, "id": message.id, "by": message.removed}
    fields["sentAt"] = iso_time(message.sent_at)
    evidence = history.evidence(message.room, message.seq) if message.seq in kept else None
    if evidence:
        was = evidence.message
        fields |= {"userName": was.user_name, "body": was.body, "timestamp": was.timestamp}
        fields["removedAt"] = iso_time(evidence.removed_at)
        if was.file:
            fields["file"] = carried(was.file)
    return _encoded(fields)


def _is_unused(file: StoredFile, room: str) -> bool:
    return file.room == room and file.claim is Claim.NOBODY and file.uploaded_at != DISOWNED


def _file(file: StoredFile) -> dict[str, object]:
    fields: dict[str, object] = {"room": file.room, **carried(file.to_json())}
    return fields | {"uploadedAt": iso_time(file.uploaded_at), "claim": file.claim.value}


def _role(charter: Charter, user_id: str) -> dict[str, object]:
    role: dict[str, object] = {}
    if host := charter.hosts.get(user_id):
        role["host"] = {"userName": host.name, "role": host.rank.word}
    for word, bans in (("quiet", charter.quiet), ("barred", charter.barred)):
        if ban := bans.get(user_id):
            role[word] = {"userName": ban.name, **({"until": ban.ends} if ban.ends else {})}
    if links := [link for link in charter.links.values() if link.by == user_id]:
        role["links"] = [{"until": iso_time(link.until), "uses": link.uses} for link in links]
    watched = [it for it in charter.watched.values() if it.user_id == user_id]
    if watched:
        role["addressesWatchedUntil"] = [iso_time(it.until) for it in watched]
    if names := [key.name for key in charter.keys.values() if key.user_id == user_id]:
        role["keys"] = names
    return role


def _entry(entry: LogEntry, user_id: str) -> dict[str, str]:
    """Of the act, the person's part: who else was in it is not theirs to know."""
    fields = {"at": iso_time(entry.at), "act": entry.act, "what": entry.what}
    if entry.by_id == user_id:
        fields["by"] = entry.by_name
    if entry.whom_id == user_id:
        fields["whom"] = entry.whom_name
    return {key: value for key, value in fields.items() if value or key in ("by", "whom")}


def _separated(pieces: Iterable[str]) -> Iterator[str]:
    begin = ""
    for piece in pieces:
        yield begin + piece
        begin = ","


def _encoded(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
