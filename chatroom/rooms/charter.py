"""What a room has decided about itself: who is in charge, who may speak, and who may not.

A ``Charter`` is a value: each act of a host makes another one, which is committed whole before
anybody hears of it. So every store keeps it alike, as a text, and a kill leaves the last one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from chatroom.history.shared import Version
from chatroom.names import keys
from chatroom.rooms.last_said import LastSaid
from chatroom.rooms.ranks import Rank
from chatroom.rooms.whereabouts import Whereabouts
from chatroom.users.proof import Proof
from chatroom.users.speaker import Speaker
from chatroom.wire.message_json import iso_time

T = TypeVar("T")

NEVER = 0
"""Instead of a time: something goes on until it is undone."""

MOST_HOSTS = 100
MOST_LINKS = 100
MOST_KEYS = 100
MOST_QUIET = 1000
MOST_BARRED = 1000
MOST_WATCHED = 100
MOST_SWEEPS = 20
"""Of each in a room: a charter stays small."""


class Speak(Enum):
    """Who may speak in a room."""

    EVERYBODY = "everybody"
    SLOW = "slow"
    """Everybody, but some time apart."""
    APPROVAL = "approval"
    """Everybody, but a host has to approve it before the others read it."""
    HOSTS = "hosts"


class Unchecked(Enum):
    """What those may do whose names nobody has checked: plain clients, scripts without a key."""

    SPEAK = "speak"
    HELD = "held"
    """A host has to approve what they say."""
    NO = "no"
    """They may listen."""


class FilesFrom(Enum):
    """Who may send pictures and files, of those who may speak."""

    EVERYBODY = "everybody"
    HOSTS = "hosts"
    NOBODY = "nobody"


class Door(Enum):
    """Who may come in."""

    OPEN = "open"
    """Everybody, unless the whole server asks for a password."""
    CODE = "code"
    """Whoever knows the code, or was in before."""
    SHUT = "shut"
    """Whoever was in before."""


class Key(NamedTuple):
    """What a script has to come in with."""

    name: str
    """Its messages have it."""
    may_say: bool
    """Otherwise it is for reading only."""
    user_id: str
    """The script's: it can be a host."""


class Host(NamedTuple):
    """Somebody in charge."""

    name: str
    """What they were called then."""
    rank: Rank


class Ban(NamedTuple):
    """Somebody who may not do something for a while."""

    name: str
    """What they were called then."""
    until: int
    """Unix time in milliseconds, or ``NEVER``."""

    def holds(self, now: int) -> bool:
        """Whether it is not over yet."""
        return self.until == NEVER or now < self.until

    @property
    def ends(self) -> str:
        """When, as clients read it; empty if only somebody can end it."""
        return "" if self.until == NEVER else iso_time(self.until)

    def seconds_left(self, now: int) -> int | None:
        """How many until then; None if only somebody can end it."""
        return None if self.until == NEVER else max(1, -(-(self.until - now) // 1000))


class WatchedAddress(NamedTuple):
    """An address from which somebody was removed, for a while."""

    user_id: str
    name: str
    """Whose it was, and what they were called then."""
    since: int
    """When they were removed: Unix time in milliseconds."""
    until: int
    """Likewise, until when whoever is new there has to knock."""


class RoomLink(NamedTuple):
    """A link that makes whoever opens it a host, or lets them in."""

    until: int
    """Unix time in milliseconds."""
    uses: int
    """How often it can still be used; once used up, it is kept for those who reload."""
    by: str
    """The user id of whoever made it."""
    is_for_guests: bool = False
    """It only opens the door."""

    def is_good(self, now: int, coming: int = 0) -> bool:
        """Whether one more can use it, besides those who are ``coming`` by it."""
        return self.uses > coming and now < self.until


class Sweep(NamedTuple):
    """What is left to do of an act that removes, erases or restores many messages."""

    erases: bool
    """The evidence of what was removed; otherwise it removes."""
    user_id: str
    """Whose messages; empty for everybody's."""
    after: int
    """The seq of a message: this one and those before stay."""
    upto: int
    """The seq of a message: those after it stay, or are done."""
    done: int = 0
    """How many are done."""
    act: str = ""
    """What began it, by whom and about whom: see ``LogEntry``."""
    by_id: str = ""
    by_name: str = ""
    whom_id: str = ""
    whom_name: str = ""
    began: int = 0
    """When: all that it removes was removed then, by its evidence. Unix time in milliseconds."""
    restores: int = 0
    """Then it brings back what was removed at this time, instead; 0: it does not."""
    but: tuple[str, ...] = ()
    """The user ids of those whose messages stay removed nevertheless."""
    wipes: bool = False
    """Then it removes without evidence, and erases what evidence there is."""


@dataclass(frozen=True)
class Charter:
    """Whole when made, never changed after."""

    hosts: Mapping[str, Host] = field(default_factory=dict)
    """By user id, like the next two."""
    quiet: Mapping[str, Ban] = field(default_factory=dict)
    """Who may read, but not speak."""
    barred: Mapping[str, Ban] = field(default_factory=dict)
    """Who may not come in."""
    links: Mapping[str, RoomLink] = field(default_factory=dict)
    """By the hash of their secret, which only the link itself has."""
    speak: Speak = Speak.EVERYBODY
    slow_seconds: int = 0
    """Between two messages of one person, if ``speak`` is ``SLOW``."""
    needs_host: bool = False
    """Nobody else may speak while no host is here."""
    door: Door = Door.OPEN
    listed: bool = True
    """Its name is in lists, and others hear that there is news."""
    code: str = ""
    """That opens the door, if the server has made it up: hosts can see it."""
    code_hash: str = ""
    """Of one that a host has made up; then there is no ``code``."""
    epoch: int = 0
    """Everybody was shown out so many times: no pass from before is any good."""
    keys: Mapping[str, Key] = field(default_factory=dict)
    """By the hash of their secret, which only the script has."""
    unchecked: Unchecked = Unchecked.SPEAK
    files: FilesFrom = FilesFrom.EVERYBODY
    watched: Mapping[str, WatchedAddress] = field(default_factory=dict)
    """By ``Whereabouts.key``."""
    sweeps: tuple[Sweep, ...] = ()
    """What is left to do, in order."""
    reactions: bool = True
    """People may react to messages."""

    @classmethod
    def parse(cls, text: str) -> Charter:
        """The charter that ``to_json`` wrote; ``""`` stands for a room that decided nothing.

        Raises:
            ValueError: the text is not a charter.
        """
        if not text:
            return NO_CHARTER
        try:
            return cls._of(json.loads(text))
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"not a charter: {error!r}") from error

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Charter:
        def each(key: str, one: Callable[..., T]) -> dict[str, T]:
            return {id: one(*parts) for id, parts in fields.get(key, {}).items()}

        return cls(
            hosts=each("hosts", lambda name, rank: Host(_is(str, name), Rank.named(rank))),
            quiet=each("quiet", _ban),
            barred=each("barred", _ban),
            links=each(
                "links",
                lambda until, uses, by, guests=False: RoomLink(
                    _is(int, until), _is(int, uses), _is(str, by), _is(bool, guests)
                ),
            ),
            speak=Speak(fields.get("speak", Speak.EVERYBODY.value)),
            slow_seconds=_is(int, fields.get("slowSeconds", 0)),
            needs_host=_is(bool, fields.get("needsHost", False)),
            door=Door(fields.get("door", Door.OPEN.value)),
            listed=_is(bool, fields.get("listed", True)),
            code=_is(str, fields.get("code", "")),
            code_hash=_is(str, fields.get("codeHash", "")),
            epoch=_is(int, fields.get("epoch", 0)),
            keys=each(
                "keys",
                lambda name, say, user_id: Key(_is(str, name), _is(bool, say), _is(str, user_id)),
            ),
            unchecked=Unchecked(fields.get("unchecked", Unchecked.SPEAK.value)),
            files=FilesFrom(fields.get("files", FilesFrom.EVERYBODY.value)),
            watched=each("watched", _watched),
            sweeps=tuple(_sweep(*parts) for parts in fields.get("sweeps", ())),
            reactions=_is(bool, fields.get("reactions", True)),
        )

    def to_json(self) -> str:
        """The charter as a store keeps it; ``""`` if it decides nothing."""
        if self == NO_CHARTER:
            return ""
        hosts = {user_id: (name, rank.word) for user_id, (name, rank) in self.hosts.items()}
        fields: dict[str, object] = {
            "hosts": hosts,
            "quiet": self.quiet,
            "barred": self.barred,
            "links": self.links,
            "speak": self.speak.value,
            "slowSeconds": self.slow_seconds,
            "needsHost": self.needs_host,
            "door": self.door.value,
            "listed": self.listed,
            "code": self.code,
            "codeHash": self.code_hash,
            "epoch": self.epoch,
            "keys": self.keys,
        }
        rare: dict[str, object] = {
            # As before people could have theirs erased, where that is all: others may read it.
            "sweeps": [sweep if sweep.wipes else sweep[:-1] for sweep in self.sweeps],
            "watched": self.watched,
        }
        fields |= self._rare_rules | {key: value for key, value in rare.items() if value}
        return json.dumps(fields, ensure_ascii=False)

    def rank_of(self, user_id: str) -> Rank:
        """What somebody is here."""
        host = self.hosts.get(user_id)
        return host.rank if host else Rank.EVERYONE

    def name_of(self, user_id: str) -> str:
        """What a host was called; empty for everyone else."""
        host = self.hosts.get(user_id)
        return host.name if host else ""

    def keeps_from(self, user_id: str, name: str) -> bool:
        """Whether somebody may not have a name, since it looks like a host's, who may be away."""
        owners = (self._owners.get(key) for key in keys(name))
        return any(user_id not in theirs for theirs in owners if theirs)

    @cached_property
    def _owners(self) -> dict[str, set[str]]:
        """The user ids of hosts, by the keys of their names.

        Nobody has theirs kept who has only made the room: it may be a script, which is somebody
        else each time that it is started.
        """
        owners: dict[str, set[str]] = {}
        ranks = [host.rank for host in self.hosts.values()]
        if ranks == [Rank.MAKER] and replace(self, hosts={}) == NO_CHARTER:
            return owners
        for user_id, host in self.hosts.items():
            for key in keys(host.name):
                owners.setdefault(key, set()).add(user_id)
        return owners

    def is_quiet(self, user_id: str, now: int) -> bool:
        """Whether somebody may not speak."""
        ban = self.quiet.get(user_id)
        return ban is not None and ban.holds(now)

    def is_barred(self, user_id: str, now: int) -> bool:
        """Whether somebody may not come in."""
        ban = self.barred.get(user_id)
        return ban is not None and ban.holds(now)

    def good_link(self, key: str, house: Charter, now: int, coming: int = 0) -> RoomLink | None:
        """The link, if one more can use it, see ``RoomLink``: as long as whoever has made it is in
        charge here, or of the whole server, and not removed from there.

        Args:
            key: of the link: see ``links``.
            house: the whole server's charter.
        """
        link = self.links.get(key)
        if link is None or not link.is_good(now, coming):
            return None
        # Nobody: the operator, without a socket.
        is_hosts = not link.by or max(self.rank_of(link.by), house.rank_of(link.by)).is_host
        return link if is_hosts and not house.is_barred(link.by, now) else None

    def at(self, now: int) -> Charter:
        """Without what is over by then."""
        return replace(
            self,
            quiet=_lasting(self.quiet, now),
            barred=_lasting(self.barred, now),
            links={key: link for key, link in self.links.items() if now < link.until},
            watched={key: it for key, it in self.watched.items() if now < it.until},
        )

    @property
    def lets_all_speak(self) -> bool:
        """Nobody has to be looked at."""
        is_free = self.speak is Speak.EVERYBODY and not self.needs_host
        is_free = is_free and self.unchecked is Unchecked.SPEAK
        return is_free and not (self.quiet or self.barred or self.watched)

    @property
    def rules(self) -> dict[str, object]:
        """What everybody in the room is told of it."""
        told: dict[str, object] = {
            "speak": self.speak.value,
            "slowSeconds": self.slow_seconds,
            "needsHost": self.needs_host,
            "door": self.door.value,
            "listed": self.listed,
        }
        return told | self._rare_rules

    @property
    def _rare_rules(self) -> dict[str, object]:
        """Those that most rooms do not have."""
        told: dict[str, object] = {}
        if self.unchecked is not Unchecked.SPEAK:
            told["unchecked"] = self.unchecked.value
        if self.files is not FilesFrom.EVERYBODY:
            told["files"] = self.files.value
        if not self.reactions:
            told["reactions"] = False
        return told

    @cached_property
    def scripts(self) -> frozenset[str]:
        """The user ids of those who have a key."""
        return frozenset(key.user_id for key in self.keys.values())


NO_CHARTER = Charter()


@dataclass
class House:
    """What holds in all rooms. Owned by the Server thread."""

    charter: Charter = NO_CHARTER
    """The operators."""
    last_said: LastSaid = field(default_factory=LastSaid)
    host_seen_at: dict[str, int] = field(default_factory=dict)
    """By room, when the last of its hosts has gone, if that is not long ago: Unix milliseconds."""
    began_at: int = 0
    """When the process began: Unix milliseconds."""
    whereabouts: Whereabouts = field(default_factory=Whereabouts)
    decided: int = 0
    """See ``Version``, which matters where several processes decide; like the next one."""
    logged: int = 0
    is_deciding: bool = False
    """An act is on its way to the history."""

    @property
    def version(self) -> Version:
        """How far this process knows it."""
        return Version(decided=self.decided, logged=self.logged)

    def rank_by(self, operator_link: str) -> Rank:
        """What somebody is who has an operator's link, by its nonce: nothing any more once the
        link has made somebody an operator."""
        is_good = operator_link and operator_link not in self.charter.links
        return Rank.OPERATOR if is_good else Rank.EVERYONE

    def has_met(self, user_id: str, proof: Proof, room: str, charter: Charter) -> bool:
        """Whether somebody, whose token is good, has been in a room with this charter, or has a key
        of it; the token alone may be of any room."""
        if not user_id or proof.epoch == charter.epoch or proof.key in charter.keys:
            return bool(user_id)
        return self.whereabouts.knows(room, user_id)

    def ranks(self, charter: Charter, speaker: Speaker) -> Callable[[str], Rank]:
        """What each person is in a room with this charter, by user id; the speaker, if it has
        none, by ``""``."""

        def rank_of(user_id: str) -> Rank:
            if not user_id:
                return self.rank_by(speaker.operator_link)
            return max(charter.rank_of(user_id), self.charter.rank_of(user_id))

        return rank_of


def _ban(name: object, until: object) -> Ban:
    return Ban(_is(str, name), _is(int, until))


def _watched(user_id: object, name: object, since: object, until: object) -> WatchedAddress:
    return WatchedAddress(_is(str, user_id), _is(str, name), _is(int, since), _is(int, until))


def _sweep(*parts: object) -> Sweep:
    kinds = (bool, str, int, int, int, str, str, str, str, str, int, int, list, bool)
    # 10 before what was removed could be restored, 13 before people could have theirs erased
    if len(parts) not in (10, 13, len(kinds)):
        raise ValueError(f"not a charter: a sweep of {len(parts)} parts")
    sweep = Sweep(*map(_is, kinds, parts))
    return sweep._replace(but=tuple(_is(str, user_id) for user_id in sweep.but))


def _is(kind: type[T], value: object) -> T:
    if type(value) is not kind:  # type(), not isinstance(): True is no number
        raise ValueError(f"not a charter: {value!r} where {kind.__name__} is wanted")
    return value


def _lasting(bans: Mapping[str, Ban], now: int) -> dict[str, Ban]:
    return {user_id: ban for user_id, ban in bans.items() if ban.holds(now)}
