"""ChatClient against the real server: what is promised holds over kills and restarts."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import pytest

from chatroom.client import ChatClient
from chatroom.client.events import Changed, Event, Removed
from chatroom.errors import ServerRefused
from chatroom.message import Message
from tests.support.deadline import DEADLINE, wait_for
from tests.support.server_process import Launch, Running

pytestmark = pytest.mark.takes(seconds=3)

COUNT = 300
CHANGES = 60


def soon(ceiling: float) -> float:
    return min(ceiling, 0.1)


def client(server: Running, name: str, **options: object) -> ChatClient:
    return ChatClient(
        f"http://127.0.0.1:{server.port}",
        name,
        **{"jitter": soon, "patience": DEADLINE, **options},  # type: ignore[arg-type]
    )


def test_over_kills_everything_is_stored_once_in_order_and_everyone_hears_it(serve: Launch):
    """What one says, 50 at a time, while the server is killed in the middle of it."""
    server = serve(history="sqlite:chat.db")
    heard: list[str] = []

    def listen() -> None:
        for message in itertools.islice(ear, COUNT):
            heard.append(message.body)

    with client(server, "Ear") as ear, client(server, "Mouth", listen=False) as mouth:
        thread = threading.Thread(target=listen)
        thread.start()
        receipts = []
        for number in range(COUNT):
            receipts.append(mouth.say(f"{number}"))
            if number % 100 == 50:
                server.kill()
                server.start()
        ids = [receipt.wait(DEADLINE) for receipt in receipts]
        thread.join(DEADLINE)

    said = [f"{number}" for number in range(COUNT)]
    assert [message["body"] for message in server.history()] == said
    assert [message["id"] for message in server.history()] == ids
    assert heard == said


def test_over_kills_every_change_is_made_and_everyone_ends_in_the_same_state(serve: Launch):
    """Of one's own messages, while the server is killed in the middle of it; and a removed word is
    nowhere any more."""
    server = serve(history="sqlite:chat.db")
    with client(server, "Ear") as ear, client(server, "Mouth", listen=False) as mouth:
        ids = [mouth.say(f"draft {n}") for n in range(CHANGES)]
        messages = [receipt.wait(DEADLINE) for receipt in ids]
        receipts = []
        for number, id in enumerate(messages):
            receipts.append(mouth.edit(id, f"final {number}"))
            if number % 3 == 0:
                receipts.append(mouth.remove(id))
            if number % 20 == 10:
                server.kill()
                server.start()
        assert [receipt.wait(DEADLINE) for receipt in receipts]
        last, answer = mouth.say("the end").wait(DEADLINE), ""
        heard: dict[str, str] = {}
        for item in ear.events():
            match item:
                case Message():
                    heard[item.id] = item.body
                case Changed():
                    heard[item.message.id] = item.message.body
                case Removed():
                    heard.pop(item.id, None)
            if last in heard and not answer:  # changes that were missed come after all messages
                answer = ear.say("I have it all").wait(DEADLINE)
            if answer in heard:
                break

    final = {id: f"final {n}" for n, id in enumerate(messages) if n % 3}
    final |= {last: "the end", answer: "I have it all"}
    assert {m["id"]: m["body"] for m in server.history()} == final
    assert heard == final


def test_a_new_client_with_the_cursor_and_rev_of_an_old_one_hears_what_changed(serve: Launch):
    server = serve(history="sqlite:chat.db")
    with client(server, "Bob", listen=False) as bob:
        one, two = (bob.say(body).wait(DEADLINE) for body in ("one", "two"))
        bob.edit(one, "1").wait(DEADLINE)
        with client(server, "Ann") as first:
            assert [m.body for m in itertools.islice(first, 2)] == ["1", "two"]
        bob.remove(two).wait(DEADLINE)
        with client(server, "Ann", since=first.cursor, rev=first.rev, token=first.token) as second:
            changes = (e for e in second.events() if isinstance(e, Changed | Removed))
            assert next(changes).fields["id"] == two
        assert (first.rev, second.rev) == (1, 2)


def test_others_cannot_change_it(serve: Launch):
    server = serve(history="memory:")
    with client(server, "Ann", listen=False) as ann, client(server, "Bob", listen=False) as bob:
        id = ann.say("hi").wait(DEADLINE)
        for receipt in bob.edit(id, "ho"), bob.remove(id):
            with pytest.raises(ServerRefused) as caught:
                receipt.wait(DEADLINE)
            assert caught.value.code == "not-yours"
        ann.remove(id).wait(DEADLINE)
        with pytest.raises(ServerRefused, match="gone"):
            ann.edit(id, "ho").wait(DEADLINE)


def test_a_new_client_with_the_cursor_and_token_of_an_old_one_goes_on_as_the_same_user(
    serve: Launch,
):
    server = serve(history="sqlite:chat.db")
    with client(server, "Ann") as first:
        first.say("one").wait(DEADLINE)
        assert next(iter(first)).body == "one"
    with client(server, "Bob", listen=False) as bob:
        bob.say("two").wait(DEADLINE)
    with client(server, "Ann", since=first.cursor, token=first.token) as second:
        assert second.user_id == first.user_id
        assert next(iter(second)).body == "two"
        assert second.recovered is True


def test_a_history_that_was_replaced_is_told_as_a_gap(serve: Launch, tmp_path: Path):
    server = serve(history="sqlite:chat.db")
    with client(server, "Ann") as ann:
        ann.say("of old").wait(DEADLINE)
        events = ann.events()
        while not isinstance(next(events), Message):
            pass
        server.kill()
        for file in server.folder.glob("chat.db*"):
            file.unlink()
        server.start()
        kinds = []
        while "gap" not in kinds:
            item = next(events)
            kinds.append(item.type if isinstance(item, Event) else "message")
        assert "message" not in kinds
        assert ann.recovered is False
        ann.say("anew").wait(DEADLINE)


def test_a_stopping_server_is_found_again(serve: Launch):
    server = serve(history="sqlite:chat.db")
    with client(server, "Ann") as ann:
        assert server.stop() == 0
        wait_for(lambda: not ann.is_online, "the end of the connection")
        receipt = ann.say("said while it was away")
        server.start()
        assert receipt.wait(DEADLINE)


def test_two_clients_see_each_other_come_and_go(serve: Launch):
    server = serve(history="memory:", leaveGrace=0)
    with client(server, "Ann") as ann:
        with client(server, "Bob"):
            pass
        seen = []
        for item in ann.events():
            if isinstance(item, Event) and item.fields.get("userName") == "Bob":
                seen.append(item.type)
                if item.type == "left":
                    break
    assert seen == ["joined", "left"]
