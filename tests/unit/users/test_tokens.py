"""Identity: a token brings back who somebody was, and nobody else can make one."""

from __future__ import annotations

import time

import pytest
from itsdangerous import URLSafeSerializer

from chatroom.history.deleted import mark
from chatroom.users.tokens import (
    LINK_SECONDS,
    Identity,
    Pass,
    Tokens,
    host_link,
    new_identity,
)

SECRET = b"s" * 32
TOKENS = Tokens(SECRET)


def test_a_token_names_whom_it_was_made_for() -> None:
    identity = new_identity()
    assert TOKENS.read(TOKENS.write(identity)) == identity


def test_everybody_new_is_somebody_else() -> None:
    assert len({new_identity().user_id for _ in range(100)}) == 100


def test_nobodys_id_looks_like_an_option_of_a_command() -> None:
    assert not any(new_identity().user_id.startswith("-") for _ in range(1000))


def test_another_tab_is_the_same_user() -> None:
    first = new_identity()
    second = new_identity(first.user_id)
    assert (second.user_id == first.user_id, second.tab == first.tab) == (True, False)


FORGED = {
    "nothing": "",
    "a letter": "x",
    "no ASCII": "\xe9",
    "no UTF-8": "\ud800",
    "no signature": "a.b",
    "another server's": Tokens(b"t" * 32).write(new_identity()),
    "a part of one": TOKENS.write(new_identity())[:-1],
    "more than one": "x" + TOKENS.write(new_identity()),
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_what_we_did_not_sign_names_nobody(token: str) -> None:
    assert TOKENS.read(token) is None


def test_a_token_has_only_what_a_header_or_a_url_can_hold() -> None:
    assert TOKENS.write(Identity("a", "b")).isascii()


def test_an_operators_link_is_good_for_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = TOKENS.write_operator_link(), TOKENS.write_operator_link()
    read = TOKENS.read_operator_link(first)
    assert read
    assert read != TOKENS.read_operator_link(second)

    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + LINK_SECONDS + 1)
    assert TOKENS.read_operator_link(first) is None


@pytest.mark.parametrize("link", FORGED.values(), ids=FORGED)
def test_what_we_did_not_sign_makes_nobody_an_operator(link: str) -> None:
    assert TOKENS.read_operator_link(link) is None


def test_a_token_is_no_link_and_a_link_no_token() -> None:
    assert TOKENS.read_operator_link(TOKENS.write(new_identity())) is None
    assert TOKENS.read(TOKENS.write_operator_link()) is None


def test_a_pass_says_whom_it_lets_in_and_since_when() -> None:
    written = TOKENS.write_pass("class", "u1", 3)
    assert TOKENS.read_pass(written, "class") == Pass("u1", 3, knows_password=True)
    assert TOKENS.read_pass(written, "other") is None
    assert written.isascii()


def test_a_pass_is_good_whatever_the_user_id_looks_like() -> None:
    for user_id in "a.b", "", "-_", "K\u00fcche":
        written = TOKENS.write_pass("class", user_id, 0)
        assert TOKENS.read_pass(written, "class") == Pass(user_id, 0, knows_password=True)


def test_a_pass_notices_another_password() -> None:
    one, two = Tokens(b"s" * 32, "one"), Tokens(b"s" * 32, "two")
    read = two.read_pass(one.write_pass("class", "u1", 0), "class")
    assert read == Pass("u1", 0, knows_password=False)


def test_a_pass_of_a_deleted_room_is_none_for_the_next_one_of_its_name() -> None:
    secret = b"s" * 32
    once = Tokens(secret, deleted={mark(secret, "class"): b"once"})
    twice = Tokens(secret, deleted={mark(secret, "class"): b"twice"})

    for old, new in ((TOKENS, once), (once, twice), (twice, TOKENS)):
        assert new.read_pass(old.write_pass("class", "u1", 0), "class") is None
        assert new.read_pass(new.write_pass("class", "u1", 0), "class")
        assert new.read_pass(old.write_pass("garden", "u1", 0), "garden")


@pytest.mark.parametrize("text", FORGED.values(), ids=FORGED)
def test_what_we_did_not_sign_is_no_pass(text: str) -> None:
    assert TOKENS.read_pass(text, "class") is None
    assert TOKENS.read_pass(TOKENS.write(new_identity()), "class") is None


def test_an_operators_link_can_be_good_for_less(monkeypatch: pytest.MonkeyPatch) -> None:
    link = TOKENS.write_operator_link(60)
    assert TOKENS.read_operator_link(link)

    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert TOKENS.read_operator_link(link) is None


@pytest.mark.parametrize(
    ("room", "where"), [("lobby", "/"), ("garden", "/rooms/garden"), ("Büro", "/rooms/B%C3%BCro")]
)
def test_a_link_has_its_secret_where_no_server_sees_it(room: str, where: str) -> None:
    assert host_link("http://a:1", room, "s") == f"http://a:1{where}#host=s"


def test_tokens_of_earlier_versions_are_good() -> None:
    """They were made by itsdangerous alone, which compresses what gets shorter."""
    earlier = URLSafeSerializer(SECRET, salt="chatroom.v1 token")
    for identity in (Identity("Xk3abcdefgh1", "Qw7zabcd"), Identity("a" * 12, "a" * 200)):
        assert TOKENS.read(str(earlier.dumps(list(identity)))) == identity
        assert tuple(earlier.loads(TOKENS.write(identity))) == identity


def test_an_identity_is_a_user_and_a_tab_of_their_usual_length() -> None:
    made = [new_identity() for _ in range(200)]
    assert {(len(one.user_id), len(one.tab)) for one in made} == {(12, 8)}
    assert not any(one.user_id.startswith("-") for one in made)
    assert new_identity(made[0].user_id).user_id == made[0].user_id
