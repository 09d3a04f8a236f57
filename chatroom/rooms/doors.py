"""What opens which room: examined before the Server thread hears of it, and by no place else.

Only what is shown is examined, so that an open room costs nothing, and neither does whoever comes
back with a pass. What it proves is for the ``Policy`` to judge.
"""

from __future__ import annotations

import hmac
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import NamedTuple, TypeVar

from chatroom.addresses import neighbourhood
from chatroom.errors import HistoryUnavailable, Refusal
from chatroom.history import History
from chatroom.log import printable
from chatroom.rooms import codes
from chatroom.rooms.charter import Charter, Door, House
from chatroom.rooms.policy import Place, Visitor
from chatroom.rooms.ranks import Rank
from chatroom.rooms.ruling import link_key
from chatroom.rooms.turns import FairTurns
from chatroom.sockets.budget import Budget, Budgets
from chatroom.users.proof import NOTHING, Proof, Shown
from chatroom.users.tokens import Tokens
from chatroom.wire.acts import Act, SetRules, spelt

log = logging.getLogger(__name__)

K = TypeVar("K")
V = TypeVar("V")

WRONG_TRIES = 5
"""That one address has for each room, a minute. Then it waits, but is never kept out: a class
behind one address mistypes, too."""

HASHED_AT_ONCE = 2
"""Codes: each takes 16 MiB and a processor. Whoever floods the server with wrong ones does so from
many addresses, and until the first comes with the right one: so networks take turns."""

PATIENCE = 2.0
"""Seconds that somebody waits to be one of those, perhaps on one of the threads for plain HTTP."""

KNOWN = 1000
"""Rooms of which the right code is remembered, by its digest under a key of this process: it is
hashed for the first who comes with it, and not for a crowd. And as many wrong ones."""

LONGEST = 256
"""Characters of what may be a code. Whatever is longer is wrong: normalising 64 KiB of accents
would keep the interpreter for a second."""

SHORT = 4096
"""Characters of a charter. Of longer ones, only a few are kept parsed; but those are, too:
otherwise each request of a stranger would read the names of all who are barred."""

WAY_OUT = "another program has changed the file: stop, keep a copy, and restore a backup"


def charter_of(history: History, room: str) -> Charter:
    """What a room has decided about itself; "" for the whole server. Any thread.

    Raises:
        HistoryUnavailable: it cannot be read now.
    """
    return charter_in(history, history.charter(room))


def charter_in(history: History, text: str) -> Charter:
    """What the text says, which the history has. Any thread.

    Raises:
        HistoryUnavailable: it is none that this program understands.
    """
    try:
        return _parsed(text) if len(text) <= SHORT else _parsed_long(text)
    except ValueError as error:
        raise HistoryUnavailable(history.name, str(error), WAY_OUT) from error


_parsed = lru_cache(maxsize=1024)(Charter.parse)
_parsed_long = lru_cache(maxsize=16)(Charter.parse)


class Tried(NamedTuple):
    """What has become of a code that was shown."""

    is_right: bool
    wait: int = 0
    """Seconds until one can be shown again."""
    is_busy: bool = False
    """That is nobody's fault: too many others wait for theirs."""


class KeyRing:
    """The ``Doors`` of a server. Any thread.

    Args:
        history: opened; has the charters.
        tokens: read what was signed.
        password: the whole server's; empty if it asks for none.
    """

    # Rule: _lock guards _tries, with what is in it, _right and _wrong.

    def __init__(self, history: History, tokens: Tokens, password: str = "") -> None:
        self._history = history
        self._tokens = tokens
        self._password = spelt(password)
        self._turns = FairTurns(HASHED_AT_ONCE)
        self._lock = threading.Lock()
        # A little more: rounding errors are nobody's fault.
        self._tries = Budgets(WRONG_TRIES / 60, WRONG_TRIES + 0.001)
        self._secret = os.urandom(32)
        self._right: dict[str, bytes] = {}  # by what the charter has, the digest of the right code
        # What was shown in vain, with what was right then: the same again is no other try. A script
        # whose key was revoked would use up those of everybody at its address.
        self._wrong: dict[tuple[str, bytes], None] = {}

    # -- who stands at a door ---------------------------------------------------------------------

    def visit(self, room: str, address: str, bearer: str) -> tuple[Visitor, Place]:
        """Who has sent a request, by its ``Authorization``, and to where.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        charter = charter_of(self._history, room)
        if not bearer:
            return Visitor(address), _place(room, charter, House())
        proof = self.prove(room, address, Shown(bearer=bearer))
        house = House(charter_of(self._history, ""))
        return _visitor(address, proof, charter, house), _place(room, charter, house, proof)

    def view(self, room: str, address: str, text: str) -> tuple[Visitor, Place]:
        """Who wants to see a file, by a view that somebody was given who could read the room.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        charter = charter_of(self._history, room)
        proof = NOTHING
        if view := self._tokens.read_view(text, room):
            proof = Proof(view.user_id, epoch=view.epoch, knows_password=view.knows_password)
        house = House(charter_of(self._history, ""))
        return _visitor(address, proof, charter, house), _place(room, charter, house, proof)

    def visits(
        self, rooms: Iterable[str], address: str, bearer: str
    ) -> list[tuple[Visitor, Place]]:
        """Likewise, to all these rooms at once. Codes are for one room, and not examined.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """
        texts = self._history.charters()
        known = {room: charter_in(self._history, texts.get(room, "")) for room in rooms}
        house = House(charter_in(self._history, texts.get("", "")))
        proofs = dict.fromkeys(known, NOTHING)
        if bearer:
            for room, charter in known.items():
                signed, rest = self._signed(room, Shown(bearer=bearer), "")
                proofs[room] = _with_key(signed, charter, rest)
            is_known = any(proof != NOTHING for proof in proofs.values())
            if self._password and not is_known and len(bearer) <= LONGEST:
                knows = self._try_password(address, bearer).is_right
                proofs = {room: Proof(knows_password=knows) for room in known}
        return [
            (
                _visitor(address, proofs[room], charter, house),
                _place(room, charter, house, proofs[room]),
            )
            for room, charter in known.items()
        ]

    # -- what they prove --------------------------------------------------------------------------

    def prove(self, room: str, address: str, shown: Shown, user_id: str = "") -> Proof:
        """See ``Doors``."""
        proof, rest = self._signed(room, shown, user_id)
        key = shown.key or rest
        if not key:
            return proof
        charter = charter_of(self._history, room)
        with_key = _with_key(proof, charter, key)
        if with_key.key or self._needs_no_more(proof, charter, user_id):
            return with_key
        if len(key) > LONGEST:
            return proof._replace(is_wrong=True)
        if charter.door is Door.OPEN:
            tried = self._try_password(address, key)
            proof = proof._replace(knows_password=tried.is_right)
        elif charter.code:
            tried = self._try(address, room, key, charter.code, codes.is_code)
        else:
            tried = self._try_hash(address, room, key, charter.code_hash)
        if not tried.is_right:
            return proof._replace(is_wrong=not tried.is_busy, wait=tried.wait)
        is_code = charter.door is not Door.OPEN
        return proof._replace(code=charter.code or charter.code_hash) if is_code else proof

    def _signed(self, room: str, shown: Shown, user_id: str) -> tuple[Proof, str]:
        """What signatures prove; and the bearer, if it is not signed."""
        proof, rest = NOTHING, shown.bearer
        if rest:
            if identity := self._tokens.read(rest):
                proof, rest = Proof(user_id=identity.user_id), ""
            elif operator := self._tokens.read_operator_link(rest):
                proof, rest = Proof(operator_link=operator.nonce), ""
        if shown.link:
            if operator := self._tokens.read_operator_link(shown.link):
                proof = proof._replace(operator_link=operator.nonce, link=operator.nonce)
            else:
                proof = proof._replace(link=link_key(shown.link))
        for text in filter(None, (rest, shown.entry_pass)):
            found = self._tokens.read_pass(text, room)
            if found and user_id in ("", found.user_id):
                proof = proof._replace(
                    user_id=found.user_id, epoch=found.epoch, knows_password=found.knows_password
                )
                rest = "" if text == rest else rest
        return proof, rest

    def _needs_no_more(self, proof: Proof, charter: Charter, user_id: str) -> bool:
        """Whether nothing else has to be examined, as nobody asks for it."""
        is_open = charter.door is Door.OPEN
        if charter.door is Door.SHUT or (is_open and not self._password):
            return True
        if proof.epoch == charter.epoch and (proof.knows_password or not is_open):
            return True
        house = House(charter_of(self._history, ""))
        return _rank(proof._replace(user_id=user_id or proof.user_id), charter, house).is_host

    # -- codes ------------------------------------------------------------------------------------

    def _try_password(self, address: str, shown: str) -> Tried:
        """Wrong tries are those of the room "": it is the same in all."""
        return self._try(address, "", shown, self._password, _is_password)

    def _try(
        self, address: str, room: str, shown: str, right: str, is_right: Callable[[str, str], bool]
    ) -> Tried:
        digest = self._digest(shown)
        with self._lock:
            tries, wait = self._tries_of(address, room)
            if wait:
                return Tried(False, wait)
            if is_right(shown, right):
                return Tried(True)
            if (right, digest) in self._wrong:
                return Tried(False)
            tries.spend(1)
            _keep(self._wrong, (right, digest), None)
        _note_wrong(address, room)
        return Tried(False)

    def _try_hash(self, address: str, room: str, shown: str, code_hash: str) -> Tried:
        digest = self._digest(shown)
        if answer := self._answer_unhashed(address, room, digest, code_hash):
            return answer
        try:
            with self._turn(address):
                if answer := self._answer_unhashed(address, room, digest, code_hash):
                    return answer  # others have come with it meanwhile, or with wrong ones
                with self._lock:
                    tries, wait = self._tries_of(address, room)
                    if wait:
                        return Tried(False, wait)
                    tries.spend(1)
                is_right = codes.fits(shown, code_hash)
                with self._lock:
                    if is_right:
                        tries.give_back(1)
                        _keep(self._right, code_hash, digest)
                    else:
                        _keep(self._wrong, (code_hash, digest), None)
        except Refusal:  # no turn
            return Tried(False, math.ceil(PATIENCE), is_busy=True)
        if not is_right:
            _note_wrong(address, room)
        return Tried(is_right)

    def _answer_unhashed(
        self, address: str, room: str, digest: bytes, code_hash: str
    ) -> Tried | None:
        """None if it has to be hashed. Whoever has to wait learns nothing of a code that is known,
        either: they could go on guessing."""
        with self._lock:
            _, wait = self._tries_of(address, room)
            if wait:
                return Tried(False, wait)
            is_known = hmac.compare_digest(self._right.get(code_hash, b""), digest)
            is_wrong = (code_hash, digest) in self._wrong
        return Tried(is_known) if is_known or is_wrong else None

    def _digest(self, shown: str) -> bytes:
        return hmac.digest(self._secret, _bytes(shown), "sha256")

    def _tries_of(self, address: str, room: str) -> tuple[Budget, int]:
        tries = self._tries.of_key(f"{neighbourhood(address)} {room}")
        return tries, max(0, math.ceil(tries.seconds_until(1)))

    # -- hashing ----------------------------------------------------------------------------------

    def sealed(self, act: Act) -> Act:
        """See ``Doors``."""
        if not isinstance(act, SetRules) or not act.code:
            return act
        with self._turn():  # of their own: hosts set codes, and seldom
            code_hash = codes.hashed(act.code)
        with self._lock:  # so that it is not hashed again for the first who comes with it
            _keep(self._right, code_hash, self._digest(act.code))
        return act._replace(code=None, code_hash=code_hash)

    @contextmanager
    def _turn(self, address: str = "") -> Iterator[None]:
        with self._turns.turn(address, PATIENCE) as has_it:
            if not has_it:
                detail = "Too many codes are being examined at once; try again."
                raise Refusal("busy", detail, retryAfter=math.ceil(PATIENCE))
            yield


def _visitor(address: str, proof: Proof, charter: Charter, house: House) -> Visitor:
    return Visitor(address, proof.user_id, _rank(proof, charter, house), proof)


def _rank(proof: Proof, charter: Charter, house: House) -> Rank:
    ranks = charter.rank_of(proof.user_id), house.charter.rank_of(proof.user_id)
    return max(*ranks, house.rank_by(proof.operator_link))


def _place(room: str, charter: Charter, house: House, proof: Proof = NOTHING) -> Place:
    ban, house_ban = (one.barred.get(proof.user_id) for one in (charter, house.charter))
    now = time.time_ns() // 1_000_000 if proof != NOTHING else 0
    return Place(
        room,
        exists=True,
        ban=ban,
        house_ban=house_ban,
        now=now,
        charter=charter,
        house=house.charter,
    )


def _with_key(proof: Proof, charter: Charter, secret: str) -> Proof:
    id = codes.key_id(secret) if secret and charter.keys else ""
    key = charter.keys.get(id)
    if key is None:
        return proof
    return proof._replace(user_id=key.user_id, key=id, reads_only=not key.may_say)


def _is_password(shown: str, right: str) -> bool:
    return hmac.compare_digest(_bytes(shown), _bytes(right))


def _keep(known: dict[K, V], key: K, value: V) -> None:
    known[key] = value
    while len(known) > KNOWN:
        del known[next(iter(known))]


def _note_wrong(address: str, room: str) -> None:
    """For the operator; never what was shown, which may be nearly right."""
    where = f'room "{printable(room)}"' if room else "the server's password"
    log.info("wrong code: (%s) %s", printable(address), where)


def _bytes(text: str) -> bytes:
    return spelt(text).encode("utf-8", "surrogatepass")
