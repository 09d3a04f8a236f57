"""Order: what is said gets its place, also if the answer comes late."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from chatroom.message import Draft, Message
from chatroom.rooms.charter import Charter, Host, Speak
from chatroom.rooms.ranks import Rank
from chatroom.rooms.verdicts import Placed
from chatroom.users.http_speaker import HttpSpeaker, Ruled
from chatroom.users.requests import Ruling, Said
from chatroom.wire.acts import SetRules
from tests.support.deadline import DEADLINE, wait_for
from tests.support.histories import said
from tests.support.in_memory_room import InMemoryServer, TypedGuest


@pytest.fixture
def club() -> Iterator[InMemoryServer]:
    """Its order answers when the test says."""
    with ExitStack() as stack:
        yield InMemoryServer(stack, late={"order"})


def commit(club: InMemoryServer) -> None:
    """What was said is stored, and the Server does not know it yet."""
    club.order.commit()
    club.settle()


def tell(club: InMemoryServer) -> None:
    """Now it does."""
    club.order.tell()
    club.settle()


def enter(club: InMemoryServer, name: str = "Ann", room: str = "lobby", **hello: str) -> TypedGuest:
    return TypedGuest(club, name, room, {}, **hello)


def bodies(guest: TypedGuest) -> list[str]:
    return [frame["body"] for frame in guest.heard() if "body" in frame]


def test_nobody_hears_what_is_on_its_way_to_the_history(club: InMemoryServer) -> None:
    ann, bob = club.join("Ann"), club.join("Bob")
    ann.say("one")
    club.settle()
    commit(club)
    assert ann.heard() == bob.heard() == []

    tell(club)
    assert ann.heard() == bob.heard() == ["one"]


def test_what_is_said_meanwhile_waits_and_is_the_next_batch(club: InMemoryServer) -> None:
    ann = club.join("Ann")
    ann.say("one")
    club.settle()
    ann.say("two")
    ann.say("three")
    club.settle()
    commit(club)
    tell(club)
    assert club.disk.transactions == [["one"]]

    commit(club)
    tell(club)

    assert club.disk.transactions == [["one"], ["two", "three"]]
    assert ann.heard() == ["one", "two", "three"]


def test_people_come_in_meanwhile_and_miss_nothing(club: InMemoryServer) -> None:
    ann = club.join("Ann")
    ann.say("one")
    club.settle()
    before = club.join("Bob")
    commit(club)
    after = club.join("Carl")
    tell(club)

    assert before.heard() == after.heard() == ["one"]


def test_who_leaves_behind_its_words_has_said_them(club: InMemoryServer) -> None:
    """The words wait for the batch before; the leaving must not overtake them."""
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    ann.say("first")
    bob.say("last words")
    bob.leave()
    for _ in range(2):
        commit(club)
        tell(club)

    assert bodies(ann) == club.disk.stored() == ["first", "last words"]


def test_a_rename_keeps_its_place_between_messages(club: InMemoryServer) -> None:
    ann = enter(club, "Ann")
    ann.say("one")
    ann.send("rename", userName="Anna")
    ann.say("two")
    for _ in range(2):
        commit(club)
        tell(club)

    assert [message.user_name for message in club.disk.messages()] == ["Ann", "Anna"]


def test_an_arrival_waits_until_the_room_has_what_it_has_seen(club: InMemoryServer) -> None:
    """It has read a message over HTTP that the room is yet to hear: else it would get it twice."""
    ann = club.join("Ann")
    ann.say("one")
    club.settle()
    commit(club)
    bob = enter(club, "Bob", since=club.disk.messages()[-1].id)
    bob.say("two")
    assert bob.heard() == []

    tell(club)
    commit(club)
    tell(club)

    welcome, *rest = bob.heard()
    assert welcome["recovered"]
    assert welcome["last"] == club.disk.messages()[0].id
    assert [frame.get("type", "message") for frame in rest] == ["live", "message", "ack"]
    assert ann.heard() == ["one", "two"]


def test_a_room_is_opened_at_one_moment(
    club: InMemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is committed while it is read is no part of it yet, and comes later."""
    club.remember(2)
    tail = club.disk.tail

    def tail_and_then_one_more(room: str, limit: int, max_bytes: int) -> list[Message]:
        found = tail(room, limit, max_bytes)
        club.disk.append(said(room, 3))
        return found

    monkeypatch.setattr(club.disk, "tail", tail_and_then_one_more)

    assert club.join("Ann").heard() == ["1", "2"]
    assert club.server._rooms["lobby"].seq == 2


def test_a_room_that_has_heard_some_before_their_outcome_tells_only_the_rest() -> None:
    """Its speakers are told of all: see the Broadcaster."""
    messages = said("lobby", 3, 3)
    drafts = [Said(None, Draft("", message.body, ""), 0) for message in messages]  # type: ignore[arg-type]
    placed = Placed(drafts, messages, [b"3", b"4", b"5"])

    assert placed.after(2) is placed
    assert placed.after(4) == Placed(drafts[2:], messages[2:], [b"5"])
    assert placed.after(5) == Placed([], [], [])


def test_who_speaks_is_told_of_what_the_room_has_heard_already(club: InMemoryServer) -> None:
    """As from another process: nobody hears it twice, and the ack comes once."""
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    ann.say("one")
    commit(club)
    ((verdict,),) = club.order._outcomes
    club.server._broadcaster._tell([verdict])
    heard = bodies(bob)
    ann.heard()

    tell(club)

    assert heard == ["one"]
    assert bodies(bob) == []
    assert [frame.get("type") for frame in ann.heard()] == ["ack"]


def test_a_room_with_messages_under_way_is_kept(club: InMemoryServer) -> None:
    """Nobody is in it: they are said over HTTP."""
    said_there = club.said_over_http("garden", "hello")
    assert club.rooms() == ["garden"]
    commit(club)
    assert club.rooms() == ["garden"]

    tell(club)

    assert club.rooms() == []
    assert said_there.outcome.result(0).message.body == "hello"


def test_what_could_not_be_stored_is_told_late_as_well(club: InMemoryServer) -> None:
    ann, bob = enter(club, "Ann"), enter(club, "Bob")
    club.disk.failing.add("append")
    ann.say("lost")
    ann.say("behind it")
    bob.say("heard")
    commit(club)
    club.disk.failing.clear()
    tell(club)
    commit(club)
    tell(club)

    assert [f["code"] for f in ann.heard() if "code" in f] == ["not-stored"]
    assert club.disk.stored() == bodies(bob) == ["heard"]


def test_what_is_sent_again_is_stored_once_and_answered_each_time(club: InMemoryServer) -> None:
    ann = enter(club, "Ann")
    ann.send("message", cmid="a", body="one")
    commit(club)
    tell(club)
    ann.heard()
    for cmid, body in ("a", "one"), ("b", "two"), ("b", "two"), ("a", "another"):
        ann.send("message", cmid=cmid, body=body)
    for _ in range(2):
        commit(club)
        tell(club)

    assert club.disk.stored() == ["one", "two"]
    answers = [frame for frame in ann.heard() if "type" in frame]
    assert [(f["type"], f["cmid"]) for f in answers] == [
        *(("ack", "a"), ("error", "a"), ("ack", "b"), ("ack", "b"))
    ]


# -- acts of hosts ---------------------------------------------------------------------------------


def answer(club: InMemoryServer) -> None:
    commit(club)
    tell(club)


def kinds(guest: TypedGuest) -> list[str]:
    return [frame.get("type", "message") for frame in guest.heard()]


def rule_hosts_only(guest: TypedGuest) -> None:
    guest.send("host", cmid="h", act="rules", speak="hosts")


def test_nobody_hears_of_an_act_before_it_is_stored(club: InMemoryServer) -> None:
    ann, bob = enter(club, "Ann", "class"), enter(club, "Bob", "class")
    ann.heard(), bob.heard()

    rule_hosts_only(ann)
    commit(club)
    assert ann.heard() == bob.heard() == []
    assert Charter.parse(club.disk.charter("class")).speak is Speak.HOSTS

    tell(club)
    assert (kinds(ann), kinds(bob)) == (["rules", "log", "done"], ["rules"])


def test_an_act_keeps_its_place_among_what_is_said(club: InMemoryServer) -> None:
    """What was said before it is said, and what comes after it is judged by it."""
    ann, bob = enter(club, "Ann", "class"), enter(club, "Bob", "class")
    bob.say("one")
    rule_hosts_only(ann)
    bob.say("two")
    bob.heard()
    for _ in range(3):
        answer(club)

    assert club.disk.stored("class") == ["one"]
    assert [f.get("code", f.get("type")) for f in bob.heard()] == [None, "ack", "rules", "paused"]


def test_an_act_waits_for_the_one_before(club: InMemoryServer) -> None:
    """Otherwise each would be made of the same charter, and one would be lost."""
    ann, bob = enter(club, "Ann", "class"), enter(club, "Bob", "class")
    rule_hosts_only(ann)
    ann.send("host", cmid="q", act="quiet", userId=bob.user.user_id)
    for _ in range(2):
        answer(club)

    charter = Charter.parse(club.disk.charter("class"))
    assert charter.speak is Speak.HOSTS
    assert list(charter.quiet) == [bob.user.user_id]
    assert club.server._rooms["class"].charter == charter


def test_a_room_with_an_act_under_way_is_kept(club: InMemoryServer) -> None:
    club.disk.enact("class", Charter({"u1": Host("Ann", Rank.HOST)}).to_json(), None)
    speaker = HttpSpeaker("class", "", user_id="u1")
    club.server.broadcast.put(Ruling(speaker, SetRules("hosts", None, None)))
    club.settle()
    assert club.rooms() == ["class"]

    answer(club)

    assert speaker.outcome.result(0) == Ruled({})
    assert club.rooms() == []


def test_who_becomes_the_maker_while_the_first_message_is_under_way_is_stored_as_such(
    club: InMemoryServer,
) -> None:
    """The message is a plain user's, and the maker came too late to be stored with it."""
    old = club.join("Old", "class")
    old.say("one")
    club.settle()
    commit(club)
    ann = enter(club, "Ann", "class")
    tell(club)
    assert ann.heard()[0]["role"] == "maker"

    old.say("two")
    club.settle()
    answer(club)

    assert list(Charter.parse(club.disk.charter("class")).hosts) == [ann.user.user_id]


def test_stopping_waits_for_what_is_under_way_and_all_behind_it(club: InMemoryServer) -> None:
    ann = club.join("Ann")
    club.server.start()
    ann.say("one")
    wait_for(lambda: club.order.is_busy, "the first batch")
    ann.say("two")
    stop = threading.Thread(target=club.server.stop)
    stop.start()
    for _ in range(2):
        wait_for(lambda: club.order.is_busy, "a batch")
        assert stop.is_alive()
        club.order.commit()
        club.order.tell()
    stop.join(DEADLINE)

    assert not stop.is_alive()
    assert ann.heard() == ["one", "two"]


def test_stopping_forgets_nothing_when_the_answer_comes_as_the_channels_close(
    club: InMemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waited for the answer is announced again behind the end of all that was put."""
    ann = club.join("Ann")
    ann.say("one")
    club.settle()
    ann.say("two")
    close = club.server.tasks.close

    def close_and_answer() -> None:
        close()
        club.order.commit()
        club.order.tell()

    monkeypatch.setattr(club.server.tasks, "close", close_and_answer)
    club.server.start()
    stop = threading.Thread(target=club.server.stop)
    stop.start()
    wait_for(lambda: club.disk.transactions == [["one"]], "the first batch")
    wait_for(lambda: club.order._asked or not stop.is_alive(), "the second batch")
    club.order.commit()
    club.order.tell()
    stop.join(DEADLINE)

    assert ann.heard() == ["one", "two"]
