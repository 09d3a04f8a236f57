"""Ruling: what each act of a host makes of a room's charter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from chatroom.errors import Refusal
from chatroom.rooms.charter import (
    MOST_BARRED,
    MOST_HOSTS,
    MOST_KEYS,
    MOST_LINKS,
    MOST_QUIET,
    NEVER,
    NO_CHARTER,
    Ban,
    Charter,
    Door,
    Host,
    Key,
    RoomLink,
    Speak,
)
from chatroom.rooms.codes import key_id
from chatroom.rooms.crowd import Known
from chatroom.rooms.ranks import Rank
from chatroom.rooms.ruling import Decision, link_key, rule, rule_for_all
from chatroom.wire.acts import (
    DAY,
    FASTEST,
    Act,
    Bar,
    EverybodyOut,
    Look,
    MakeHost,
    MakeKey,
    MakeLink,
    Quiet,
    RevokeKey,
    RevokeLink,
    SetRules,
    UnmakeHost,
    UseLink,
    UseOperatorLink,
)

NOW = 1_700_000_000_000

ANN = Known("u1", "Ann")
BOB = Known("u2", "Bob")

MADE = Charter({"u1": Host("Ann", Rank.MAKER)})


def act(charter: Charter, act: Act, who: Known = ANN, now: int = NOW) -> Decision:
    """In a room that knows Ann and Bob."""
    people = dict([ANN, BOB])
    return rule(charter, act, who, lambda user_id, name: people.get(user_id, name), now)


def refusal(charter: Charter, asked: Act, who: Known = BOB, now: int = NOW) -> str:
    with pytest.raises(Refusal) as refused:
        act(charter, asked, who, now)
    return str(refused.value)


# -- rules -----------------------------------------------------------------------------------------


def test_a_rule_that_is_not_named_stays_as_it_is() -> None:
    slow = act(MADE, SetRules("slow", 30, None))
    assert slow.charter == replace(MADE, speak=Speak.SLOW, slow_seconds=30)
    assert slow.what == "slow (30 s)"

    present = act(slow.charter, SetRules(None, None, True))
    assert present.charter == replace(slow.charter, needs_host=True)
    assert present.what == "slow (30 s), only while a host is here"

    hosts = act(present.charter, SetRules("hosts", None, False))
    assert hosts.charter == replace(MADE, speak=Speak.HOSTS, slow_seconds=30)
    assert hosts.what == "hosts"

    assert act(hosts.charter, SetRules("slow", None, None)).charter == slow.charter


def test_slow_is_never_as_fast_as_anybody_can_type() -> None:
    """A host who says nothing of seconds means some."""
    assert act(MADE, SetRules("slow", None, None)).charter.slow_seconds == FASTEST


# -- quiet and bar ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Quiet, Bar])
@pytest.mark.parametrize(
    ("seconds", "until", "what"),
    [(60, NOW + 60_000, "60 s"), (None, NEVER, "until undone")],
)
def test_somebody_is_quiet_or_barred_for_a_while(
    kind: type[Quiet | Bar], seconds: int | None, until: int, what: str
) -> None:
    decision = act(MADE, kind("u2", "somebody", seconds))

    assert bans(decision.charter, kind) == {"u2": Ban("Bob", until)}
    assert (decision.whom, decision.what) == (BOB, what)


@pytest.mark.parametrize("kind", [Quiet, Bar])
def test_that_is_undone_as_easily(kind: type[Quiet | Bar]) -> None:
    banned = act(MADE, kind("u2", "", None)).charter

    decision = act(banned, kind("u2", "", 0))

    assert decision.charter == MADE
    assert (decision.whom, decision.what) == (BOB, "undone")


@pytest.mark.parametrize("kind", [Quiet, Bar])
def test_another_time_takes_the_place_of_the_first(kind: type[Quiet | Bar]) -> None:
    banned = act(MADE, kind("u2", "", None)).charter

    assert bans(act(banned, kind("u2", "", 5)).charter, kind) == {"u2": Ban("Bob", NOW + 5000)}


def test_whoever_is_gone_is_named_as_the_host_names_them() -> None:
    assert act(MADE, Bar("u9", "Zoe", None)).whom == Known("u9", "Zoe")


@pytest.mark.parametrize("kind", [Quiet, Bar])
def test_of_a_name_without_end_only_the_beginning_is_kept(kind: type[Quiet | Bar]) -> None:
    """A charter that is megabytes long would keep all rooms waiting with each act."""
    charter, asked = MADE, [kind(f"v{n}", "\N{GRINNING FACE}" * 1000, None) for n in range(100)]
    for one in asked:
        charter = act(charter, one).charter

    assert len(charter.to_json().encode()) < 100 * 400
    assert {ban.name for ban in bans(charter, kind).values()} == {"\N{GRINNING FACE}" * 64}


def bans(charter: Charter, kind: type[Quiet | Bar]) -> Mapping[str, Ban]:
    return charter.quiet if kind is Quiet else charter.barred


# -- hosts -----------------------------------------------------------------------------------------


def test_a_host_is_made_and_unmade() -> None:
    made = act(MADE, MakeHost("u2", ""))
    assert made.charter.hosts == {**MADE.hosts, "u2": Host("Bob", Rank.HOST)}
    assert made.whom == BOB

    unmade = act(made.charter, UnmakeHost("u2"))
    assert (unmade.charter, unmade.whom) == (MADE, BOB)


def test_the_links_that_a_host_has_made_go_with_them() -> None:
    """Otherwise they would come back as a host, under another name."""
    ours = act(MADE, MakeLink(DAY, 1)).charter
    theirs = act(act(ours, MakeHost("u2", "")).charter, MakeLink(DAY, 1), BOB).charter
    assert len(theirs.links) == 2

    assert act(theirs, UnmakeHost("u2")).charter == ours
    assert act(theirs, UnmakeHost("u9")).charter == theirs
    removed = rule_for_all(MADE, theirs, Bar("u2", "", None), ANN, lambda _, name: name, NOW)
    assert removed.charter.links == ours.links


def test_who_is_a_host_already_stays_what_they_are() -> None:
    assert act(MADE, MakeHost("u1", "")).charter == MADE


def test_who_is_no_host_cannot_be_unmade_one() -> None:
    assert act(MADE, UnmakeHost("u2")).charter == MADE


@pytest.mark.parametrize("asked", [MakeHost("u2", ""), UseLink("secret")])
def test_a_host_passes_every_rule_so_what_held_them_back_is_over(asked: Act) -> None:
    ban = {"u2": Ban("Bob", NEVER), "u3": Ban("Carl", NEVER)}
    links = {link_key("secret"): RoomLink(NOW + 1, 1, "u1")}
    charter = replace(MADE, quiet=ban, barred=ban, links=links)

    after = act(charter, asked, BOB if isinstance(asked, UseLink) else ANN).charter

    assert after.rank_of("u2") is Rank.HOST
    assert list(after.quiet) == list(after.barred) == ["u3"]


# -- links -----------------------------------------------------------------------------------------


def linked(seconds: int = DAY, uses: int = 1, charter: Charter = MADE) -> tuple[Charter, UseLink]:
    decision = act(charter, MakeLink(seconds, uses))
    return decision.charter, UseLink(decision.secret)


def test_a_link_makes_whoever_opens_it_a_host() -> None:
    charter, link = linked()

    decision = act(charter, link, BOB)

    assert decision.charter.hosts == {**MADE.hosts, "u2": Host("Bob", Rank.HOST)}
    assert decision.whom == BOB


def test_the_log_tells_a_guests_link_from_a_hosts() -> None:
    made = act(MADE, MakeLink(3600, 1, "guest"), ANN)

    used = act(made.charter, UseLink(made.secret), BOB)

    assert (made.what, used.what) == ("3600 s, for guests", "as a guest")
    charter, link = linked()
    assert act(charter, link, BOB).what == ""


def test_the_store_never_has_the_links_secret() -> None:
    charter, (secret,) = linked()

    assert secret not in charter.to_json()
    assert len(secret) == 16
    assert linked()[1] != linked()[1]


def test_a_link_of_one_use_is_used_up_by_it() -> None:
    charter, link = linked()

    after = act(charter, link, BOB).charter

    assert [link.uses for link in after.links.values()] == [0]
    assert refusal(after, link, Known("u3", "Carl"))


def test_a_link_is_used_as_often_as_was_said() -> None:
    charter, link = linked(uses=3)
    for number in range(3):
        charter = act(charter, link, Known(f"v{number}", "")).charter

    assert len(charter.hosts) == 4
    assert refusal(charter, link, BOB)


def test_a_reload_uses_nothing_up() -> None:
    charter, link = linked(uses=2)
    first = act(charter, link, BOB).charter

    again = act(first, link, BOB)

    assert again.charter == first


def test_a_reload_is_no_error_though_the_link_is_used_up() -> None:
    charter, link = linked()
    first = act(charter, link, BOB).charter

    assert act(first, link, BOB).charter == first


def test_a_host_is_told_too_of_a_link_that_never_was_one() -> None:
    """It may have been an operator's: then they are to know that it made them none."""
    assert refusal(MADE, UseLink("unknown"), ANN).startswith("wrong-link: ")


def test_links_that_are_used_up_take_no_place_from_others() -> None:
    used = {f"k{number}": RoomLink(NOW + 1, 0, "") for number in range(MOST_LINKS)}

    assert len(linked(charter=replace(MADE, links=used))[0].links) == 1


def test_links_that_do_not_work_are_all_alike() -> None:
    """Whoever tries them must not learn which of them there once was."""
    charter, link = linked(seconds=60)
    (key,) = charter.links

    expired = refusal(charter, link, now=NOW + 60_000)
    revoked = refusal(act(charter, RevokeLink(key)).charter, link)
    used_up = refusal(act(charter, link, Known("u3", "Carl")).charter, link)
    unknown = refusal(charter, UseLink("unknown"))

    assert expired == revoked == used_up == unknown
    assert unknown.startswith("wrong-link: ")


def test_a_link_works_until_its_last_moment() -> None:
    charter, link = linked(seconds=60)

    assert "u2" in act(charter, link, BOB, now=NOW + 59_999).charter.hosts


def test_only_a_link_that_there_is_can_be_revoked() -> None:
    assert refusal(MADE, RevokeLink("k"), ANN).startswith("gone: ")


# -- the operator's link ---------------------------------------------------------------------------


def test_an_operators_link_works_once() -> None:
    link = UseOperatorLink("nonce", NOW + 600_000)

    after = act(NO_CHARTER, link, BOB).charter

    assert after.hosts == {"u2": Host("Bob", Rank.OPERATOR)}
    assert refusal(after, link, Known("u3", "Carl")) == refusal(MADE, UseLink("unknown"))


def test_a_reload_of_an_operators_link_is_no_error() -> None:
    link = UseOperatorLink("nonce", NOW + 600_000)
    after = act(NO_CHARTER, link, BOB).charter

    assert act(after, link, BOB).charter == after


def test_what_is_kept_of_an_operators_link_is_no_link_itself() -> None:
    after = act(NO_CHARTER, UseOperatorLink("nonce", NOW + 600_000), BOB).charter

    assert refusal(after, UseLink("nonce"), Known("u3", "Carl")).startswith("wrong-link: ")
    assert after.at(NOW + 600_000).links == {}


# -- limits ----------------------------------------------------------------------------------------


def full(count: int) -> dict[str, Ban]:
    return {f"v{number}": Ban("", NEVER) for number in range(count)}


@pytest.mark.parametrize(
    ("charter", "asked"),
    [
        (replace(MADE, quiet=full(MOST_QUIET)), Quiet("u2", "", 60)),
        (replace(MADE, barred=full(MOST_BARRED)), Bar("u2", "", 60)),
        (
            Charter({f"v{i}": Host("", Rank.HOST) for i in range(MOST_HOSTS)}),
            MakeHost("u2", ""),
        ),
        (
            replace(MADE, links={f"k{i}": RoomLink(NOW + 1, 1, "") for i in range(MOST_LINKS)}),
            MakeLink(DAY, 1),
        ),
    ],
)
def test_a_charter_has_room_for_so_many_and_says_what_to_do(charter: Charter, asked: Act) -> None:
    assert re.match(
        "too-many: There are already 10+; undo one of them first.", refusal(charter, asked)
    )


def test_what_is_over_takes_no_place_and_what_is_there_can_be_changed_and_undone() -> None:
    over = {name: Ban("", NOW) for name in full(MOST_QUIET)}
    assert list(act(replace(MADE, quiet=over), Quiet("u2", "", 60)).charter.quiet) == ["u2"]

    crowded = replace(MADE, quiet=full(MOST_QUIET))
    assert act(crowded, Quiet("v0", "", 60)).charter.quiet["v0"].until == NOW + 60_000
    assert "v0" not in act(crowded, Quiet("v0", "", 0)).charter.quiet


def test_looking_decides_nothing() -> None:
    assert act(MADE, Look()) == Decision(MADE)


# -- doors -----------------------------------------------------------------------------------------


def door(charter: Charter, **rules: object) -> Decision:
    return act(charter, SetRules(None, None, None)._replace(**rules))


def test_a_door_with_a_code_gets_one_and_keeps_it() -> None:
    coded = door(MADE, door="code")
    code = coded.charter.code
    assert coded.charter == replace(MADE, door=Door.CODE, code=code)
    assert coded.told == {"code": code}
    assert coded.what == "everybody, open with the code, new code"

    shut = door(coded.charter, door="shut")
    assert shut.charter == replace(coded.charter, door=Door.SHUT)
    assert shut.what == "everybody, nobody new"
    assert door(door(shut.charter, door="open").charter, door="code").charter == coded.charter


def test_a_host_has_another_code_made_or_makes_one_up() -> None:
    first = door(MADE, door="code").charter

    second = door(first, code="")
    assert second.charter == replace(first, code=second.charter.code)
    assert second.charter.code not in ("", first.code)
    typed = door(second.charter, code_hash="salt:hash")
    assert typed.charter == replace(first, code="", code_hash="salt:hash")
    assert (typed.told, typed.what) == ({}, "everybody, open with the code, new code")
    assert door(typed.charter, door="code").charter == typed.charter
    assert door(typed.charter, code="").charter.code_hash == ""


def test_a_code_that_nobody_has_hashed_is_not_taken() -> None:
    with pytest.raises(Refusal, match="send it again"):
        door(MADE, door="code", code="Open sesame")


def test_no_code_is_in_the_host_log() -> None:
    decision = door(MADE, door="code")
    assert decision.charter.code not in decision.what


def test_a_room_can_be_in_no_list() -> None:
    hidden = door(MADE, listed=False)
    assert (hidden.charter, hidden.what) == (replace(MADE, listed=False), "everybody, not listed")
    shown = door(hidden.charter, listed=True)
    assert (shown.charter, shown.what) == (MADE, "everybody, listed")


def test_everybody_out_makes_all_passes_worthless() -> None:
    assert act(act(MADE, EverybodyOut()).charter, EverybodyOut()).charter == replace(MADE, epoch=2)


@pytest.mark.parametrize(("may_say", "what"), [(True, "to speak"), (False, "to read")])
def test_a_key_is_made_once_and_kept_as_a_hash(may_say: bool, what: str) -> None:
    made = act(MADE, MakeKey("CI", may_say))

    secret, user_id = made.told["key"], made.told["userId"]
    assert made.charter.keys == {key_id(secret): Key("CI", may_say, user_id)}
    assert (made.whom, made.what) == (Known(user_id, "CI"), what)
    assert secret not in made.charter.to_json()
    assert made.charter.scripts == {user_id}


def test_two_keys_are_not_called_alike() -> None:
    made = act(MADE, MakeKey("CI", True)).charter
    assert refusal(made, MakeKey("CI", False), ANN).startswith("name-taken: There is a key called")


def test_a_key_that_is_revoked_is_a_host_no_more() -> None:
    made = act(MADE, MakeKey("CI", True))
    user_id = made.told["userId"]
    host = act(made.charter, MakeHost(user_id, "CI")).charter
    host = act(host, MakeLink(DAY, 1), Known(user_id, "CI")).charter

    revoked = act(host, RevokeKey(user_id))

    assert revoked.charter == MADE
    assert revoked.whom == Known(user_id, "CI")
    assert refusal(MADE, RevokeKey(user_id), ANN) == "gone: There is no such key."


def test_there_are_only_so_many_keys() -> None:
    keys = {str(n): Key(f"CI {n}", True, str(n)) for n in range(MOST_KEYS)}
    assert refusal(replace(MADE, keys=keys), MakeKey("CI", True), ANN).startswith("too-many: ")
