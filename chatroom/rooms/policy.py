"""What may be done: judged here, and nowhere else.

Every way into a room, every way to read it and every way to speak asks the ``Policy``, with what
is known of who asks and of the room. It is pure: it neither counts, waits nor remembers. Whoever
asks does what the answer says.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from chatroom.errors import Refusal
from chatroom.files.stored import Claim, StoredFile
from chatroom.message import Held, Message
from chatroom.names import DEFAULT_ROOM
from chatroom.rooms.approval import MOST_OF_ONE, ApprovalQueue
from chatroom.rooms.charter import (
    NEVER,
    NO_CHARTER,
    Ban,
    Charter,
    Door,
    FilesFrom,
    Speak,
    Unchecked,
    WatchedAddress,
)
from chatroom.rooms.ranks import Rank
from chatroom.users.proof import NOTHING, Proof
from chatroom.users.speaker import Speaker
from chatroom.wire.acts import (
    Act,
    Bar,
    Forget,
    Quiet,
    RevokeKey,
    UnmakeHost,
    UseLink,
    UseOperatorLink,
    Withdraw,
)
from chatroom.wire.typed import Alteration, Remove, Restore


class Visitor(NamedTuple):
    """Somebody who wants to come in, or to read."""

    address: str
    user_id: str = ""
    """Proved by a token; empty for nobody that the room knows."""
    rank: Rank = Rank.EVERYONE
    """What the visitor is in the room."""
    proof: Proof = NOTHING
    """What else the visitor has shown at the door."""


class Standing(NamedTuple):
    """Somebody in a room that does not let everybody speak at any time."""

    charter: Charter
    rank: Rank
    now: int
    """Unix time in milliseconds, as in the charter."""
    said_at: int = 0
    """When they last said something; 0 for long ago."""
    host_is_here: bool = True
    """Or was, not long ago."""
    house: Charter = NO_CHARTER
    """The whole server's charter."""
    watched: WatchedAddress | None = None
    """Somebody was removed from the same address, and the room does not know who this is."""


class Hold(Enum):
    """Neither yes nor no."""

    HOLD = "hold"
    """A host has to approve it first."""


HOLD = Hold.HOLD

ANYBODY = Visitor("")
"""Who has nothing to show: what goes to all alike is for those, too."""


class Place(NamedTuple):
    """The room that somebody wants to come into."""

    name: str
    exists: bool
    """It has messages, or somebody is in it."""
    others: int = 0
    """How many others there are, besides the lobby: counted if it does not exist."""
    is_paid: bool = True
    """The visitor's address has not created too many lately."""
    ban: Ban | None = None
    """The visitor was removed."""
    house_ban: Ban | None = None
    """Likewise, from the whole server."""
    now: int = 0
    """Unix time in milliseconds."""
    charter: Charter = NO_CHARTER
    """What the room has decided about itself."""
    coming: int = 0
    """How many have come by the visitor's link whose use is not stored yet."""
    house: Charter = NO_CHARTER
    """What the whole server has decided."""


NOT_INSIDE = Refusal("hello-first", "You are not in a room; say hello.")


class Policy:
    """Any thread may ask.

    Args:
        max_rooms: rooms that can exist besides the lobby, which is always there.
        edit_minutes: for which an author may edit a message.
        has_password: the whole server asks for a password, where no room asks for more.
    """

    def __init__(self, max_rooms: int, edit_minutes: int, has_password: bool = False) -> None:
        self._max_rooms = max_rooms
        self._edit_minutes = edit_minutes
        self._has_password = has_password

    # -- ways in ----------------------------------------------------------------------------------

    def may_enter(self, visitor: Visitor, place: Place) -> Refusal | None:
        """Whether somebody may come into a room: to hear it, or to say one thing over HTTP.

        None is ever dropped to make place for another: whoever floods the server with rooms could
        then have others' deleted, such as one with a single announcement.
        """
        if ban := keeping_out(visitor.rank, place.ban, place.house_ban, place.now):
            return removed(ban, place.now)
        if refusal := self._at_the_door(visitor, place):
            return refusal
        if place.exists or place.name == DEFAULT_ROOM:
            return None
        if place.others >= self._max_rooms:
            return _too_many(place, f"there are already {self._max_rooms} (maxRooms)")
        if not place.is_paid:
            return _too_many(place, "your address has created too many; try again in a minute")
        return None

    def must_knock(
        self, rank: Rank, watched: WatchedAddress | None, now: int, *, is_known: bool
    ) -> bool:
        """Whether somebody who may enter a room has to wait until a host lets them in.

        Args:
            watched: somebody was removed from the same address.
            is_known: they have been in before.
        """
        is_watched = watched is not None and now < watched.until
        return is_watched and not is_known and not rank.is_host

    def may_read(self, visitor: Visitor, place: Place) -> Refusal | None:
        """Whether somebody may read what was said in a room, or who is there, without being in it:
        over HTTP, also by searching, or as news in another room."""
        if ban := keeping_out(visitor.rank, place.ban, place.house_ban, place.now):
            return removed(ban, place.now)
        return self._at_the_door(visitor, place)

    def may_name(self, visitor: Visitor, place: Place) -> bool:
        """Whether a room is in somebody's list of rooms; of one that they may not read, the name is
        all that there is."""
        charter, proof = place.charter, visitor.proof
        if visitor.rank.is_host or proof.key in charter.keys or proof.epoch == charter.epoch:
            return True
        return charter.listed and (proof.knows_password or not self._has_password)

    def _at_the_door(self, visitor: Visitor, place: Place) -> Refusal | None:
        charter, proof = place.charter, visitor.proof
        is_open = charter.door is Door.OPEN
        if is_open and not self._has_password:
            return None
        if visitor.rank.is_host or proof.key in charter.keys:
            return None
        if proof.epoch == charter.epoch and (proof.knows_password or not is_open):
            return None
        if charter.good_link(proof.link, place.house, place.now, place.coming):
            return None
        if charter.door is Door.SHUT:
            return _shut()
        code = charter.code or charter.code_hash
        if proof.knows_password if is_open else proof.code == code != "":
            return None
        return _wrong_key(proof, "this server's password" if is_open else "this room's code")

    def may_give_the_code(self, visitor: Visitor, place: Place) -> bool:
        """Whether an invitation carries the room's code: for hosts, and for whoever knows it.

        Not for others who are in: a code is changed so that they do not know the next one.
        """
        charter, code = place.charter, visitor.proof.code
        if charter.door is not Door.CODE:
            return False
        return visitor.rank.is_host if not code else code == (charter.code or charter.code_hash)

    # -- ways to speak ----------------------------------------------------------------------------

    def may_say(
        self, speaker: Speaker, cmid: str, standing: Standing | None
    ) -> Refusal | Hold | None:
        """Whether somebody may say something. Plain users cannot be told, so that what they said
        before they were dropped is still theirs to say.

        Args:
            standing: None in a room where everybody may speak.
        """
        if not speaker.inside and speaker.acknowledged:
            return NOT_INSIDE.about(cmid)
        if speaker.proof.reads_only:
            return _reads_only(cmid)
        if standing is None:
            return None
        charter, rank, now, said_at, host_is_here, house, watched = standing
        own, everywhere = (one.barred.get(speaker.user_id) for one in (charter, house))
        if ban := keeping_out(rank, own, everywhere, now):
            return removed(ban, now, cmid)
        if rank.is_host:
            return None
        if charter.is_quiet(speaker.user_id, now):
            return _quiet(charter.quiet[speaker.user_id], now, cmid)
        if watched and now < watched.until:
            return _watched(watched, now, cmid)
        if charter.unchecked is Unchecked.NO and not speaker.user_id:
            detail = "Only people whom the server knows can speak here: open the room's page."
            return Refusal("unchecked", detail, cmid)
        if charter.needs_host and not host_is_here:
            return Refusal("paused", "Nobody can speak here until a host is back.", cmid)
        if charter.speak is Speak.HOSTS:
            return Refusal("paused", "Only hosts can speak here now.", cmid)
        if charter.speak is Speak.SLOW:
            pause = charter.slow_seconds * 1000
            wait = said_at + pause - now
            if 0 < wait <= pause:  # more: the clock was set back since
                detail = f"One message in {charter.slow_seconds} seconds, please."
                return Refusal("slow", detail, cmid, retryAfter=_seconds(wait))
        is_held = charter.unchecked is Unchecked.HELD and not speaker.user_id
        return HOLD if is_held or charter.speak is Speak.APPROVAL else None

    def may_upload(self, speaker: Speaker, standing: Standing) -> Refusal | None:
        """Whether somebody may upload a file, to say something with it: that is judged then, also
        whether it is too early or a host has to approve it."""
        verdict = self.may_show(speaker, "", standing._replace(said_at=0))
        return None if verdict is HOLD else verdict

    def may_show(self, speaker: Speaker, cmid: str, standing: Standing) -> Refusal | Hold | None:
        """Whether somebody may say something that carries a file."""
        files = standing.charter.files
        if files is FilesFrom.NOBODY:
            return Refusal("files-off", "No files are sent in this room.", cmid)
        if files is FilesFrom.HOSTS and not standing.rank.is_host:
            return Refusal("files-off", "Only hosts send files in this room.", cmid)
        return self.may_say(speaker, cmid, standing)

    def may_react(self, speaker: Speaker, standing: Standing, *, keeps: bool) -> Refusal | None:
        """Whether somebody may react to messages: all who are in, also where only hosts speak, but
        for those who are to be quiet.

        Args:
            keeps: the history has a place for reactions.
        """
        charter, rank, now = standing.charter, standing.rank, standing.now
        if speaker.proof.reads_only:
            return _reads_only("")
        if not keeps:
            return Refusal("no-reactions", "This server's history keeps no reactions.")
        if not charter.reactions:
            return Refusal("no-reactions", "A host has turned reactions off in this room.")
        own, everywhere = (one.barred.get(speaker.user_id) for one in (charter, standing.house))
        if ban := keeping_out(rank, own, everywhere, now):
            return removed(ban, now)
        if not speaker.user_id:
            return Refusal("unchecked", "Only people whom the server knows can react.")
        if standing.watched and now < standing.watched.until and not rank.is_host:
            return _watched(standing.watched, now, "")
        if charter.is_quiet(speaker.user_id, now) and not rank.is_host:
            return _quiet(charter.quiet[speaker.user_id], now, "")
        return None

    def may_see(self, visitor: Visitor, file: StoredFile) -> bool:
        """Whether somebody who may read the room may read this file of it: what is not said yet is
        its uploader's, and of hosts who have to approve it; what was removed is nobody's."""
        if file.claim is Claim.SAID:
            return True
        is_theirs = bool(visitor.user_id) and visitor.user_id == file.user_id
        if file.claim is Claim.HELD:
            return is_theirs or visitor.rank.is_host
        return file.claim is Claim.NOBODY and file.is_whole and is_theirs

    def may_wait(self, held: Held, queue: ApprovalQueue) -> Refusal | None:
        """Whether what somebody says may wait for a host's approval.

        Args:
            held: what would wait.
            queue: what waits in the room already.
        """
        if queue.is_full_for(held):
            many = f"{MOST_OF_ONE} of your messages, or very long ones,"
            detail = f"{many} wait for a host already; wait for one of them, or take one back."
            return Refusal("held", detail, held.cmid)
        if queue.is_full(held):
            detail = "Too many messages wait for a host here; try again later."
            return Refusal("held", detail, held.cmid)
        return None

    def may_change(
        self, speaker: Speaker, standing: Standing, request: Alteration, message: Message
    ) -> Refusal | None:
        """Whether somebody may change a message, take it back, or bring it back.

        Args:
            message: as it now is.
        """
        if not speaker.inside:
            return NOT_INSIDE.about(request.cmid)
        if speaker.proof.reads_only:
            return _reads_only(request.cmid)
        rank, now = standing.rank, standing.now
        is_author = bool(speaker.user_id) and speaker.user_id == message.user_id
        if isinstance(request, Restore):
            return None if rank.is_host else _not_yours(request.cmid, "Only a host can restore it.")
        if isinstance(request, Remove):
            if is_author or rank.is_host:
                return None
            return _not_yours(request.cmid, "Only its author or a host can remove it.")
        if not is_author:
            return _not_yours(request.cmid, "Only its author can edit it.")
        # Whoever has said it was in.
        verdict = self.may_say(speaker, request.cmid, standing._replace(said_at=0, watched=None))
        if verdict is HOLD:
            detail = "A host has to approve what is said here; take it back, and say it anew."
            return Refusal("paused", detail, request.cmid)
        if verdict:
            return verdict  # what could not be said now cannot come in by an edit
        if message.removed:
            return Refusal("gone", "This message was removed.", request.cmid)
        is_new = request.body != message.body  # otherwise it is sent again, for lack of an answer
        if is_new and message.by == "host" and not rank.is_host:
            # Under a host's mark, "@all" calls everybody, and all of it is taken for a host's.
            detail = "You said this as a host, and are none any more; say it anew."
            return Refusal("not-host", detail, request.cmid)
        if is_new and now - message.sent_at > self._edit_minutes * 60_000:
            detail = f"It can be edited for {self._edit_minutes} minutes, and that is over."
            return Refusal("too-late", detail, request.cmid)
        return None

    # -- acts of hosts ---------------------------------------------------------------------------

    def may_rule(self, user_id: str, act: Act, rank_of: Callable[[str], Rank]) -> Refusal | None:
        """Whether somebody may act as a host.

        Args:
            user_id: of whoever acts.
            rank_of: what each person is in the room.
        """
        rank = rank_of(user_id)
        if isinstance(act, UseLink | UseOperatorLink):
            return None  # who has the secret has been asked to
        if isinstance(act, Withdraw):
            return None  # it is found among what whoever asks has said
        if isinstance(act, Forget):  # likewise; also in rooms where they may not come in any more
            return None if user_id else Refusal("not-allowed", "Nobody knows who you are.")
        if not rank.is_host:
            return Refusal("not-host", "Only a host can do that.")
        if isinstance(act, Bar) and rank is Rank.OPERATOR > rank_of(act.user_id):
            return None
        if isinstance(act, Quiet | Bar) and rank_of(act.user_id).is_host:
            detail = "This person is a host. The room's maker can change that first."
            return Refusal("not-allowed", detail)
        if isinstance(act, RevokeKey) and not rank_of(act.user_id).is_host:
            return None
        if isinstance(act, UnmakeHost | RevokeKey) and act.user_id != user_id:
            whom = rank_of(act.user_id)
            # Who can read the server's secret, but is nobody here, is above all operators.
            if rank >= Rank.MAKER and (rank > whom or not user_id):
                return None
            return Refusal("not-allowed", "Only the room's maker and the operator can do that.")
        return None

    def may_let_back(self, rank: Rank, house_ban: Ban | None) -> Refusal | None:
        """Whether a host may undo a removal: not that of an operator, which holds everywhere."""
        if house_ban is None or rank is Rank.OPERATOR:
            return None
        detail = "The operator has removed this person; only they can undo it."
        return Refusal("not-allowed", detail)

    # -- names and typing --------------------------------------------------------------------------

    def may_be_called(self, name: str, suggestion: str) -> Refusal | None:
        """Whether somebody may come in under a name, or take it.

        Args:
            suggestion: another name, if this one belongs to somebody else.
        """
        if not suggestion:
            return None
        detail = f"Somebody here is called {name} already. {suggestion} is free."
        return Refusal("name-taken", detail, suggestion=suggestion)

    def keeps_name(self, charter: Charter, rank: Rank, user_id: str, now: int) -> bool:
        """Whether somebody who comes in does so under the name that they had, whatever they ask
        for: who is quiet would speak by names otherwise, which everybody reads."""
        return charter.is_quiet(user_id, now) and not rank.is_host

    def may_rename(self, speaker: Speaker, standing: Standing) -> Refusal | None:
        """Whether somebody may take another name at all: everybody in the room would read it."""
        if speaker.proof.reads_only:
            return _reads_only("")
        charter, rank, now, *_ = standing
        if self.keeps_name(charter, rank, speaker.user_id, now):
            return _quiet(charter.quiet[speaker.user_id], now, "")
        return None

    def may_type(self, speaker: Speaker, *, is_large: bool) -> bool:
        """Whether others see that somebody is typing: not in a room with too many to name."""
        return speaker.inside and not is_large and not speaker.proof.reads_only


def keeping_out(rank: Rank, ban: Ban | None, house_ban: Ban | None, now: int) -> Ban | None:
    """What keeps somebody out of a room who was removed: hosts pass what the room has decided, and
    nobody but operators what the whole server has."""
    if house_ban and house_ban.holds(now) and rank is not Rank.OPERATOR:
        return house_ban
    if ban and ban.holds(now) and not rank.is_host:
        return ban
    return None


def removed(ban: Ban, now: int, cmid: str = "") -> Refusal:
    """What somebody is told who may not be here."""
    return Refusal("removed", f"A host has removed you{_until(ban)}.", cmid, **_retry(ban, now))


def _quiet(ban: Ban, now: int, cmid: str) -> Refusal:
    detail = f"A host has asked you to be quiet{_until(ban)}. You can read on."
    return Refusal("muted", detail, cmid, **_retry(ban, now))


def _until(ban: Ban) -> str:
    return f" until {ban.ends}" if ban.ends else ""


def _retry(ban: Ban, now: int) -> dict[str, int]:
    return {} if ban.until == NEVER else {"retryAfter": _seconds(ban.until - now)}


def _seconds(milliseconds: int) -> int:
    return max(1, -(-milliseconds // 1000))


def _watched(watched: WatchedAddress, now: int, cmid: str) -> Refusal:
    detail = "Somebody was removed from this connection: say hello, and knock."
    return Refusal("watched", detail, cmid, retryAfter=_seconds(watched.until - now))


def _reads_only(cmid: str) -> Refusal:
    return Refusal("read-only", "This key is for reading only.", cmid)


def _shut() -> Refusal:
    detail = "Nobody new can come in here now. Whoever was here before can come back."
    return Refusal("shut", detail, door=Door.SHUT.value)


def _wrong_key(proof: Proof, wanted: str) -> Refusal:
    if proof.wait:
        cause = "There were too many wrong tries" if proof.is_wrong else "Too many come in at once"
        detail = f"{cause}. Try again in {proof.wait} seconds."
        return Refusal("wrong-key", detail, door=Door.CODE.value, retryAfter=proof.wait)
    wrong = f"That is not {wanted}" if proof.is_wrong else f"You need {wanted} to come in"
    return Refusal("wrong-key", f"{wrong}; ask whoever invited you.", door=Door.CODE.value)


def _not_yours(cmid: str, detail: str) -> Refusal:
    return Refusal("not-yours", detail, cmid)


def _too_many(place: Place, cause: str) -> Refusal:
    detail = f"room {place.name!r} cannot be created: {cause}; use an existing one."
    return Refusal("too-many-rooms", detail)
