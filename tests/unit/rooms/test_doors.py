"""KeyRing: what is proved at a door, by what, and what that costs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from chatroom.errors import HistoryUnavailable, Refusal
from chatroom.history.memory.history import MemoryHistory
from chatroom.rooms import codes, doors
from chatroom.rooms.charter import NO_CHARTER, Ban, Charter, Door, Host, Key, RoomLink
from chatroom.rooms.codes import hashed, key_id
from chatroom.rooms.doors import HASHED_AT_ONCE, LONGEST, WRONG_TRIES, KeyRing
from chatroom.rooms.policy import Policy
from chatroom.rooms.ranks import Rank
from chatroom.rooms.ruling import link_key
from chatroom.sockets import budget
from chatroom.users.proof import NOTHING, Proof, Shown
from chatroom.users.tokens import Tokens, new_identity
from chatroom.wire.acts import Look, SetRules
from tests.support.deadline import DEADLINE, wait_for

HERE, THERE = "192.0.2.1", "192.0.2.2"

WITH_CODE = replace(NO_CHARTER, door=Door.CODE, code="bcdfghjk")
TYPED = replace(NO_CHARTER, door=Door.CODE, code_hash=hashed("Open sesame"))
SHUT = replace(NO_CHARTER, door=Door.SHUT)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The monotonic clock, which the test sets."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The codes that were hashed."""
    seen: list[str] = []
    scrypt = codes._scrypt

    def count(code: str, salt: bytes) -> bytes:
        seen.append(code)
        return scrypt(code, salt)

    monkeypatch.setattr(codes, "_scrypt", count)
    return seen


class Town:
    """Some rooms, each with a door."""

    def __init__(self, password: str = "") -> None:
        self.history = MemoryHistory()
        self.history.open()
        self.tokens = Tokens(b"secret", password)
        self.doors = KeyRing(self.history, self.tokens, password)
        self.policy = Policy(1000, 15, bool(password))

    def decide(self, charter: Charter, room: str = "class") -> None:
        self.history.enact(room, charter.to_json(), None)

    def prove(
        self, room: str = "class", address: str = HERE, user_id: str = "", **shown: str
    ) -> Proof:
        return self.doors.prove(room, address, Shown(**shown), user_id)

    def answer(self, bearer: str = "", room: str = "class", address: str = HERE) -> str | None:
        """The code with which somebody is refused who wants to read."""
        refusal = self.policy.may_read(*self.doors.visit(room, address, bearer))
        return refusal and refusal.code


@pytest.fixture
def town() -> Town:
    return Town()


# -- passes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("charter", [WITH_CODE, TYPED, SHUT])
def test_who_was_in_comes_back_with_a_pass_and_nothing_is_hashed(
    town: Town, hashes: list[str], charter: Charter
) -> None:
    """Ten thousand, after a restart."""
    town.decide(charter)
    passes = [town.tokens.write_pass("class", f"user{n}", 0) for n in range(300)]

    assert {town.answer(one) for one in passes} == {None}
    assert all(town.prove(entry_pass=one, key="wrong").epoch == 0 for one in passes)

    assert hashes == []


def test_a_pass_costs_nothing_that_a_door_would_have_to_be_looked_at_for(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an open room, everybody shows one."""
    monkeypatch.setattr(town.history, "charter", lambda _: pytest.fail("it was read"))

    assert town.prove(entry_pass=town.tokens.write_pass("class", "u1", 0)).user_id == "u1"
    assert town.prove(bearer=town.tokens.write(new_identity())).user_id


@pytest.mark.parametrize(
    "forge",
    [
        lambda tokens: tokens.write_pass("other", "u1", 3),
        lambda tokens: tokens.write_pass("class", "u1", 2),
        lambda tokens: tokens.write_pass("class", "u1", 4),
        lambda _: Tokens(b"another").write_pass("class", "u1", 3),
        lambda tokens: tokens.write_pass("class", "u1", 3)[:-1],
        lambda tokens: tokens.write_pass("class", "u1", 3).replace(".3.", ".03."),
        lambda tokens: tokens.write_pass("class", "u1", 2).replace(".2.", ".3."),
        lambda tokens: tokens.write_pass("class", "u1", 3).replace("u1.", "u2."),
        lambda tokens: "x" + tokens.write_pass("class", "u1", 3),
        lambda tokens: tokens.write(new_identity("u1")),
        lambda _: ".",
        lambda _: "u1.3.x",
        lambda _: "",
    ],
    ids=[
        "of another room",
        "of another epoch",
        "of a later one",
        "of another server",
        "a part of one",
        "with another spelling",
        "with another epoch in it",
        "with somebody else in it",
        "with more in front",
        "a token",
        "a dot",
        "without a seal",
        "nothing",
    ],
)
def test_no_other_pass_opens_anything(town: Town, forge: Callable[[Tokens], str]) -> None:
    town.decide(replace(SHUT, epoch=3))

    assert town.answer(forge(town.tokens)) == "shut"
    assert town.answer(town.tokens.write_pass("class", "u1", 3)) is None


def test_a_pass_is_for_the_one_who_got_it(town: Town) -> None:
    mine = town.tokens.write_pass("class", "u1", 0)

    assert town.prove(user_id="u1", entry_pass=mine).epoch == 0
    assert town.prove(user_id="u2", entry_pass=mine) == NOTHING


def test_the_pass_of_somebody_who_was_removed_is_worth_nothing(town: Town) -> None:
    town.decide(replace(WITH_CODE, barred={"u1": Ban("Bob", 0)}))

    assert town.answer(town.tokens.write_pass("class", "u1", 0)) == "removed"
    assert town.answer(town.tokens.write(new_identity("u1"))) == "removed"


# -- codes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charter", "right"),
    [(WITH_CODE, "bcdfghjk"), (WITH_CODE, "BCDF-GHJK"), (TYPED, "Open sesame")],
)
def test_the_code_opens_its_room_and_no_other(town: Town, charter: Charter, right: str) -> None:
    town.decide(charter)
    town.decide(replace(charter, code="", code_hash=hashed("another")), "other")

    assert town.answer() == town.answer("wrong") == town.answer(right, "other") == "wrong-key"
    assert town.answer(right) is None


def test_a_crowd_with_the_right_code_has_it_hashed_once(town: Town, hashes: list[str]) -> None:
    town.decide(TYPED)

    assert {town.answer("Open sesame") for _ in range(100)} == {None}
    assert hashes == ["Open sesame"]

    town.decide(replace(TYPED, code_hash=(new := hashed("Another one"))))
    hashes.clear()
    assert town.answer("Open sesame") == "wrong-key"
    assert town.answer("Another one") is None
    assert len(hashes) == 2
    assert new


@pytest.mark.parametrize("charter", [WITH_CODE, TYPED])
def test_after_five_wrong_tries_an_address_waits_but_only_for_this_room(
    town: Town, clock: SimpleNamespace, hashes: list[str], charter: Charter
) -> None:
    right = charter.code or "Open sesame"
    town.decide(charter)
    town.decide(charter, "other")
    for n in range(WRONG_TRIES):
        assert town.prove(key=f"wrong {n}") == Proof(is_wrong=True)
    hashes.clear()

    refused = town.prove(key=right)
    assert (refused.code, refused.wait) == ("", 12)
    assert hashes == []
    assert town.prove(key=right, address=THERE).code
    assert town.prove("other", key=right).code
    clock.now += refused.wait
    assert town.prove(key=right).code
    assert town.prove(key="wrong again").wait == 0
    assert town.prove(key="and again").wait == 12


@pytest.mark.parametrize("charter", [WITH_CODE, TYPED])
def test_a_code_that_others_have_come_with_is_guessed_no_faster(
    town: Town, clock: SimpleNamespace, charter: Charter
) -> None:
    right = charter.code or "Open sesame"
    town.decide(charter)
    assert town.prove(key=right, address=THERE).code
    for n in range(WRONG_TRIES):
        assert town.prove(key=f"wrong {n}").wait == 0

    assert town.prove(key=right) == Proof(is_wrong=True, wait=12)
    assert town.prove(key=right, address=THERE).code


@pytest.mark.parametrize("charter", [WITH_CODE, TYPED])
def test_a_script_with_an_outdated_key_keeps_nobody_at_its_address_waiting(
    town: Town, clock: SimpleNamespace, hashes: list[str], charter: Charter
) -> None:
    """It asks again and again: the same wrong code is no other try."""
    town.decide(charter)
    for _ in range(3 * WRONG_TRIES):
        assert town.prove(key="revoked") == Proof(is_wrong=True)
    assert hashes.count("revoked") <= 1

    assert town.prove(key=charter.code or "Open sesame").code
    town.decide(replace(TYPED, code_hash=hashed("revoked")))
    assert town.prove(key="revoked").code, "it is right now"


def test_nothing_is_examined_that_is_longer_than_any_code(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Accents without end take the interpreter seconds to put in order."""
    long = "\u0301\u0323" * LONGEST
    monkeypatch.setattr(
        doors, "spelt", lambda code: pytest.fail("it was") if code == long else code
    )
    guarded = Town("Open sesame")
    for one in town, guarded:
        one.decide(WITH_CODE), one.decide(TYPED, "typed")
        for room in "class", "typed", "lobby":
            one.answer(long, room)
        one.doors.visits(["class"], HERE, long)

    assert guarded.answer(long, "lobby") == town.answer(long) == "wrong-key"


@pytest.mark.parametrize("charter", [WITH_CODE, TYPED])
def test_the_log_has_who_was_wrong_and_where_but_not_what(
    town: Town, caplog: pytest.LogCaptureFixture, charter: Charter
) -> None:
    caplog.set_level("INFO", "chatroom")
    town.decide(charter)

    town.prove(key="nearly right")

    assert caplog.messages == [f'wrong code: ({HERE}) room "class"']


@pytest.mark.parametrize("charter", [WITH_CODE, TYPED])
def test_right_codes_are_no_tries(town: Town, clock: SimpleNamespace, charter: Charter) -> None:
    """A class comes in from one address."""
    town.decide(charter)

    for _ in range(3):
        town.doors._right.clear()
        for _ in range(WRONG_TRIES):
            assert town.prove(key=charter.code or "Open sesame").code


def test_who_has_waited_too_long_for_a_hash_is_told_to_come_back(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "PATIENCE", 0.01)
    town.decide(TYPED)
    with ExitStack() as stack:
        for _ in range(HASHED_AT_ONCE):
            assert stack.enter_context(town.doors._turns.turn(HERE, 0.0))

        assert town.prove(key="Open sesame") == Proof(wait=1)
        refusal = town.policy.may_read(*town.doors.visit("class", HERE, "Open sesame"))
        assert refusal
        assert refusal.detail == "Too many come in at once. Try again in 1 seconds."
        with pytest.raises(Refusal, match="busy"):
            town.doors.sealed(SetRules(None, None, None, code="Open sesame"))


def test_wrong_codes_from_a_thousand_addresses_keep_nobody_out_who_types_the_right_one(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart, when nobody has come with it yet."""
    town.decide(TYPED)
    hashed_at_all: list[str] = []
    monkeypatch.setattr(doors, "PATIENCE", DEADLINE)
    is_over = threading.Semaphore(0)

    def fits(code: str, code_hash: str) -> bool:
        hashed_at_all.append(code)
        if not code.startswith("wrong"):
            return True
        is_over.acquire(timeout=DEADLINE)
        return False

    monkeypatch.setattr(codes, "fits", fits)

    def guess(number: int) -> None:
        town.prove(address=f"2001:db8:{number:x}::1", key=f"wrong {number}")

    with ThreadPoolExecutor(101) as pool:
        guesses = [pool.submit(guess, number) for number in range(100)]
        wait_for(lambda: waiting(town) == 100 - HASHED_AT_ONCE, "a crowd")
        right = pool.submit(lambda: town.prove(key="Open sesame"))
        wait_for(lambda: waiting(town) == 101 - HASHED_AT_ONCE, "one more")
        is_over.release(HASHED_AT_ONCE)
        assert right.result(DEADLINE).code
        before = len(hashed_at_all)
        is_over.release(100)
        for one in guesses:
            one.result(DEADLINE)

    assert before <= 2 * HASHED_AT_ONCE + 1


def waiting(town: Town) -> int:
    regions = town.doors._turns._waiting.values()
    return sum(len(calls) for here in regions for calls in here.values())


def test_an_open_room_asks_for_nothing(town: Town, hashes: list[str]) -> None:
    assert town.answer() is None
    assert town.prove(key="old code") == NOTHING
    assert town.answer("old code") is None
    assert hashes == []


def test_a_code_that_a_host_makes_up_is_hashed_and_nothing_else() -> None:
    ring = Town().doors
    act = SetRules(None, None, None, "code", code="Open sesame")

    sealed = ring.sealed(act)

    assert isinstance(sealed, SetRules)
    assert sealed == act._replace(code=None, code_hash=sealed.code_hash)
    assert codes.fits("Open sesame", sealed.code_hash)
    for plain in (Look(), SetRules("hosts", None, None), SetRules(None, None, None, code="")):
        assert ring.sealed(plain) == plain


def test_a_code_that_a_host_has_just_made_up_is_not_hashed_again(
    town: Town, hashes: list[str]
) -> None:
    """However many are trying wrong ones just now."""
    sealed = town.doors.sealed(SetRules(None, None, None, "code", code="Open sesame"))
    assert isinstance(sealed, SetRules)
    town.decide(replace(TYPED, code_hash=sealed.code_hash))
    hashes.clear()

    assert town.answer("Open sesame") is None
    assert hashes == []


# -- keys, links and hosts -------------------------------------------------------------------------

KEYS = {key_id("s1"): Key("CI", True, "k1"), key_id("s2"): Key("Mirror", False, "k2")}


@pytest.mark.parametrize("charter", [WITH_CODE, TYPED, SHUT, NO_CHARTER])
def test_a_key_opens_any_door_until_it_is_revoked(
    town: Town, hashes: list[str], charter: Charter
) -> None:
    town.decide(replace(charter, keys=KEYS))

    assert town.answer("s1") is None
    assert town.prove(key="s1") == Proof(user_id="k1", key=key_id("s1"))
    assert town.prove(bearer="s2").reads_only
    assert hashes == []

    town.decide(charter)
    assert (town.answer("s1") is None) is (charter is NO_CHARTER)


def test_a_key_of_a_host_is_one(town: Town) -> None:
    town.decide(replace(SHUT, keys=KEYS, hosts={"k1": Host("CI", Rank.HOST)}))

    assert town.doors.visit("class", HERE, "s1")[0].rank is Rank.HOST
    assert town.doors.visit("class", HERE, "s2")[0].rank is Rank.EVERYONE


@pytest.mark.parametrize("charter", [WITH_CODE, TYPED, SHUT])
def test_hosts_pass_every_door_by_their_token(
    town: Town, hashes: list[str], charter: Charter
) -> None:
    host, operator, other = (new_identity() for _ in range(3))
    town.decide(replace(charter, hosts={host.user_id: Host("Ann", Rank.HOST)}))
    town.decide(Charter({operator.user_id: Host("Olga", Rank.OPERATOR)}), "")

    assert town.answer(town.tokens.write(host)) is None
    assert town.answer(town.tokens.write(operator)) is None
    assert town.answer(town.tokens.write_operator_link()) is None
    assert town.answer(town.tokens.write(other)) in ("wrong-key", "shut")
    assert town.prove(user_id=host.user_id, key="wrong") == NOTHING  # not even looked at
    assert hashes == []


def test_an_operators_link_that_is_used_up_opens_nothing(town: Town) -> None:
    link = town.tokens.write_operator_link()
    used = town.tokens.read_operator_link(link)
    assert used
    town.decide(SHUT)
    town.decide(replace(NO_CHARTER, links={used.nonce: RoomLink(used.until, 0, "u1")}), "")

    assert town.answer(link) == "shut"


def test_a_hosts_link_is_found_out(town: Town) -> None:
    assert town.prove(link="secret").link == link_key("secret")
    assert town.prove(link=town.tokens.write_operator_link()).operator_link


# -- the whole server's password -----------------------------------------------------------------


def test_the_password_opens_every_room_that_has_no_door_of_its_own(hashes: list[str]) -> None:
    town = Town("Open sesame")
    town.decide(WITH_CODE, "coded")
    town.decide(SHUT, "shut")

    for room in "lobby", "class":
        assert town.answer(room=room) == town.answer("wrong", room) == "wrong-key"
        assert town.answer(" Open  sesame", room) is None
    assert town.answer("Open sesame", "coded") == "wrong-key"
    assert town.answer("bcdfghjk", "coded") is None
    assert town.answer("Open sesame", "shut") == "shut"
    assert hashes == []


def test_wrong_tries_of_the_password_count_in_all_rooms_together(clock: SimpleNamespace) -> None:
    town = Town("Open sesame")
    for n in range(WRONG_TRIES):
        assert town.prove(f"room {n}", key=f"wrong {n}").wait == 0

    assert town.prove("lobby", key="Open sesame").wait == 12


def test_a_pass_tells_whether_the_password_has_changed_since() -> None:
    before, after, none = Town("Open sesame"), Town("Another one"), Town()
    theirs = before.tokens.write_pass("class", "u1", 0)

    assert before.answer(theirs) is None
    assert after.answer(theirs) == "wrong-key"
    assert after.answer(none.tokens.write_pass("class", "u1", 0)) == "wrong-key"
    assert none.answer(theirs) is None
    after.decide(WITH_CODE)
    assert after.answer(theirs) is None  # that one asks for no password


# -- lists -----------------------------------------------------------------------------------------


def listed(town: Town, bearer: str = "") -> dict[str, bool]:
    """The rooms that somebody is told of, and whether they may read them."""
    rooms = ["coded", "lobby", "secret", "shut"]
    return {
        place.name: not town.policy.may_read(visitor, place)
        for visitor, place in town.doors.visits(rooms, HERE, bearer)
        if town.policy.may_name(visitor, place)
    }


@pytest.fixture
def street(town: Town) -> Town:
    town.decide(replace(WITH_CODE, keys=KEYS), "coded")
    town.decide(SHUT, "shut")
    town.decide(replace(NO_CHARTER, listed=False, hosts={"u1": Host("Ann", Rank.HOST)}), "secret")
    return town


def test_a_list_shows_names_and_what_each_person_may_read(street: Town, hashes: list[str]) -> None:
    assert listed(street) == {"coded": False, "lobby": True, "shut": False}
    host = street.tokens.write(new_identity("u1"))
    assert listed(street, host) == {"coded": False, "lobby": True, "secret": True, "shut": False}
    mine = street.tokens.write_pass("shut", "u2", 0)
    assert listed(street, mine) == {"coded": False, "lobby": True, "shut": True}
    assert listed(street, "s2") == {"coded": True, "lobby": True, "shut": False}
    assert hashes == []


def test_codes_are_not_tried_in_a_list(street: Town) -> None:
    """One code would be tried in all rooms at once."""
    for _ in range(2 * WRONG_TRIES):
        assert listed(street, "bcdfghjk") == listed(street)
    assert street.answer("bcdfghjk", "coded") is None


def test_a_server_with_a_password_lists_nothing_to_strangers() -> None:
    town = Town("Open sesame")
    town.decide(WITH_CODE, "coded")

    assert listed(town) == listed(town, "wrong") == {}
    assert listed(town, "Open sesame") == {
        "coded": False,
        "lobby": True,
        "secret": True,
        "shut": True,
    }


# -- the history -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ask",
    [
        lambda ring: ring.visit("class", HERE, ""),
        lambda ring: ring.visits(["class"], HERE, ""),
        lambda ring: ring.prove("class", HERE, Shown(key="x")),
    ],
)
def test_a_charter_that_is_none_is_no_open_door(town: Town, ask: Callable[[KeyRing], Any]) -> None:
    town.history.enact("class", "rubbish", None)

    with pytest.raises(HistoryUnavailable, match="another program has changed the file"):
        ask(town.doors)
