"""ChatClient against a scripted server: what it does when things break."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from chatroom.client import ChatClient, Host, Receipt
from chatroom.client.events import Changed, Event, Removed
from chatroom.client.inbox import LENGTH, REMEMBERED
from chatroom.client.session import FIRST_DELAY, LAST_DELAY, OUTBOX_LENGTH
from chatroom.errors import (
    ClientClosed,
    ClientError,
    ServerRefused,
    ServerUnreachable,
    Undelivered,
)
from chatroom.message import Message
from chatroom.wire.acts import decode
from tests.support.deadline import DEADLINE, wait_for
from tests.support.scripted_server import (
    NONCE,
    Script,
    ScriptedServer,
    ServerEnd,
    SilentServer,
    line,
    welcome,
)

AT = "2026-01-31T09:05:00.123Z"
CLEARED = "7-664c976f9a047975"


def at_once(_ceiling: float) -> float:
    return 0.0


def client(server: Any, **options: Any) -> ChatClient:
    """A client that does not wait between attempts."""
    return ChatClient(server.url, "Ann", **{"jitter": at_once, "patience": DEADLINE, **options})


def take(items: Iterable[Any], count: int) -> list[Any]:
    return list(itertools.islice(items, count))


def bodies(chat: ChatClient, count: int) -> list[str]:
    return [message.body for message in take(chat, count)]


def stay(peer: ServerEnd) -> None:
    """Say welcome, and nothing more."""
    peer.greet()
    peer.stay()


# -- coming in -------------------------------------------------------------------------------


def test_shows_its_key_at_the_door_and_the_pass_when_it_comes_back():
    def first(peer: ServerEnd) -> None:
        peer.greet(**{"pass": "a pass"})
        peer.cut()

    def again(peer: ServerEnd) -> None:
        peer.greet(**{"pass": "a newer one"})
        peer.stay()

    with ScriptedServer(first, again) as server, client(server, key="a code") as chat:
        wait_for(lambda: len(server.hellos) == 2 and chat.is_online, "a second connection")

    assert [(hello["key"], hello.get("pass")) for hello in server.hellos] == [
        ("a code", None),
        ("a code", "a pass"),
    ]


def test_answers_a_message_given_as_one_or_as_an_id():
    question = Message("lobby", 7, NONCE, "Bob", "Tea?", "", 0)
    answered: list[str | None] = []

    def script(peer: ServerEnd) -> None:
        peer.greet()
        answered.extend(peer.store(seq).get("replyTo") for seq in (8, 9, 10))
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        with pytest.raises(ValueError, match="wanted: an id"):
            chat.say("no", reply_to="no id")
        chat.say("Yes", reply_to=question)
        chat.say("Please", reply_to=question.id)
        chat.say("And milk").wait(DEADLINE)

    assert answered == [question.id, question.id, None]


def test_a_wrong_key_is_an_error_at_once():
    def script(peer: ServerEnd) -> None:
        peer.hear()
        peer.send({"type": "error", "code": "wrong-key", "detail": "No.", "door": "code"})
        peer.stay()

    with ScriptedServer(script) as server:
        with pytest.raises(ServerRefused, match="wrong-key"):
            client(server, key="a code").open()
        assert len(server.peers) == 1


def test_a_key_is_tried_again_where_others_at_its_address_have_tried_too_often():
    def wait(peer: ServerEnd) -> None:
        peer.hear()
        peer.send({"type": "error", "code": "wrong-key", "detail": "Later.", "retryAfter": 12})
        peer.stay()

    with ScriptedServer(wait, stay) as server, client(server, key="a code") as chat:
        assert chat.is_online
        assert len(server.hellos) == 2


def test_says_who_it_is_and_hears_the_past_and_what_follows():
    def script(peer: ServerEnd) -> None:
        peer.greet(line(1), line(2), last=f"2-{NONCE}")
        peer.send({"type": "joined", "userId": "bob-id", "userName": "Bob"}, line(3, "news"))
        peer.stay()

    with ScriptedServer(script) as server, client(server, room="garden") as chat:
        assert bodies(chat, 3) == ["message 1", "message 2", "news"]
        assert server.hellos == [{"type": "hello", "userName": "Ann", "room": "garden"}]
        assert (chat.user_id, chat.token, chat.recovered) == ("ann-id", "ann-token", None)


def test_a_message_has_all_that_the_server_says_of_it():
    def script(peer: ServerEnd) -> None:
        peer.greet(line(7, "hi", userId="bob-id", cmid="c1"))
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        (message,) = take(chat, 1)

    assert message == Message(
        "lobby", 7, NONCE, "Bob", "hi", "10:42 AM", 1769850300123, "bob-id", "c1"
    )


def test_events_come_in_their_place_among_the_messages():
    def script(peer: ServerEnd) -> None:
        peer.greet(line(1))
        peer.send({"type": "typing", "userId": "bob-id", "userName": "Bob"}, line(2))
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        kinds = [getattr(item, "type", "message") for item in take(chat.events(), 5)]

    assert kinds == ["welcome", "message", "live", "typing", "message"]


@pytest.mark.parametrize("rooms", [[{"name": "garden", "last": f"9-{NONCE}"}], [], "rubbish", None])
def test_news_of_other_rooms_changes_nothing(rooms: object):
    def script(peer: ServerEnd) -> None:
        peer.greet(line(1))
        peer.send({"type": "rooms", "rooms": rooms}, line(2))
        peer.store(3)
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        assert chat.say("hello").wait(DEADLINE) == f"3-{NONCE}"
        assert bodies(chat, 3) == ["message 1", "message 2", "hello"]
        assert len(server.hellos) == 1
        assert "rooms" not in server.hellos[0]


@pytest.mark.parametrize("code", ["bad-name", "name-taken", "bad-room"])
def test_a_refused_hello_is_an_error_at_once(code: str):
    def script(peer: ServerEnd) -> None:
        peer.hear()
        error = {"type": "error", "code": code, "detail": "No.", "suggestion": "Ann2"}
        peer.send(error)
        peer.stay()

    with ScriptedServer(script) as server:
        with pytest.raises(ServerRefused) as caught:
            client(server).open()
        assert (caught.value.code, caught.value.suggestion) == (code, "Ann2")
        assert len(server.peers) == 1


def test_a_name_that_its_own_ghost_may_hold_is_tried_again():
    """The first hello arrived, but its welcome got lost: the server still has that user."""

    def lose_welcome(peer: ServerEnd) -> None:
        peer.hear()
        peer.cut()

    def refuse(peer: ServerEnd) -> None:
        peer.hear()
        peer.send({"type": "error", "code": "name-taken", "detail": "Somebody is called so."})
        peer.stay()

    with ScriptedServer(lose_welcome, refuse, stay) as server, client(server):
        assert len(server.peers) == 3


def test_a_server_that_is_not_there_is_named_with_the_cause():
    with ScriptedServer(stay) as server:
        gone = server.url
    with pytest.raises(ServerUnreachable, match=r"ws://127.0.0.1:\d+/chat .*refused"):
        ChatClient(gone, "Ann", patience=0.3).open()


def test_a_server_that_comes_late_is_waited_for():
    def refuse(peer: ServerEnd) -> None:
        peer.cut()

    with ScriptedServer(refuse, refuse, stay) as server, client(server) as chat:
        assert chat.is_online


def test_a_server_without_the_typed_protocol_is_refused():
    with (
        ScriptedServer(stay, subprotocol=None) as server,
        pytest.raises(ServerRefused, match=r"does not speak chatroom\.v1"),
    ):
        client(server).open()


@pytest.mark.parametrize("url", ["ftp://localhost", "http://", "http://localhost:0", "http://a:b"])
def test_what_is_no_server_is_no_url(url: str):
    with pytest.raises(ValueError):
        ChatClient(url, "Ann")


# -- what a host does ------------------------------------------------------------------------


def acts(count: int, **answer: Any) -> Script:
    """Answers so many acts, and repeats each of them as an event."""

    def script(peer: ServerEnd) -> None:
        peer.greet()
        for _ in range(count):
            frame = peer.hear()
            cmid = frame.pop("cmid")
            peer.send({**frame, "type": "heard"}, {"type": "done", "cmid": cmid, **answer})
        peer.stay()

    return script


@pytest.mark.parametrize(
    ("call", "fields"),
    [
        (lambda host: host.set_rules(speak="hosts"), {"act": "rules", "speak": "hosts"}),
        (
            lambda host: host.set_rules(slow_seconds=30, needs_host=False),
            {"act": "rules", "slowSeconds": 30, "needsHost": False},
        ),
        (lambda host: host.quiet("u2"), {"act": "quiet", "userId": "u2"}),
        (
            lambda host: host.quiet("u2", seconds=600, user_name="Bob"),
            {"act": "quiet", "userId": "u2", "seconds": 600, "userName": "Bob"},
        ),
        (lambda host: host.unquiet("u2"), {"act": "quiet", "userId": "u2", "seconds": 0}),
        (lambda host: host.bar("u2", seconds=5), {"act": "bar", "userId": "u2", "seconds": 5}),
        (lambda host: host.unbar("u2"), {"act": "bar", "userId": "u2", "seconds": 0}),
        (lambda host: host.approve("h1"), {"act": "approve", "id": "h1"}),
        (lambda host: host.refuse("h1"), {"act": "refuse", "id": "h1"}),
        (lambda host: host.bar("u2", what="all"), {"act": "bar", "userId": "u2", "what": "all"}),
        (lambda host: host.set_rules(files="nobody"), {"act": "rules", "files": "nobody"}),
        (lambda host: host.set_rules(reactions=False), {"act": "rules", "reactions": False}),
        (lambda host: host.set_rules(unchecked="no"), {"act": "rules", "unchecked": "no"}),
        (lambda host: host.admit(), {"act": "admit"}),
        (lambda host: host.turn_back("u2"), {"act": "refuse", "userId": "u2"}),
        (lambda host: host.clear(CLEARED), {"act": "clear", "upto": CLEARED}),
        (lambda host: host.erase(), {"act": "erase"}),
        (lambda host: host.restore_all(AT), {"act": "restore", "at": AT}),
        (lambda host: host.make_host("u2"), {"act": "makeHost", "userId": "u2"}),
        (lambda host: host.unmake_host("u2"), {"act": "unmakeHost", "userId": "u2"}),
        (lambda host: host.revoke_link("k"), {"act": "revokeLink", "link": "k"}),
        (lambda host: host.act("sing", song=1, key=None), {"act": "sing", "song": 1}),
    ],
)
def test_a_host_acts(call: Callable[[Host], Receipt], fields: dict[str, object]):
    """What it sends is what acts.decode reads; and its receipt has no id."""
    with ScriptedServer(acts(1)) as server, client(server) as chat:
        receipt = call(chat.host)
        assert (receipt.wait(DEADLINE), receipt.is_settled, receipt.error) == ("", True, None)
        heard = take(chat.events(), 3)[2]

    assert isinstance(heard, Event)
    assert heard.fields == {"type": "heard", **fields}
    if fields["act"] != "sing":
        decode(fields, "")


def test_what_a_host_asks_for_is_answered():
    link, look = {"link": "s3cret"}, {"hosts": [], "quiet": [{"userId": "u2"}]}
    with ScriptedServer(acts(1, **link)) as server, client(server) as chat:
        assert chat.host.make_link(uses=3, timeout=DEADLINE) == "s3cret"
    with ScriptedServer(acts(1, **look)) as server, client(server) as chat:
        assert chat.host.look(timeout=DEADLINE) == look


def test_an_act_that_is_refused_raises_and_one_without_an_answer_too():
    def script(peer: ServerEnd) -> None:
        peer.greet()
        cmid = peer.hear()["cmid"]
        peer.send({"type": "error", "code": "not-host", "detail": "No.", "cmid": cmid})
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        with pytest.raises(ServerRefused, match="not-host"):
            chat.host.look(timeout=DEADLINE)
        with pytest.raises(Undelivered):
            chat.host.look(timeout=0.05)
        with pytest.raises(Undelivered):
            chat.close(flush=0)


def test_an_act_is_asked_for_again_in_its_place_for_lack_of_an_answer():
    def lose(peer: ServerEnd) -> None:
        peer.greet()
        for _ in range(3):
            peer.hear()
        peer.cut()

    def script(peer: ServerEnd) -> None:
        peer.greet()
        for _ in range(3):
            frame = peer.hear()
            asked.append(frame.get("act", frame["type"]))
            peer.send({"type": "done", "cmid": frame["cmid"]})
        peer.stay()

    asked: list[str] = []
    with ScriptedServer(lose, script) as server, client(server) as chat:
        receipts = [chat.restore(f"1-{NONCE}"), chat.host.quiet("u2"), chat.host.unquiet("u2")]
        assert [receipt.wait(DEADLINE) for receipt in receipts] == [f"1-{NONCE}", "", ""]

    assert asked == ["restore", "quiet", "quiet"]


def test_a_link_is_shown_until_it_has_made_the_user_a_host():
    def script(peer: ServerEnd) -> None:
        peer.greet()
        peer.send({"type": "host", "userId": "bob-id", "userName": "Bob", "role": "maker"})
        peer.cut()

    def become(peer: ServerEnd) -> None:
        peer.greet()
        peer.send({"type": "host", "userId": "ann-id", "userName": "Ann", "role": "host"})
        peer.send(line(1))
        peer.stay()

    link = "http://localhost:9999/rooms/class#host=s3cret"
    with ScriptedServer(script, become) as server, client(server, link=link) as chat:
        take(chat, 1)
        assert chat.role == "host"
        chat._session.connection.cut("for the test")  # type: ignore[union-attr]
        wait_for(lambda: all(server.hellos[2:3]) and server.hellos[2:3], "a third hello")

    assert [hello.get("link") for hello in server.hellos] == ["s3cret", "s3cret", None]


def test_a_link_that_is_wrong_is_not_shown_again():
    def script(peer: ServerEnd) -> None:
        peer.greet(role="maker")
        peer.send({"type": "error", "code": "wrong-link", "detail": "Ask for a new one."})
        peer.cut()

    with ScriptedServer(script, stay) as server, client(server, link="old") as chat:
        wait_for(lambda: all(server.hellos[1:2]) and server.hellos[1:2], "a second hello")
        events = take(chat.events(), 3)

    assert [event.type for event in events if isinstance(event, Event)][-1] == "error"
    assert [hello.get("link") for hello in server.hellos] == ["old", None]


@pytest.mark.parametrize(
    ("behind", "options", "shown"),
    [
        ("#key=bcdf-ghjk", {}, {"key": "bcdf-ghjk"}),
        ("#key=Open%20s%C3%A9same", {}, {"key": "Open s\u00e9same"}),
        ("#key=bcdf-ghjk", {"key": "other"}, {"key": "other"}),
        ("#guest=s3cret", {}, {"link": "s3cret"}),
        ("", {"link": "http://localhost/rooms/class#guest=s3cret"}, {"link": "s3cret"}),
        ("#host=s3cret", {}, {}),  # nobody becomes a host by chance
    ],
)
def test_an_invitation_opens_the_door(
    behind: str, options: dict[str, str], shown: dict[str, str]
) -> None:
    with ScriptedServer(stay) as server:
        url = f"{server.url}/rooms/class{behind}"
        with ChatClient(url, "Ann", patience=DEADLINE, **options):
            (hello,) = server.hellos

    assert {key: hello[key] for key in ("key", "link") if key in hello} == shown


def test_who_has_to_knock_and_is_not_let_in_reads_why():
    def script(peer: ServerEnd) -> None:
        peer.hear()
        peer.send({"type": "knocking", "detail": "A host has to let you in.", "hostIsHere": True})
        peer.stay()

    with ScriptedServer(script) as server:
        chat = client(server, patience=1.5)
        with pytest.raises(ServerRefused, match="knocking: A host has to let you in"):
            chat.open()
        assert not any(thread.is_alive() for thread in chat._session._threads)


def test_who_has_to_knock_is_in_once_a_host_lets_them():
    def script(peer: ServerEnd) -> None:
        peer.hear()
        peer.send({"type": "knocking", "detail": "A host has to let you in.", "hostIsHere": True})
        peer.send(welcome(), {"type": "live"})
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        assert chat.user_id == "ann-id"


@pytest.mark.parametrize("code", ["removed", "everybody-out", "no-entry"])
def test_who_has_to_go_reads_why(code: str):
    def script(peer: ServerEnd) -> None:
        peer.greet()
        peer.send({"type": "error", "code": code, "detail": "Until tomorrow."})
        peer.close(4503, "removed by a host")

    with ScriptedServer(script) as server, client(server) as chat:
        with pytest.raises(ServerRefused) as refused:
            take(chat, 1)
        assert (refused.value.code, refused.value.detail) == ("close-4503", "Until tomorrow.")


# -- what changes ----------------------------------------------------------------------------


def changed(seq: int, rev: int, body: str) -> dict[str, Any]:
    return {"type": "changed", "rev": rev, "message": line(seq, body)}


def removed(seq: int, rev: int) -> dict[str, Any]:
    return {"type": "removed", "rev": rev, "id": f"{seq}-{NONCE}", "by": "author"}


def test_changes_come_in_their_place_as_events_and_leave_the_messages_alone():
    def script(peer: ServerEnd) -> None:
        peer.greet(line(1), line(2))
        peer.send(changed(1, 1, "one"), removed(2, 2), line(3))
        peer.stay()

    with ScriptedServer(script) as server:
        with client(server) as chat:
            items = take(chat.events(), 7)
        with client(server) as chat:
            assert bodies(chat, 3) == ["message 1", "message 2", "message 3"]

    change, removal = items[4:6]
    assert isinstance(change, Changed)
    assert (change.message.body, change.message.id) == ("one", items[1].id)
    assert isinstance(removal, Removed)
    assert (removal.id, removal.by) == (items[2].id, "author")


def test_it_says_which_change_it_has_seen_last():
    """At first the room's, and from then on the last one that came, also before ``live``."""

    def first(peer: ServerEnd) -> None:
        peer.hear()
        peer.send(welcome(last=f"1-{NONCE}", rev=3), line(1))
        peer.cut()

    def second(peer: ServerEnd) -> None:
        peer.hello = peer.hear()
        peer.send(welcome(last=f"1-{NONCE}", rev=6, recovered=True), changed(1, 5, "one"))
        peer.cut()

    def third(peer: ServerEnd) -> None:
        peer.greet(changed(1, 6, "eins"), recovered=True, rev=7)
        peer.cut()

    def fourth(peer: ServerEnd) -> None:
        peer.greet(recovered=True, rev=7)
        peer.send(changed(1, 8, "uno"))
        peer.stay()

    with ScriptedServer(first, second, third, fourth) as server, client(server) as chat:
        events = (item for item in chat.events() if isinstance(item, Changed))
        assert [change.message.body for change in take(events, 3)] == ["one", "eins", "uno"]
        assert [hello.get("rev") for hello in server.hellos[1:]] == [3, 5, 7]
        assert chat.rev == 8


def test_what_the_program_did_not_take_is_sent_again():
    """Its rev is that of the last change in its hands, as its cursor is of the last message."""

    def first(peer: ServerEnd) -> None:
        peer.greet(*(line(seq) for seq in range(1, LENGTH + 10)))
        peer.send(changed(1, 1, "one"))
        peer.store(LENGTH + 10)
        peer.stay()

    def second(peer: ServerEnd) -> None:
        peer.greet(line(LENGTH + 9), changed(1, 1, "one"), recovered=True, rev=1)
        peer.stay()

    with ScriptedServer(first, second) as server, client(server) as chat:
        assert chat.say("hi").wait(DEADLINE)  # it has read on meanwhile
        found = (item for item in chat.events() if isinstance(item, Changed))
        assert next(found).message.body == "one"
        assert server.hellos[1].get("rev", 0) == 0


def test_a_gap_starts_afresh_with_changes_too():
    """As with an older backup, whose revs are lower."""

    def first(peer: ServerEnd) -> None:
        peer.greet(line(9), rev=9, last=f"9-{NONCE}")
        peer.cut()

    def second(peer: ServerEnd) -> None:
        peer.greet(line(3), recovered=False, rev=2)
        peer.cut()

    with ScriptedServer(first, second, stay) as server, client(server) as chat:
        take(chat.events(), 5)
        wait_for(lambda: len(server.peers) > 2 and server.hellos[2], "a third hello")
        assert [hello.get("rev") for hello in server.hellos] == [None, 9, 2]


def test_a_new_client_takes_an_older_ones_rev():
    with ScriptedServer(stay) as server, client(server, since=f"2-{NONCE}", rev=7):
        assert (server.hellos[0]["since"], server.hellos[0]["rev"]) == (f"2-{NONCE}", 7)


def test_it_edits_and_removes_by_id_or_by_message():
    heard = []

    def script(peer: ServerEnd) -> None:
        peer.greet(line(1))
        for _ in range(2):
            heard.append(peer.hear())
            peer.send({"type": "done", "cmid": heard[-1]["cmid"]})
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        (message,) = take(chat, 1)
        edited = chat.edit(message, "one")
        assert edited.wait(DEADLINE) == edited.id == message.id
        assert chat.remove(message.id).wait(DEADLINE) == message.id
        with pytest.raises(ValueError, match="an id such as"):
            chat.remove("rubbish")

    cmids = [frame.pop("cmid") for frame in heard]
    assert len(set(cmids)) == 2
    assert heard == [
        {"type": "edit", "id": message.id, "body": "one"},
        {"type": "remove", "id": message.id},
    ]


def test_it_reacts_and_asks_for_reactions():
    heard = []

    def script(peer: ServerEnd) -> None:
        peer.greet(line(1))
        for _ in range(2):
            heard.append(peer.hear())
            peer.send({"type": "done", "cmid": heard[-1]["cmid"]})
        heard.append(peer.hear())
        peer.send({"type": "reactions", "mark": 3, "messages": []})
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        (message,) = take(chat, 1)
        assert chat.react(message, "like").wait(DEADLINE) == message.id
        assert chat.react(message.id, "like", on=False).wait(DEADLINE) == message.id
        chat.ask_reactions(2, message.id)
        event = next(event for event in chat.events() if getattr(event, "type", "") == "reactions")
        assert event.fields["mark"] == 3

    assert [frame.pop("cmid", None) is not None for frame in heard] == [True, True, False]
    assert heard == [
        {"type": "react", "id": message.id, "kind": "like", "on": True},
        {"type": "react", "id": message.id, "kind": "like", "on": False},
        {"type": "reactions", "since": 2, "people": True, "from": message.id},
    ]


@pytest.mark.parametrize("code", ["not-yours", "too-late", "gone"])
def test_a_change_that_is_refused_raises_as_a_message_does(code: str):
    def script(peer: ServerEnd) -> None:
        peer.greet()
        cmid = peer.hear()["cmid"]
        peer.send({"type": "error", "code": code, "detail": "No.", "cmid": cmid})
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        receipt = chat.edit(f"1-{NONCE}", "one")
        with pytest.raises(ServerRefused, match="No") as caught:
            receipt.wait(DEADLINE)
        assert (caught.value.code, receipt.id) == (code, "")


def test_a_change_without_an_answer_is_sent_again_in_its_place():
    heard: list[list[str]] = []

    def read(peer: ServerEnd) -> None:
        heard.append([])
        for _ in range(3):
            frame = peer.hear()
            heard[-1].append(f"{frame['type']} {frame['cmid']}")

    def first(peer: ServerEnd) -> None:
        peer.greet()
        read(peer)
        peer.cut()

    def second(peer: ServerEnd) -> None:
        peer.greet(recovered=True)
        read(peer)
        for seen in heard[-1]:
            kind, cmid = seen.split()
            answer = {"type": "ack", "id": f"2-{NONCE}"} if kind == "message" else {"type": "done"}
            peer.send({**answer, "cmid": cmid})
        peer.stay()

    with ScriptedServer(first, second) as server, client(server) as chat:
        receipts = [
            chat.edit(f"1-{NONCE}", "one"),
            chat.say("two"),
            chat.remove(f"1-{NONCE}"),
        ]
        ids = [receipt.wait(DEADLINE) for receipt in receipts]

    assert heard[0] == heard[1]
    assert [seen.split()[0] for seen in heard[0]] == ["edit", "message", "remove"]
    assert ids == [f"1-{NONCE}", f"2-{NONCE}", f"1-{NONCE}"]


def test_an_edit_that_is_too_large_is_refused_at_once():
    with (
        ScriptedServer(stay) as server,
        client(server) as chat,
        pytest.raises(ServerRefused, match="wanted: 1000 at most"),
    ):
        chat.edit(f"1-{NONCE}", "x" * 1000)


# -- breaking and coming back ----------------------------------------------------------------


def test_after_a_break_it_goes_on_behind_the_last_message_as_the_same_user():
    def first(peer: ServerEnd) -> None:
        peer.greet(line(1), line(2))
        peer.cut()

    def second(peer: ServerEnd) -> None:
        peer.greet(line(3), line(4), recovered=True)
        peer.stay()

    with ScriptedServer(first, second) as server, client(server) as chat:
        assert bodies(chat, 4) == [f"message {seq}" for seq in (1, 2, 3, 4)]
        assert server.hellos[1]["since"] == f"2-{NONCE}"
        assert server.hellos[1]["token"] == "ann-token"
        assert chat.recovered is True


def test_an_empty_room_is_something_to_go_on_from():
    def first(peer: ServerEnd) -> None:
        peer.greet()
        peer.cut()

    with ScriptedServer(first, stay) as server, client(server):
        wait_for(lambda: len(server.peers) == 2 and server.hellos[1], "a second hello")
        assert server.hellos[1]["since"] == "0-0"


def test_a_break_before_the_first_message_asks_for_the_past_once_more():
    def first(peer: ServerEnd) -> None:
        peer.hello = peer.hear()
        peer.send(welcome(last=f"2-{NONCE}"))
        peer.cut()

    def second(peer: ServerEnd) -> None:
        peer.greet(line(1), line(2))
        peer.stay()

    with ScriptedServer(first, second) as server, client(server) as chat:
        assert bodies(chat, 2) == ["message 1", "message 2"]
        assert "since" not in server.hellos[1]


def test_what_comes_twice_is_heard_once():
    def script(peer: ServerEnd) -> None:
        peer.greet(line(1), line(2), line(2), line(1))
        peer.send(line(2), line(3))
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        assert bodies(chat, 3) == ["message 1", "message 2", "message 3"]


def test_a_gap_is_told_and_the_view_starts_afresh_behind_it():
    def first(peer: ServerEnd) -> None:
        peer.greet(line(1), line(2))
        peer.cut()

    def second(peer: ServerEnd) -> None:
        peer.greet(line(2), line(9), recovered=False)
        peer.stay()

    with ScriptedServer(first, second) as server, client(server) as chat:
        seen = take(chat.events(), 9)

        kinds = [item.type if isinstance(item, Event) else item.seq for item in seen]
        assert kinds == ["welcome", 1, 2, "live", "offline", "gap", "welcome", 2, 9]
        assert chat.recovered is False


def test_messages_alone_are_each_heard_once_over_a_gap():
    def first(peer: ServerEnd) -> None:
        peer.greet(line(1), line(2))
        peer.cut()

    def second(peer: ServerEnd) -> None:
        peer.greet(line(2), line(9), recovered=False)
        peer.stay()

    with ScriptedServer(first, second) as server, client(server) as chat:
        assert bodies(chat, 3) == ["message 1", "message 2", "message 9"]


def test_a_silent_server_is_left_and_found_again():
    """Half-open: the connection stands, but nobody is there."""
    with SilentServer() as server, client(server, ping_interval=0.1):
        wait_for(lambda: len(server.sockets) >= 2, "a second connection")


def test_a_server_that_only_answers_pings_is_kept():
    with ScriptedServer(stay) as server, client(server, ping_interval=0.05) as chat:
        pinged = threading.Event()
        pings = itertools.count(1)
        protocol = server.peers[0].connection.protocol
        take_frame = protocol.recv_frame

        def recv_frame(frame: Frame) -> None:
            take_frame(frame)
            if frame.opcode is Opcode.PING and next(pings) == 5:
                pinged.set()

        protocol.recv_frame = recv_frame
        assert pinged.wait(DEADLINE)
        assert chat.is_online
        assert len(server.peers) == 1


@pytest.mark.parametrize("code", [1001, 1011, 4001, 4008, 4009, 4499])
def test_close_codes_that_say_come_back(code: int):
    def first(peer: ServerEnd) -> None:
        peer.greet()
        peer.close(code, "come back")

    with ScriptedServer(first, stay) as server, client(server) as chat:
        offline = next(item for item in chat.events() if item.type == "offline")
        assert offline.fields["reason"] == f"close {code}: come back"
        wait_for(lambda: len(server.peers) == 2, "a second connection")


@pytest.mark.parametrize("code", [1007, 1009, 4500, 4999])
def test_close_codes_that_say_stay_away(code: int):
    def script(peer: ServerEnd) -> None:
        peer.greet(line(1))
        peer.close(code, "never again")

    with ScriptedServer(script) as server, client(server) as chat:
        assert bodies(chat, 1) == ["message 1"]  # what came before is not lost
        with pytest.raises(ServerRefused, match=f"close-{code}: never again"):
            next(iter(chat))
        with pytest.raises(ServerRefused):
            chat.say("hello?")
        assert len(server.peers) == 1


def test_a_name_lost_while_away_ends_it():
    def first(peer: ServerEnd) -> None:
        peer.greet()
        peer.cut()

    def second(peer: ServerEnd) -> None:
        peer.hear()
        peer.send({"type": "error", "code": "name-taken", "detail": "Taken.", "suggestion": "Ann2"})
        peer.stay()

    with (
        ScriptedServer(first, second) as server,
        client(server) as chat,
        pytest.raises(ServerRefused, match="Ann2"),
    ):
        take(chat, 1)


ODD_FRAMES = [
    "{",
    "[]",
    '{"type":7}',
    json.dumps(line(2, sentAt="1-01-01T00:00:00.000Z")),
    json.dumps(line(2, sentAt=None)),
    json.dumps({**line(2), "body": {"text": "from the future"}}),
    json.dumps({**line(2), "id": "from-the-future"}),
    "[" * 100_000,
]


@pytest.mark.parametrize("odd", ODD_FRAMES, ids=range(len(ODD_FRAMES)))
def test_a_frame_that_cannot_be_read_is_passed_over_with_a_warning(
    odd: str, caplog: pytest.LogCaptureFixture
):
    def script(peer: ServerEnd) -> None:
        peer.greet(line(1))
        peer.connection.send(odd)
        peer.send(line(3))
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        assert bodies(chat, 2) == ["message 1", "message 3"]
        assert len(server.peers) == 1
    (record,) = caplog.records
    assert (record.levelname, "passed over" in record.getMessage()) == ("WARNING", True)
    assert len(record.getMessage()) < 400


def test_what_was_passed_over_is_not_asked_for_again():
    def first(peer: ServerEnd) -> None:
        peer.greet(line(1), line(2, sentAt="once upon a time"))
        peer.cut()

    with ScriptedServer(first, stay) as server, client(server):
        wait_for(lambda: len(server.peers) == 2 and server.hellos[1], "a second hello")
        assert server.hellos[1]["since"] == f"2-{NONCE}"


def test_without_a_welcome_that_can_be_read_it_tries_again():
    def first(peer: ServerEnd) -> None:
        peer.hear()
        peer.connection.send("{")
        peer.stay()

    with ScriptedServer(first, stay) as server, client(server):
        assert len(server.peers) == 2


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "from-the-future", "users": 7},
        {"type": "error", "code": "from-the-future", "detail": ["?"]},
        {"type": "error"},
        {"type": "ack", "cmid": ["x"], "id": None},
        {"type": "renamed", "userId": {}, "userName": 1},
        {"type": "live", "from-the-future": {}},
    ],
)
def test_what_a_later_server_may_send_changes_nothing(frame: dict[str, Any]):
    def script(peer: ServerEnd) -> None:
        peer.greet(line(1))
        peer.send(frame)
        peer.store(2)
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        assert chat.say("hello").wait(DEADLINE) == f"2-{NONCE}"
        assert bodies(chat, 2) == ["message 1", "hello"]
        assert len(server.peers) == 1


def test_the_wait_grows_to_its_bound_and_is_never_above():
    ceilings: list[float] = []

    def jitter(ceiling: float) -> float:
        ceilings.append(ceiling)
        return 0.0

    def refuse(peer: ServerEnd) -> None:
        peer.cut()

    with ScriptedServer(*[refuse] * 9, stay) as server, client(server, jitter=jitter):
        assert ceilings[:4] == [FIRST_DELAY, 2 * FIRST_DELAY, 4 * FIRST_DELAY, 8 * FIRST_DELAY]
        assert max(ceilings) == LAST_DELAY == ceilings[8]


# -- talking ---------------------------------------------------------------------------------


def test_a_receipt_tells_the_id_of_what_was_stored():
    def script(peer: ServerEnd) -> None:
        peer.greet()
        peer.store(1)
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        receipt = chat.say("hi")
        assert receipt.wait(DEADLINE) == f"1-{NONCE}"
        assert bodies(chat, 1) == ["hi"]


def test_what_has_no_ack_is_sent_again_in_order_with_the_same_cmids():
    heard: list[list[str]] = [[], []]

    def first(peer: ServerEnd) -> None:
        peer.greet()
        frames = [peer.hear() for _ in range(3)]
        heard[0] = [frame["cmid"] for frame in frames]
        peer.send({"type": "ack", "cmid": frames[0]["cmid"], "id": f"1-{NONCE}"})
        peer.cut()

    def second(peer: ServerEnd) -> None:
        peer.greet(recovered=True)
        heard[1] = [peer.store(seq)["cmid"] for seq in (2, 3)]
        peer.stay()

    with ScriptedServer(first, second) as server, client(server) as chat:
        receipts = [chat.say(body) for body in ("one", "two", "three")]
        ids = [receipt.wait(DEADLINE) for receipt in receipts]
        wait_for(lambda: heard[1], "the server's own list, which comes behind its last ack")

    assert ids == [f"{seq}-{NONCE}" for seq in (1, 2, 3)]
    assert heard[0] == [receipt.cmid for receipt in receipts]
    assert heard[1] == heard[0][1:]


def test_what_a_picture_shows_is_sent_again_with_it():
    file, heard = "0" * 32, []

    def cut(peer: ServerEnd) -> None:
        peer.greet()
        heard.append(peer.hear())
        peer.cut()

    def store(peer: ServerEnd) -> None:
        peer.greet()
        heard.extend(peer.store(seq) for seq in (1, 2))
        peer.stay()

    with ScriptedServer(cut, store) as server, client(server) as chat:
        chat.say("", file=file, alt="A square").wait(DEADLINE)
        chat.say("look", file=file).wait(DEADLINE)

    first, again, other = heard
    assert first == again
    assert (first["file"], first["alt"]) == (file, "A square")
    assert (other["file"], "alt" in other) == (file, False)


def test_ones_own_message_in_what_was_missed_is_as_good_as_an_ack():
    """The message was stored, and only its ack got lost."""
    cmids: list[str] = []

    def first(peer: ServerEnd) -> None:
        peer.greet()
        cmids.append(peer.hear()["cmid"])
        peer.cut()

    def second(peer: ServerEnd) -> None:
        peer.greet(
            line(1, "theirs", userId="bob-id", cmid=cmids[0]),  # another user may use the same one
            line(2, "hi", userId="ann-id", cmid=cmids[0]),
            recovered=True,
        )
        peer.stay()

    with ScriptedServer(first, second) as server, client(server) as chat:
        assert chat.say("hi").wait(DEADLINE) == f"2-{NONCE}"


def test_what_could_not_be_stored_is_sent_again_on_a_new_connection():
    def first(peer: ServerEnd) -> None:
        peer.greet()
        cmid = peer.hear()["cmid"]
        peer.send({"type": "error", "code": "not-stored", "detail": "Disk full.", "cmid": cmid})
        peer.stay()

    def second(peer: ServerEnd) -> None:
        peer.greet(recovered=True)
        peer.store(1)
        peer.stay()

    with ScriptedServer(first, second) as server, client(server) as chat:
        assert chat.say("hi").wait(DEADLINE) == f"1-{NONCE}"
        assert len(server.peers) == 2


def test_a_refused_message_says_so_and_the_next_one_goes_on():
    def script(peer: ServerEnd) -> None:
        peer.greet()
        cmid = peer.hear()["cmid"]
        peer.send({"type": "error", "code": "empty-body", "detail": "Say something.", "cmid": cmid})
        peer.store(1)
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        refused, stored = chat.say(""), chat.say("hi")
        with pytest.raises(ServerRefused, match="empty-body: Say something"):
            refused.wait(DEADLINE)
        assert stored.wait(DEADLINE)


def test_a_message_too_large_for_the_server_is_refused_before_it_is_sent():
    with ScriptedServer(stay) as server, client(server) as chat:
        with pytest.raises(ServerRefused, match="1000 at most"):
            chat.say("é" * 480)
        with pytest.raises(ValueError):
            chat.say("\ud800")
        assert chat.is_online


def test_closing_waits_for_the_acks():
    stored = threading.Event()

    def script(peer: ServerEnd) -> None:
        peer.greet()
        stored.wait(DEADLINE)
        for seq in range(1, 101):
            peer.store(seq)
        peer.stay()

    with ScriptedServer(script) as server:
        with client(server) as chat:
            receipts = [chat.say(f"{number}") for number in range(100)]
            stored.set()
        assert [receipt.id for receipt in receipts] == [f"{seq}-{NONCE}" for seq in range(1, 101)]


def test_closing_tells_what_was_not_acknowledged():
    with ScriptedServer(stay) as server:
        chat = client(server)
        chat.open()
        receipt = chat.say("hi")
        with pytest.raises(Undelivered, match="1 message was not acknowledged"):
            chat.close(flush=0.01)
        with pytest.raises(Undelivered):
            receipt.wait(DEADLINE)


def test_an_error_of_the_programs_own_is_not_hidden_by_the_closing():
    with ScriptedServer(stay) as server, pytest.raises(KeyError), client(server) as chat:
        chat.say("hi")
        raise KeyError


def test_closing_waits_seconds_for_a_server_that_reads_nothing_any_more():
    def is_full() -> bool:
        with contextlib.suppress(BlockingIOError):
            while os.write(wire.fileno(), bytes(65536)):
                pass
        return not select.select([], [wire], [], 0.2)[1]

    with SilentServer() as server:
        chat = client(server, ping_interval=2 * DEADLINE)
        chat.open()
        assert chat._session.connection
        wire = chat._session.connection.sock._socket
        wait_for(is_full, "a socket that takes nothing more")
        chat.say("stuck")
        wait_for(chat._session.connection.sock._turn.locked, "a frame on its way")
        began = time.monotonic()
        with pytest.raises(Undelivered):
            chat.close(flush=0)
        assert time.monotonic() - began < DEADLINE
        assert not any(thread.is_alive() for thread in chat._session._threads)


def test_a_closed_client_takes_nothing_and_closing_it_again_is_fine():
    with ScriptedServer(stay) as server:
        with client(server) as chat:
            chat.close()
        chat.close()
        with pytest.raises(ClientClosed):
            chat.say("hi")
        with pytest.raises(ClientClosed):
            chat.open()
        assert list(chat) == []


@pytest.mark.parametrize("wait", ["for what comes", "for a receipt", "to say one more"])
def test_ctrl_c_ends_a_wait_before_which_it_came(wait: str):
    def interrupt() -> None:
        """Not the thread that waits: so it goes on, as it does if it began to just after that."""
        wait_for(lambda: chat._session.changed._waiters, "a wait")  # type: ignore[attr-defined]
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    chat = ChatClient("http://127.0.0.1:1", "Ann")
    chat._is_open = True
    with pytest.raises(KeyboardInterrupt):
        threading.Thread(target=interrupt).start()
        if wait == "for what comes":
            next(chat.events())
        elif wait == "for a receipt":
            chat.say("hi").wait()
        else:
            for number in range(OUTBOX_LENGTH + 1):
                chat.say(str(number))


def test_closing_ends_an_iteration_in_another_thread():
    heard: list[str] = []

    def script(peer: ServerEnd) -> None:
        peer.greet(line(1))
        peer.stay()

    with ScriptedServer(script) as server:
        with client(server) as chat:
            thread = threading.Thread(target=lambda: heard.extend(m.body for m in chat))
            thread.start()
            wait_for(lambda: heard == ["message 1"], "the message")
        thread.join(DEADLINE)
        assert not thread.is_alive()


def test_another_name_is_kept_over_a_break():
    def first(peer: ServerEnd) -> None:
        peer.greet()
        wanted = peer.hear()
        assert wanted == {"type": "rename", "userName": "Anna"}
        peer.send({"type": "renamed", "userId": "bob-id", "userName": "Robert"})
        peer.send({"type": "renamed", "userId": "ann-id", "userName": "Anna"})
        peer.cut()

    def second(peer: ServerEnd) -> None:
        peer.greet(userName="Anna", recovered=True)
        peer.stay()

    with ScriptedServer(first, second) as server, client(server) as chat:
        chat.rename("Anna")
        wait_for(lambda: len(server.peers) == 2 and server.hellos[1], "a second hello")
        assert server.hellos[1]["userName"] == chat.user_name == "Anna"


# -- memory ----------------------------------------------------------------------------------


def test_a_program_that_only_talks_need_not_read():
    count = 3 * LENGTH

    def script(peer: ServerEnd) -> None:
        peer.greet(*(line(seq) for seq in range(1, count + 1)))
        peer.store(count + 1)
        peer.stay()

    with ScriptedServer(script) as server, client(server, listen=False) as chat:
        assert chat.say("hi").wait(DEADLINE) == f"{count + 1}-{NONCE}"
        assert not chat._session.inbox


def test_what_there_was_no_room_for_is_fetched_once_the_rest_is_read():
    count = 3 * LENGTH

    def script(peer: ServerEnd) -> None:
        """Each connection sends all that the client has not, like a real server."""
        peer.hello = peer.hear()
        seen = int(peer.hello.get("since", "0-0").partition("-")[0])
        peer.send(welcome(recovered=True) if seen else welcome())
        peer.send(*(line(seq) for seq in range(seen + 1, count + 1)), {"type": "live"})
        peer.store(count + 1)
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        assert chat.say("last").wait(DEADLINE)  # nobody reads meanwhile
        assert len(chat._session.inbox._items) == LENGTH
        heard = [message.seq for message in take(chat, count)]
        assert heard == list(range(1, count + 1))
        assert len(server.peers) > 1


def test_a_slow_program_makes_the_server_wait_and_loses_nothing():
    count = 3 * LENGTH

    def script(peer: ServerEnd) -> None:
        peer.greet(*(line(seq) for seq in range(1, count + 1)))
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        messages = iter(chat)
        heard = [next(messages).seq]
        inbox = chat._session.inbox
        wait_for(lambda: len(inbox._items) == LENGTH, "a full inbox")
        heard += [message.seq for message in take(messages, count - 1)]
        assert heard == list(range(1, count + 1))
        assert len(server.peers) == 1


def test_the_memory_for_doubles_is_bounded():
    count = REMEMBERED + 10

    def script(peer: ServerEnd) -> None:
        peer.greet(*(line(seq) for seq in range(1, count + 1)))
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        take(chat, count)
        assert len(chat._session.inbox._recent._known) == REMEMBERED


def test_saying_waits_when_too_much_is_without_an_ack():
    go = threading.Event()

    def script(peer: ServerEnd) -> None:
        peer.greet()
        go.wait(DEADLINE)
        for seq in range(1, OUTBOX_LENGTH + 2):
            peer.store(seq)
        peer.stay()

    with ScriptedServer(script) as server, client(server, listen=False) as chat:
        for number in range(OUTBOX_LENGTH):
            chat.say(str(number))
        last: list[Any] = []
        thread = threading.Thread(target=lambda: last.append(chat.say("one more")))
        thread.start()
        wait_for(lambda: bool(chat._session.waiters), "a caller that waits")
        assert not last
        go.set()
        thread.join(DEADLINE)
        assert last[0].wait(DEADLINE) == f"{OUTBOX_LENGTH + 1}-{NONCE}"


def test_every_error_of_the_client_is_a_client_error():
    for kind in (ServerRefused, ServerUnreachable, Undelivered, ClientClosed):
        assert issubclass(kind, ClientError)


# -- rooms in which not everybody may speak at any time ----------------------------------------


def error(frame: dict[str, Any], code: str, **more: Any) -> dict[str, Any]:
    return {"type": "error", "code": code, "detail": "Later.", "cmid": frame["cmid"], **more}


def test_what_waits_for_a_host_is_settled_and_not_sent_again():
    def script(peer: ServerEnd) -> None:
        peer.greet()
        frame = peer.hear()
        peer.send({"type": "held", "id": "f00d", "userId": "ann-id", "cmid": frame["cmid"]})
        peer.cut()

    def later(peer: ServerEnd) -> None:
        peer.greet()
        peer.store(1)
        peer.stay()

    with ScriptedServer(script, later) as server, client(server) as chat:
        receipt = chat.say("May I?")
        assert receipt.wait(DEADLINE) == ""
        assert receipt.held == "f00d"
        second = chat.say("Hello")
        assert second.wait(DEADLINE) == f"1-{NONCE}"
        assert second.held == ""


def test_what_others_have_waiting_settles_nothing_of_ones_own():
    def script(peer: ServerEnd) -> None:
        peer.greet()
        frame = peer.hear()
        peer.send({"type": "held", "id": "f00d", "userId": "bob-id", "cmid": frame["cmid"]})
        peer.send({"type": "ack", "cmid": frame["cmid"], "id": f"1-{NONCE}"})
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        assert chat.say("Hello").wait(DEADLINE) == f"1-{NONCE}"


def test_where_the_room_asks_for_some_time_each_message_waits_for_the_one_before():
    came: list[str] = []

    def script(peer: ServerEnd) -> None:
        peer.greet(rules={"speak": "slow", "slowSeconds": 5, "needsHost": False})
        first, second, third = peer.hear(), peer.hear(), peer.hear()
        peer.send({"type": "ack", "cmid": first["cmid"], "id": f"1-{NONCE}"})
        peer.send(error(second, "slow", retryAfter=1), error(third, "slow", retryAfter=1))
        for seq in (2, 3):
            came.append(peer.store(seq)["body"])
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        receipts = [chat.say(body) for body in ("one", "two", "three")]
        ids = [receipt.wait(DEADLINE) for receipt in receipts]

    assert came == ["two", "three"]
    assert ids == [f"1-{NONCE}", f"2-{NONCE}", f"3-{NONCE}"]


def test_in_a_slow_room_nothing_is_sent_before_the_answer_to_the_last():
    seen: list[str] = []

    def script(peer: ServerEnd) -> None:
        peer.greet()
        first, second = peer.hear(), peer.hear()
        peer.send(error(first, "slow", retryAfter=1), error(second, "slow", retryAfter=1))
        again = peer.hear()
        seen.append(again["body"])
        peer.send(error(again, "slow", retryAfter=1))  # before the second one could overtake it
        seen.append(peer.store(1)["body"])
        seen.append(peer.store(2)["body"])
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        receipts = [chat.say(body) for body in ("one", "two")]
        assert [receipt.wait(DEADLINE) for receipt in receipts] == [f"1-{NONCE}", f"2-{NONCE}"]
        wait_for(lambda: len(seen) == 3, "the scripted server has heard all of them")

    assert seen == ["one", "one", "two"]


def test_a_rest_that_the_room_asks_for_is_no_lack_of_an_answer():
    def script(peer: ServerEnd) -> None:
        peer.greet()
        peer.send(error(peer.hear(), "slow", retryAfter=1))
        peer.store(1)
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        assert chat.say("one").wait(0.9) == f"1-{NONCE}"


def test_when_the_rule_is_lifted_the_rest_is_over():
    def script(peer: ServerEnd) -> None:
        peer.greet()
        peer.send(error(peer.hear(), "slow", retryAfter=600))
        peer.send({"type": "rules", "speak": "everybody", "slowSeconds": 5, "needsHost": False})
        peer.store(1)
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        assert chat.say("one").wait(DEADLINE) == f"1-{NONCE}"


def tried_again(*frames: dict[str, Any]) -> None:
    """What was to rest for ten minutes is tried again after these frames, and may be said now."""

    def script(peer: ServerEnd) -> None:
        peer.greet()
        peer.send(error(peer.hear(), "slow", retryAfter=600), *frames)
        peer.store(1)
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        assert chat.say("one").wait(DEADLINE) == f"1-{NONCE}"


def test_when_the_room_asks_for_another_time_it_is_asked_again():
    tried_again({"type": "rules", "speak": "slow", "slowSeconds": 5, "needsHost": False})


def test_who_becomes_a_host_need_not_rest():
    tried_again({"type": "host", "userId": "ann-id", "userName": "Ann", "role": "host"})


def test_when_the_rule_is_lifted_while_the_line_is_cut_the_rest_is_over():
    def script(peer: ServerEnd) -> None:
        peer.greet(rules={"speak": "slow", "slowSeconds": 600, "needsHost": False})
        peer.send(error(peer.hear(), "slow", retryAfter=600))
        peer.cut()

    def later(peer: ServerEnd) -> None:
        peer.greet()
        peer.store(1)
        peer.stay()

    with ScriptedServer(script, later) as server, client(server) as chat:
        assert chat.say("one").wait(DEADLINE) == f"1-{NONCE}"


def test_after_a_rest_the_server_has_its_time_to_answer():
    """A wait that is longer than the rest lasts as long as the server may take."""

    def script(peer: ServerEnd) -> None:
        peer.greet()
        first = peer.hear()
        peer.send(error(first, "slow", retryAfter=600))
        rested.wait(DEADLINE)
        peer.send({"type": "rules", "speak": "everybody", "slowSeconds": 5, "needsHost": False})
        peer.store(1)
        peer.stay()

    rested = threading.Event()
    with ScriptedServer(script) as server, client(server) as chat:
        receipt = chat.say("one")
        threading.Timer(0.7, rested.set).start()
        assert receipt.wait(0.6) == f"1-{NONCE}"


def test_when_the_time_is_another_still_none_overtakes_another():
    seen: list[str] = []

    def script(peer: ServerEnd) -> None:
        peer.greet()
        first, second = peer.hear(), peer.hear()
        peer.send(error(first, "slow", retryAfter=600), error(second, "slow", retryAfter=600))
        peer.send({"type": "rules", "speak": "slow", "slowSeconds": 5, "needsHost": False})
        again = peer.hear()
        seen.append(again["body"])
        peer.send(error(again, "slow", retryAfter=1))
        seen.extend((peer.store(1)["body"], peer.store(2)["body"]))
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        receipts = [chat.say(body) for body in ("one", "two")]
        assert [receipt.wait(DEADLINE) for receipt in receipts] == [f"1-{NONCE}", f"2-{NONCE}"]

    assert seen == ["one", "one", "two"]


def test_closing_in_a_slow_room_says_what_was_waited_for():
    def script(peer: ServerEnd) -> None:
        peer.greet()
        peer.send(error(peer.hear(), "slow", retryAfter=600), line(7))
        peer.stay()

    with ScriptedServer(script) as server, client(server) as chat:
        chat.say("one")
        take(chat, 1)
        with pytest.raises(Undelivered, match=r"lets nothing be said for (600|599) s more"):
            chat.close(flush=0)
