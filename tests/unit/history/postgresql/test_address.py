"""Addresses of databases, and that no password is ever shown."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chatroom.history.postgresql.address import has_password, is_address, masked, passwords


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://",
        "postgres://db.example",
        "postgresql://chat@db.example:5433/chat?sslmode=require",
        "postgresql://chat:a%20b@[::1]/chat",
        "postgresql:///chat?host=/run/postgresql",
        "postgresql://one:5432,two:5433/chat?target_session_attrs=any",
    ],
)
def test_what_libpq_takes_is_an_address(url: str) -> None:
    assert is_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "postgresql:",
        "postgresql:/db",
        "mysql://db",
        "host=db",
        "postgresql://a b",
        "postgresql://a\0",
        "postgresql://\ud800",
        "postgresql://a\nb",
    ],
)
def test_anything_else_is_none(url: str) -> None:
    assert not is_address(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://chat@db/chat", "postgresql://chat@db/chat"),
        ("postgresql://db:5432/chat", "postgresql://db:5432/chat"),
        ("postgresql://chat:sesame@db:5432/chat", "postgresql://chat:***@db:5432/chat"),
        ("postgres://:sesame@db", "postgres://:***@db"),
        ("postgresql://chat:ses@me@db/chat", "postgresql://chat:***@db/chat"),
        ("postgresql://chat:ses/am:e@db/chat", "postgresql://chat:***@db/chat"),
        ("postgresql://chat:se?s#me@db/chat", "postgresql://chat:***@db/chat"),
        ("postgresql://db/chat?password=sesame", "postgresql://db/chat?password=***"),
        ("postgresql://db/chat?a=b&passw%6Frd=sesame", "postgresql://db/chat?a=b&passw%6Frd=***"),
        ("postgresql://db/?sslpassword=sesame&a=b", "postgresql://db/?sslpassword=***&a=b"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert masked(url) == shown


@pytest.mark.parametrize(
    "text",
    [
        "postgresql:/chat:sesame@db",
        "postgressql://chat:sesame@db",
        "chat:sesame@db",
        "host=db password=sesame user=chat",
    ],
)
def test_what_is_no_address_does_not_show_it_either(text: str) -> None:
    assert "sesame" not in masked(text)


@pytest.mark.parametrize("text", ["", "memory:", "sqlite:chat.db", "redis:x"])
def test_what_has_no_password_is_shown_as_it_is(text: str) -> None:
    assert masked(text) == text


@given(password=st.text(st.characters(codec="utf-8"), min_size=8))
def test_whatever_the_password_is_it_is_not_shown(password: str) -> None:
    assume(password not in masked("postgresql://chat:secret@db.example/chat"))  # such as postgres
    url = f"postgresql://chat:{password}@db.example/chat"

    assert password not in masked(url)
    assert masked(url).startswith("postgresql://chat:***@")


def test_passwords_are_known_as_they_stand_there_and_decoded() -> None:
    url = "postgresql://chat:a%2Fb@db/chat?sslpassword=c"

    assert set(passwords(url)) == {"a%2Fb", "a/b", "c"}
    assert has_password(url)
    assert not has_password("postgresql://chat@db/chat")
    assert not has_password("sqlite:a:b@c")
