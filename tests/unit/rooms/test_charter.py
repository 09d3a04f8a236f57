"""Charter: what a room has decided about itself, as a value and as a store's text."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.rooms.charter import (
    NEVER,
    NO_CHARTER,
    Ban,
    Charter,
    Door,
    FilesFrom,
    Host,
    House,
    Key,
    RoomLink,
    Speak,
    Sweep,
    Unchecked,
    WatchedAddress,
)
from chatroom.rooms.ranks import Rank
from chatroom.users.http_speaker import HttpSpeaker
from tests.support.strategies import TEXTS

NOW = 1_700_000_000_000

TIMES = st.integers(0, 4_000_000_000_000)
BANS = st.dictionaries(TEXTS, st.builds(Ban, TEXTS, st.just(NEVER) | TIMES), max_size=3)
RANKS = st.sampled_from([Rank.HOST, Rank.MAKER, Rank.OPERATOR])

SEQS = st.integers(0, 1 << 40)
WHO = (TEXTS,) * 5
SWEEPS = st.builds(Sweep, st.booleans(), TEXTS, SEQS, SEQS, SEQS, *WHO)

CHARTERS = st.builds(
    Charter,
    hosts=st.dictionaries(TEXTS, st.builds(Host, TEXTS, RANKS), max_size=3),
    quiet=BANS,
    barred=BANS,
    links=st.dictionaries(
        TEXTS, st.builds(RoomLink, TIMES, st.integers(0, 1000), TEXTS, st.booleans()), max_size=3
    ),
    speak=st.sampled_from(Speak),
    slow_seconds=st.integers(0, 600),
    needs_host=st.booleans(),
    door=st.sampled_from(Door),
    listed=st.booleans(),
    code=TEXTS,
    code_hash=TEXTS,
    epoch=st.integers(0, 1000),
    keys=st.dictionaries(TEXTS, st.builds(Key, TEXTS, st.booleans(), TEXTS), max_size=3),
    unchecked=st.sampled_from(Unchecked),
    files=st.sampled_from(FilesFrom),
    watched=st.dictionaries(
        TEXTS, st.builds(WatchedAddress, TEXTS, TEXTS, TIMES, TIMES), max_size=3
    ),
    sweeps=st.lists(SWEEPS, max_size=2).map(tuple),
    reactions=st.booleans(),
)


FULL = Charter(
    unchecked=Unchecked.NO,
    files=FilesFrom.HOSTS,
    watched={"k": WatchedAddress("u1", "Bob", 1, 2)},
    sweeps=(Sweep(False, "u1", 0, 9), Sweep(False, "", 0, 9, began=7, restores=5, but=("u3",))),
)


@pytest.mark.parametrize("parts", [10, 13])
def test_what_an_older_program_has_begun_goes_on(parts: int) -> None:
    sweep = Sweep(True, "", 3, 9, 2, "erase", "u1", "Ann")

    text = json.dumps({"sweeps": [list(sweep)[:parts]]})

    assert Charter.parse(text).sweeps == (sweep,)


@given(CHARTERS)
def test_a_charter_comes_back_from_the_store_as_it_was(charter: Charter) -> None:
    assert Charter.parse(charter.to_json()) == charter


def test_a_room_that_has_decided_nothing_keeps_nothing() -> None:
    assert Charter().to_json() == ""
    assert Charter.parse("") == NO_CHARTER


def test_what_an_older_program_did_not_know_of_is_as_if_not_decided() -> None:
    assert Charter.parse('{"speak": "hosts"}') == replace(NO_CHARTER, speak=Speak.HOSTS)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "null",
        "[]",
        '"slow"',
        '{"speak": "shout"}',
        '{"speak": ["slow"]}',
        '{"hosts": {"u1": ["Ann", "king"]}}',
        '{"hosts": {"u1": ["Ann", ""]}}',
        '{"hosts": {"u1": ["Ann"]}}',
        '{"hosts": {"u1": [5, "host"]}}',
        '{"hosts": ["u1"]}',
        '{"quiet": {"u1": "Bob"}}',
        '{"quiet": {"u1": ["Bob", "tomorrow"]}}',
        '{"quiet": {"u1": ["Bob", null]}}',
        '{"barred": {"u1": ["Bob", 1, 2]}}',
        '{"barred": {"u1": [1, 1]}}',
        '{"links": {"k": [1, 1]}}',
        '{"links": {"k": ["soon", 1, "u1"]}}',
        '{"links": {"k": [1, true, "u1"]}}',
        '{"slowSeconds": "5"}',
        '{"slowSeconds": null}',
        '{"needsHost": 1}',
        '{"unchecked": "maybe"}',
        '{"unchecked": ["no"]}',
        '{"files": "some"}',
        '{"reactions": 1}',
        '{"watched": {"k": ["u1", "Bob", 1]}}',
        '{"watched": {"k": ["u1", "Bob", "now", 1]}}',
        '{"sweeps": 1}',
        '{"sweeps": ["abcdefghij"]}',
        '{"sweeps": [[false, "", 0, 1, 0, "", "", "", "", "", 0, 0, [], 1]]}',
        '{"sweeps": [[false, "u1", 0, 1]]}',
        '{"sweeps": [[0, "u1", 0, 1, 0, "bar", "u1", "Ann", "u2", "Bob"]]}',
        '{"door": "ajar"}',
        '{"door": ["open"]}',
        '{"listed": 1}',
        '{"code": 5}',
        '{"codeHash": null}',
        '{"epoch": true}',
        '{"epoch": "1"}',
        '{"keys": {"k": ["CI", 1, "u1"]}}',
        '{"keys": {"k": ["CI", true]}}',
        '{"keys": {"k": [5, true, "u1"]}}',
    ],
)
def test_rubbish_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Charter.parse(text)


@given(
    st.dictionaries(
        st.sampled_from(list(json.loads(FULL.to_json()))),
        st.recursive(
            st.none() | st.booleans() | st.integers() | TEXTS,
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
            max_leaves=6,
        ),
    )
)
def test_any_json_is_a_charter_that_works_or_is_refused(fields: dict[str, object]) -> None:
    try:
        charter = Charter.parse(json.dumps(fields))
    except ValueError:
        return
    assert Charter.parse(charter.to_json()) == charter
    assert charter.at(NOW).rules == charter.rules


def test_what_is_over_is_left_out() -> None:
    ends = {
        "over": Ban("Bob", NOW),
        "going on": Ban("Carl", NOW + 1),
        "for good": Ban("Dora", NEVER),
    }
    links = {"over": RoomLink(NOW, 1, "u1"), "going on": RoomLink(NOW + 1, 1, "u1")}
    charter = replace(NO_CHARTER, quiet=ends, barred=ends, links=links)

    now = charter.at(NOW)

    assert list(now.quiet) == list(now.barred) == ["going on", "for good"]
    assert list(now.links) == ["going on"]


@pytest.mark.parametrize(
    ("until", "holds"), [(NOW - 1, False), (NOW, False), (NOW + 1, True), (NEVER, True)]
)
def test_a_ban_holds_until_its_end(until: int, *, holds: bool) -> None:
    charter = Charter(quiet={"u1": Ban("Bob", until)}, barred={"u1": Ban("Bob", until)})

    assert charter.is_quiet("u1", NOW) is charter.is_barred("u1", NOW) is holds
    assert not charter.is_quiet("u2", NOW)
    assert not charter.is_barred("", NOW)


def test_only_a_room_without_rules_and_bans_lets_all_speak() -> None:
    ban = {"u1": Ban("Bob", NEVER)}
    assert NO_CHARTER.lets_all_speak
    assert Charter({"u1": Host("Ann", Rank.MAKER)}).lets_all_speak
    for closed in (
        Charter(speak=Speak.SLOW),
        Charter(speak=Speak.HOSTS),
        Charter(needs_host=True),
        Charter(quiet=ban),
        Charter(barred=ban),
        Charter(unchecked=Unchecked.NO),
        Charter(watched={"k": WatchedAddress("u1", "Bob", 1, 2)}),
    ):
        assert not closed.lets_all_speak


def test_a_time_is_told_as_clients_read_it() -> None:
    assert Ban("Bob", NOW).ends == "2023-11-14T22:13:20.000Z"
    assert Ban("Bob", NEVER).ends == ""


# -- the operator's own commands -------------------------------------------------------------------


def test_an_operators_link_is_a_rank_until_it_has_made_an_operator() -> None:
    house = House(Charter(links={"opened": RoomLink(NOW, 0, "u1")}))

    assert house.rank_by("new") is Rank.OPERATOR
    assert house.rank_by("opened") is house.rank_by("") is Rank.EVERYONE


def test_who_comes_with_a_link_is_the_one_without_an_id() -> None:
    """Nobody else in the room becomes more by that, nor do others without an id by another's."""
    house = House(Charter({"u3": Host("Zoe", Rank.OPERATOR)}))
    charter = Charter({"u1": Host("Ann", Rank.MAKER)})
    operator = HttpSpeaker("class", "", operator_link="new")

    ranks = [house.ranks(charter, operator)(user_id) for user_id in ("", "u1", "u2", "u3")]
    others = house.ranks(charter, HttpSpeaker("class", ""))

    assert ranks == [Rank.OPERATOR, Rank.MAKER, Rank.EVERYONE, Rank.OPERATOR]
    assert others("") is Rank.EVERYONE
