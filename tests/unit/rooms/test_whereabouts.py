"""Whereabouts: what is kept of addresses, and for how long."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from chatroom.rooms import whereabouts
from chatroom.rooms.whereabouts import ADDRESS_MS, Whereabouts

PROXIES = (ip_network("10.0.0.0/24"),)


class HandClock:
    now = 1_700_000_000_000

    def time_ns(self) -> int:
        return self.now * 1_000_000


@pytest.fixture
def known() -> Whereabouts:
    return Whereabouts(lambda: b"secret", PROXIES)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "::ffff:192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::1%eth0", True),
        ("fe80::1%eth0", "fe80::2%eth0", False),
    ],
)
def test_an_address_is_that_of_one_client(
    known: Whereabouts, one: str, other: str, *, same: bool
) -> None:
    assert (known.key(one) == known.key(other)) is same
    assert len(known.key(one)) == 16


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "unix", "", "10.0.0.7", "::ffff:10.0.0.7"]
)
def test_this_machine_and_proxies_are_nobodys_own(known: Whereabouts, address: str) -> None:
    assert known.key(address) == ""
    assert known.keys_of("class", "u1", [address]) == set()
    assert known.sharing("u1", {"u1": {address}, "u2": {address}}) is None


def test_what_is_kept_of_an_address_tells_nobody_which_it_is(known: Whereabouts) -> None:
    other = Whereabouts(lambda: b"another secret", PROXIES)
    assert "192.0.2.7" not in known.key("192.0.2.7")
    assert known.key("192.0.2.7") != other.key("192.0.2.7")


def test_the_address_of_whoever_has_gone_is_known_for_an_hour(
    known: Whereabouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = HandClock()
    monkeypatch.setattr(whereabouts, "time", clock)
    known.note("class", "u1", "192.0.2.7")
    known.note("class", "u2", "192.0.2.8")

    assert known.keys_of("class", "u1", ["192.0.2.9"]) == {
        known.key("192.0.2.7"),
        known.key("192.0.2.9"),
    }
    assert known.keys_of("garden", "u1", []) == set()

    clock.now += ADDRESS_MS + 1
    known.note("class", "u2", "192.0.2.8")
    assert known.keys_of("class", "u1", []) == set()
    known.forget_addresses()

    assert "192.0.2.7" not in str(vars(known))
    assert "192.0.2.8" in str(vars(known))
    assert known.knows("class", "u1")
    assert not known.knows("garden", "u1")


def test_whoever_went_the_longest_time_ago_is_forgotten(
    known: Whereabouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whereabouts, "MOST_PEOPLE", 2)
    for user_id in ("u1", "u2", "u1", "u3"):
        known.note("class", user_id, "192.0.2.7")

    assert [known.knows("class", user_id) for user_id in ("u1", "u2", "u3")] == [True, False, True]


def test_others_who_share_a_connection_are_counted(known: Whereabouts) -> None:
    people = {
        "u1": {"192.0.2.7", "127.0.0.1"},
        "u2": {"::ffff:192.0.2.7"},
        "u3": {"127.0.0.1"},
        "u4": {"192.0.2.8", "192.0.2.7"},
    }

    assert known.sharing("u1", people) == 2
    assert known.sharing("u4", people) == 2
    assert known.sharing("u9", people) is None
