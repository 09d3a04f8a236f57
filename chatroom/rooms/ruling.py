"""What an act of a host makes of a room's charter. Pure: nothing here waits or remembers."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from chatroom.errors import Refusal
from chatroom.matching import assert_never
from chatroom.message import MessageId
from chatroom.rooms.charter import (
    MOST_BARRED,
    MOST_HOSTS,
    MOST_KEYS,
    MOST_LINKS,
    MOST_QUIET,
    MOST_SWEEPS,
    MOST_WATCHED,
    NEVER,
    Ban,
    Charter,
    Door,
    FilesFrom,
    Host,
    Key,
    RoomLink,
    Speak,
    Sweep,
    Unchecked,
    WatchedAddress,
)
from chatroom.rooms.codes import key_id, new_code
from chatroom.rooms.crowd import Known
from chatroom.rooms.ranks import Rank
from chatroom.rooms.sweeping import Step, in_words
from chatroom.users.tokens import new_identity
from chatroom.wire.acts import (
    FASTEST,
    Admit,
    Bar,
    BeCalled,
    Charting,
    Clear,
    Erase,
    EverybodyOut,
    Look,
    MakeHost,
    MakeKey,
    MakeLink,
    Quiet,
    RestoreAll,
    RevokeKey,
    RevokeLink,
    SetRules,
    TurnBack,
    UnmakeHost,
    UseLink,
    UseOperatorLink,
    What,
)
from chatroom.wire.message_json import iso_time

T = TypeVar("T")

ForAll = UseOperatorLink | Bar | UnmakeHost
"""What can hold in all rooms."""

WATCH_SECONDS = 60 * 60
"""For so long, whoever is new where somebody was removed has to knock; no longer than the bar."""

NAME_LENGTH = 64
"""Characters that are kept of the name of somebody who is quiet or barred. There can be two
thousand, and each act of a host writes all of them."""

BEING_REMOVED = "Other messages are still being removed; try again soon."

WRONG_LINK = "This link is good for nothing; ask for a new one."


class Decision(NamedTuple):
    """What an act has led to."""

    charter: Charter
    """The room's."""
    whom: Known = Known("", "")
    """Whom it was about, if anybody."""
    what: str = ""
    """In words, for the host log; never a text of a message."""
    secret: str = ""
    """Of a new link: nobody else ever learns it."""
    told: Mapping[str, object] = MappingProxyType({})
    """What else is for whoever acts alone."""
    house: Charter | None = None
    """The whole server's, if that is another one."""
    is_done: bool = False
    """It is one for the host log, though the charter stays the same."""


def rule(
    charter: Charter, act: Charting, who: Known, name_of: Callable[[str, str], str], now: int
) -> Decision:
    """Let a host act, whom the policy allows it.

    Args:
        charter: as it is.
        who: acts.
        name_of: what a user id's person is called, or the given name if nobody knows.
        now: Unix time in milliseconds.

    Raises:
        Refusal: ``wrong-link``; ``too-many``: of what a charter has room for; ``gone``.
    """
    charter = charter.at(now)
    match act:
        case SetRules():
            return _set_rules(charter, act)
        case Quiet(user_id, name, seconds):
            name = name_of(user_id, name)[:NAME_LENGTH]
            quiet = _with(charter.quiet, user_id, _ban(name, seconds, now), MOST_QUIET)
            return Decision(replace(charter, quiet=quiet), Known(user_id, name), _span(seconds))
        case Bar(user_id, name, seconds, _):
            name = name_of(user_id, name)[:NAME_LENGTH]
            barred = _with(charter.barred, user_id, _ban(name, seconds, now), MOST_BARRED)
            return Decision(replace(charter, barred=barred), Known(user_id, name), _span(seconds))
        case MakeHost(user_id, name):
            if user_id in charter.hosts:
                return Decision(charter, Known(user_id, name))
            whom = Known(user_id, name_of(user_id, name))
            return Decision(_with_host(charter, whom, Rank.HOST), whom)
        case UnmakeHost(user_id):
            host = charter.hosts.get(user_id)
            hosts = _with(charter.hosts, user_id, None, MOST_HOSTS)
            whom = Known(user_id, host.name if host else "")
            links = _links_of_others(charter, user_id) if host else charter.links
            return Decision(replace(charter, hosts=hosts, links=links), whom)
        case MakeLink(seconds, uses, makes):
            secret = secrets.token_urlsafe(12)
            link = RoomLink(now + seconds * 1000, uses, who.user_id, makes == "guest")
            links = charter.links
            if len(links) >= MOST_LINKS:  # those that are used up stay for reloads, no longer
                links = {key: other for key, other in links.items() if other.uses}
            links = _with(links, link_key(secret), link, MOST_LINKS)
            what = _span(seconds) + (", for guests" if link.is_for_guests else "")
            return Decision(replace(charter, links=links), what=what, secret=secret)
        case RevokeLink(key):
            if key not in charter.links:
                raise Refusal("gone", "There is no such link.")
            return Decision(replace(charter, links=_with(charter.links, key, None, MOST_LINKS)))
        case UseLink(secret):
            return _use_link(charter, link_key(secret), who)
        case UseOperatorLink(nonce, until):
            if who.user_id in charter.hosts:  # a reload is no error
                return Decision(charter, who)
            if nonce in charter.links:
                raise Refusal("wrong-link", WRONG_LINK)
            links = _with(charter.links, nonce, RoomLink(until, 0, who.user_id), MOST_LINKS)
            return Decision(replace(_with_host(charter, who, Rank.OPERATOR), links=links), who)
        case Clear(upto):
            return Decision(charter, what=f"up to {upto}" if upto else "")
        case Erase(id):
            return Decision(charter, what=str(id or ""))
        case RestoreAll():
            return Decision(charter, what=restored(act))
        case Admit(""):
            return Decision(replace(charter, watched={}), what="everybody")
        case Admit(user_id) | TurnBack(user_id):
            return Decision(charter, Known(user_id, name_of(user_id, "")), is_done=True)
        case BeCalled(name):
            hosts = {**charter.hosts, who.user_id: charter.hosts[who.user_id]._replace(name=name)}
            return Decision(replace(charter, hosts=hosts))
        case Look():
            return Decision(charter)
        case EverybodyOut():
            return Decision(replace(charter, epoch=charter.epoch + 1))
        case MakeKey(name, may_say):
            return _make_key(charter, name, may_say)
        case RevokeKey(user_id):
            return _revoke_key(charter, user_id)
        case _:
            assert_never(act)


def restored(act: RestoreAll) -> str:
    """What the host log says of it."""
    return f"of {iso_time(act.at)}"


def rule_for_all(
    house: Charter,
    charter: Charter,
    act: ForAll,
    who: Known,
    name_of: Callable[[str, str], str],
    now: int,
) -> Decision:
    """Likewise, of what holds in all rooms.

    Args:
        house: the whole server's charter.
        charter: of the room where it is done; whom an operator lets back, it lets back, too, and
            of whom is no operator any more, it is no host, either.
    """
    decision = rule(house, act, who, name_of, now)
    charter = charter.at(now)
    if isinstance(act, Bar):
        decision = decision._replace(what=f"{decision.what}, everywhere")
    if isinstance(act, UnmakeHost) or (isinstance(act, Bar) and act.seconds == 0):
        charter = rule(charter, act, who, name_of, now).charter
    if isinstance(act, UnmakeHost) or (isinstance(act, Bar) and act.seconds != 0):
        charter = replace(charter, links=_links_of_others(charter, act.user_id))
    return decision._replace(charter=charter, house=decision.charter)


def with_watch(decision: Decision, act: Bar, keys: Iterable[str], now: int) -> Decision:
    """The same of a removal: whoever is new at the person's addresses has to knock for a while.

    Args:
        keys: of the addresses.
    """
    charter = decision.charter
    watched = {key: it for key, it in charter.watched.items() if it.user_id != act.user_id}
    if act.seconds != 0:
        lasts = WATCH_SECONDS if act.seconds is None else min(act.seconds, WATCH_SECONDS)
        new = WatchedAddress(act.user_id, decision.whom.user_name, now, now + lasts * 1000)
        watched |= dict.fromkeys(keys, new)
    newest = list(watched.items())[-MOST_WATCHED:]
    return decision._replace(charter=replace(charter, watched=dict(newest)))


def with_sweep(decision: Decision, act: Charting, step: Step, now: int) -> Decision:
    """The same of an act that removes, erases or restores messages: how many, and what is left to
    do.

    Raises:
        Refusal: ``too-many``: acts of which not all is done yet.
    """
    charter, so_far = decision.charter, ""
    sweeps = tuple(left for sweep in charter.sweeps if (left := _left_of(sweep, act)))
    if step.rest:
        if len(sweeps) >= MOST_SWEEPS:
            raise Refusal("too-many", BEING_REMOVED)
        sweeps, so_far = (*sweeps, step.rest), " so far"
    what = f"{decision.what}, " * bool(decision.what) + in_words(step.done) + so_far
    can_be_undone = bool(step.removed or (step.rest and not step.rest.erases))
    told = {"at": iso_time(now)} if can_be_undone and not isinstance(act, RestoreAll) else {}
    charter = replace(charter, sweeps=sweeps)
    return decision._replace(charter=charter, what=what, told={**decision.told, **told})


def _left_of(sweep: Sweep, act: Charting) -> Sweep | None:
    """What is still to be done of an earlier act: nothing comes back that is to go now, and nothing
    goes any more that is to come back."""
    match act:
        case RestoreAll(at):
            return None if at in (sweep.began, sweep.restores) else sweep
        case _ if not sweep.restores:
            return sweep
        case Clear(MessageId() as upto):
            left = sweep._replace(after=max(sweep.after, upto.seq))
            return left if left.after < left.upto else None
        case Clear() | Erase(None):
            return None
        case Bar(user_id, _, _, what) if what is not What.NOTHING:
            return sweep._replace(but=(*sweep.but, user_id))
        case _:
            return sweep


def _set_rules(charter: Charter, act: SetRules) -> Decision:
    slow = charter.slow_seconds if act.slow_seconds is None else act.slow_seconds
    speak_as = charter.speak if act.speak is None else Speak(act.speak)
    changed = replace(
        charter,
        speak=speak_as,
        slow_seconds=slow or (FASTEST if speak_as is Speak.SLOW else 0),
        needs_host=charter.needs_host if act.needs_host is None else act.needs_host,
        door=charter.door if act.door is None else Door(act.door),
        listed=charter.listed if act.listed is None else act.listed,
        unchecked=charter.unchecked if act.unchecked is None else Unchecked(act.unchecked),
        files=charter.files if act.files is None else FilesFrom(act.files),
        reactions=charter.reactions if act.reactions is None else act.reactions,
    )
    changed = _with_code(changed, act)
    what = _in_words(changed) + _about_the_door(charter, changed)
    is_about_it = act.door is not None or act.code is not None
    told = {"code": changed.code} if changed.code and is_about_it else {}
    return Decision(changed, what=what, told=told)


def _with_code(charter: Charter, act: SetRules) -> Charter:
    if act.code_hash:
        return replace(charter, code="", code_hash=act.code_hash)
    if act.code:  # its reader thread did not know yet that this is a host
        raise Refusal("not-host", "You have become a host just now; send it again.")
    has_one = charter.code or charter.code_hash
    if act.code == "" or (charter.door is Door.CODE and not has_one):
        return replace(charter, code=new_code(), code_hash="")
    return charter


def _make_key(charter: Charter, name: str, may_say: bool) -> Decision:
    if any(key.name == name for key in charter.keys.values()):
        detail = f"There is a key called {name} already; revoke it first, or take another name."
        raise Refusal("name-taken", detail)
    secret, user_id = secrets.token_urlsafe(18), new_identity().user_id
    keys = _with(charter.keys, key_id(secret), Key(name, may_say, user_id), MOST_KEYS)
    told = {"key": secret, "userId": user_id}
    what = "to speak" if may_say else "to read"
    return Decision(replace(charter, keys=keys), Known(user_id, name), what, told=told)


def _revoke_key(charter: Charter, user_id: str) -> Decision:
    found = [id for id, key in charter.keys.items() if key.user_id == user_id]
    if not found:
        raise Refusal("gone", "There is no such key.")
    name = charter.keys[found[0]].name
    keys = _with(charter.keys, found[0], None, MOST_KEYS)
    hosts = _with(charter.hosts, user_id, None, MOST_HOSTS)  # there is nobody any more
    links = _links_of_others(charter, user_id)
    return Decision(replace(charter, keys=keys, hosts=hosts, links=links), Known(user_id, name))


def _links_of_others(charter: Charter, user_id: str) -> dict[str, RoomLink]:
    """Whoever is no host any more could come back as one, under another name, by their own. What is
    used up stays: an operator's link can be used once."""
    links = charter.links.items()
    return {key: link for key, link in links if link.by != user_id or not link.uses}


def link_key(secret: str) -> str:
    """What the charter knows of a link: nobody can make the link of it."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


def _use_link(charter: Charter, key: str, who: Known) -> Decision:
    link = charter.links.get(key)
    if link and who.user_id in charter.hosts:  # a reload uses nothing up, and is no error
        return Decision(charter, who)
    if link is None or not link.uses:  # used up, expired, revoked and unknown are one
        raise Refusal("wrong-link", WRONG_LINK)
    links = _with(charter.links, key, link._replace(uses=link.uses - 1), MOST_LINKS)
    if link.is_for_guests:
        return Decision(replace(charter, links=links), who, "as a guest")
    return Decision(replace(_with_host(charter, who, Rank.HOST), links=links), who)


def _with_host(charter: Charter, who: Known, rank: Rank) -> Charter:
    """Hosts pass every rule: whatever held this one back is over."""
    hosts = _with(charter.hosts, who.user_id, Host(who.user_name, rank), MOST_HOSTS)
    quiet = _with(charter.quiet, who.user_id, None, MOST_QUIET)
    barred = _with(charter.barred, who.user_id, None, MOST_BARRED)
    return replace(charter, hosts=hosts, quiet=quiet, barred=barred)


def _with(known: Mapping[str, T], key: str, value: T | None, most: int) -> dict[str, T]:
    others = {other: its for other, its in known.items() if other != key}
    if value is None:
        return others
    if len(others) >= most:
        raise Refusal("too-many", f"There are already {most}; undo one of them first.")
    return others | {key: value}


def _ban(name: str, seconds: int | None, now: int) -> Ban | None:
    if seconds == 0:
        return None
    return Ban(name, NEVER if seconds is None else now + seconds * 1000)


def _span(seconds: int | None) -> str:
    return "undone" if seconds == 0 else "until undone" if seconds is None else f"{seconds} s"


def _in_words(charter: Charter) -> str:
    slow = f" ({charter.slow_seconds} s)" if charter.speak is Speak.SLOW else ""
    needs = ", only while a host is here" if charter.needs_host else ""
    unchecked = {
        Unchecked.SPEAK: "",
        Unchecked.HELD: ", others than those with a token after approval",
        Unchecked.NO: ", only those with a token",
    }[charter.unchecked]
    files = {
        FilesFrom.EVERYBODY: "",
        FilesFrom.HOSTS: ", files only from hosts",
        FilesFrom.NOBODY: ", no files",
    }[charter.files]
    reactions = "" if charter.reactions else ", no reactions"
    return f"{charter.speak.value}{slow}{needs}{unchecked}{files}{reactions}"


def _about_the_door(before: Charter, after: Charter) -> str:
    """In words, unless everybody may come in as before; never the code itself."""
    doors = {Door.OPEN: "open to all", Door.CODE: "open with the code", Door.SHUT: "nobody new"}
    is_usual = before.door is after.door is Door.OPEN
    words = "" if is_usual else f", {doors[after.door]}"
    if (before.code, before.code_hash) != (after.code, after.code_hash):
        words += ", new code"
    if not (before.listed and after.listed):
        words += ", listed" if after.listed else ", not listed"
    return words
