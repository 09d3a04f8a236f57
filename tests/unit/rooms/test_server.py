"""Server: one order for all, committed before anyone sees it, and nobody waits for anybody."""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
from collections.abc import Callable, Iterator

import pytest

from chatroom.errors import ChannelClosed, ChatError, HistoryUnavailable, UserError
from chatroom.rooms import order
from chatroom.rooms import server as module
from chatroom.wire import message_json
from chatroom.wire.websocket import CloseCode, text_frame
from tests.support.connection_pair import bodies
from tests.support.deadline import DEADLINE, wait_for
from tests.support.in_memory_room import Guest, InMemoryServer
from tests.support.websocket_client import CLOSE

pytestmark = pytest.mark.takes(seconds=2)

LARGE = "x" * 30_000


def numbers(first: int, last: int) -> list[str]:
    return [str(number) for number in range(first, last + 1)]


# -- what is said ------------------------------------------------------------------------------


def test_everyone_in_the_room_hears_what_is_said_the_sender_too(club: InMemoryServer):
    ann, bob, other = club.join("Ann"), club.join("Bob"), club.join("Eve", "elsewhere")

    ann.say("hello")
    bob.say("hi Ann")
    club.settle()

    assert ann.heard() == bob.heard() == ["hello", "hi Ann"]
    assert other.heard() == []


def test_a_message_has_all_its_fields(club: InMemoryServer):
    ann = club.join("Ann", "kitchen")
    ann.say("hello")
    club.settle()

    (message,) = club.disk.messages("kitchen")
    assert (message.room, message.seq, message.user_name) == ("kitchen", 1, "Ann")
    assert (message.body, message.timestamp) == ("hello", "10:42 AM")
    assert len(bytes.fromhex(message.nonce)) == 8
    (frame,) = ann.peer.arrived()
    assert frame.payload.decode() == message_json.to_json(message)


def test_what_waits_is_one_transaction_and_each_message_is_encoded_once(
    club: InMemoryServer, monkeypatch: pytest.MonkeyPatch
):
    encoded: list[str] = []

    def count(text: str) -> bytes:
        encoded.append(text)
        return text_frame(text)

    monkeypatch.setattr(order, "text_frame", count)
    guests = [club.join(str(number)) for number in range(10)]

    for guest in guests:
        guest.say(guest.name)
    club.settle()

    assert club.disk.transactions == [numbers(0, 9)]
    assert len(encoded) == 10
    for guest in guests:
        assert guest.heard() == numbers(0, 9)


def test_a_batch_is_bounded(club: InMemoryServer):
    """Else one write would be more than a user's queue takes."""
    ann = club.join("Ann")
    ann.say(*([LARGE] * 30))
    club.settle()

    assert all(len("".join(batch)) < 400_000 for batch in club.disk.transactions)
    assert len(club.disk.transactions) > 1
    assert club.disk.stored() == [LARGE] * 30


def test_rooms_share_a_transaction_and_count_each_for_itself(club: InMemoryServer):
    ann, bob = club.join("Ann", "kitchen"), club.join("Bob", "garden")
    for _ in range(3):
        ann.say("smoke")
        bob.say("rain")
    club.settle()

    assert len(club.disk.transactions) == 1
    assert ann.heard() == ["smoke"] * 3
    assert bob.heard() == ["rain"] * 3
    assert [message.seq for message in club.disk.messages("kitchen")] == [1, 2, 3]
    assert [message.seq for message in club.disk.messages("garden")] == [1, 2, 3]


def test_no_writer_wakes_up_while_the_socket_takes_the_bytes(club: InMemoryServer):
    """There is no thread here at all: everything was written by the Server's own step."""
    guests = [club.join(str(number)) for number in range(20)]
    threads = threading.active_count()
    for number in range(100):
        guests[number % 20].say(str(number))
        club.settle()

    assert threading.active_count() == threads
    for guest in guests:
        assert guest.heard() == numbers(0, 99)


def test_what_is_said_by_one_who_has_left_meanwhile_is_said(club: InMemoryServer):
    ann, bob = club.join("Ann"), club.join("Bob")
    bob.say("bye")
    bob.leave()
    club.settle()

    assert ann.heard() == ["bye"]
    assert club.names() == ["Ann"]


def test_the_last_word_of_the_last_guest_is_kept_and_the_room_forgotten(club: InMemoryServer):
    ann = club.join("Ann")
    ann.leave()
    ann.say("and another thing")
    club.settle()

    assert club.disk.stored() == ["and another thing"]
    assert club.rooms() == []


# -- joining -----------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 3, 10])
def test_a_joiner_gets_exactly_the_last_messages(make: Callable[..., InMemoryServer], limit: int):
    """From the history when the room is new, and from the room when it is not."""
    club = make(replay_limit=limit)
    club.remember(20)

    ann = club.join("Ann")
    assert ann.heard() == numbers(21 - limit, 20)

    ann.say(*numbers(21, 25))
    club.settle()
    assert ann.heard() == numbers(21, 25)
    assert club.join("Bob").heard() == numbers(26 - limit, 25)


def test_a_joiner_gets_all_there_is_when_that_is_less(make: Callable[..., InMemoryServer]):
    club = make(replay_limit=10)
    assert club.join("Ann").heard() == []

    club.remember(3, "kitchen")
    assert club.join("Bob", "kitchen").heard() == numbers(1, 3)


def test_with_no_limit_a_joiner_gets_everything(make: Callable[..., InMemoryServer]):
    club = make(replay_limit=0)
    club.remember(1000)

    assert club.join("Ann").heard() == numbers(1, 1000)


@pytest.mark.parametrize("limit", [0, 100])
def test_a_past_longer_than_the_tail_comes_from_the_history(
    make: Callable[..., InMemoryServer], limit: int
):
    """In order with what is said while it is sent, without a gap or a double."""
    club = make(replay_limit=limit, tail_bytes=1000)
    club.remember(200)
    ann = club.join("Ann")
    ann.say("201", "202")
    club.settle()

    ann.start_writer()
    expected = numbers(101 if limit else 1, 202)
    assert bodies(ann.peer.frame() for _ in expected) == expected


def test_first_words_come_after_the_past_whatever_the_order_of_arrival(
    make: Callable[..., InMemoryServer],
):
    """A joiner's first message may be drained ahead of the joining itself."""
    club = make(replay_limit=3)
    club.remember(5)
    ann = club.join("Ann")
    assert ann.heard() == numbers(3, 5)

    ann.say("6")
    bob = club.guest("Bob").join()
    bob.say("7")
    carl = club.guest("Carl").join()
    carl.say("8")
    club.settle()

    assert ann.heard() == numbers(6, 8)
    for guest in (bob, carl):
        heard = guest.heard()
        assert heard == numbers(9 - len(heard), 8)
        assert len(heard) >= 3


def test_who_joins_and_leaves_at_once_is_not_in_the_room(club: InMemoryServer):
    club.join("Ann")
    bob = club.guest("Bob").join()
    bob.leave()
    club.settle()

    assert club.names() == ["Ann"]


def test_a_room_is_forgotten_when_it_is_empty_and_goes_on_where_it_was(club: InMemoryServer):
    ann = club.join("Ann")
    ann.say("1", "2")
    ann.leave()
    club.settle()
    assert club.rooms() == []

    bob = club.join("Bob")
    bob.say("3")
    club.settle()

    assert bob.heard() == numbers(1, 3)
    assert [message.seq for message in club.disk.messages()] == [1, 2, 3]


def test_joining_and_leaving_are_logged_with_the_number_of_users(
    club: InMemoryServer, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "chatroom")
    ann, bob = club.join("Ann"), club.join("Bob")
    bob.leave()
    club.settle()

    assert [record.getMessage() for record in caplog.records] == [
        f'joined: user {ann.user.id} "Ann" (127.0.0.1) room "lobby", now 1',
        f'joined: user {bob.user.id} "Bob" (127.0.0.1) room "lobby", now 2',
        f'left: user {bob.user.id} "Bob" (127.0.0.1) room "lobby", now 1: close 1000',
    ]


# -- slow users --------------------------------------------------------------------------------


def test_a_slow_user_is_dropped_and_the_rest_still_hear(club: InMemoryServer):
    """A user who stops reading is dropped; everyone else hears every message."""
    asleep = club.join("asleep", queue_bytes=100_000, buffers=4096)
    awake = club.join("awake")
    heard = []

    for number in range(10):
        awake.say(f"{number} {LARGE}")
        club.settle()
        heard += awake.heard()

    assert heard == [f"{number} {LARGE}" for number in range(10)]
    assert club.names() == ["awake"]
    assert club.server.errors == 1
    asleep.start_writer()
    assert asleep.peer.closed_with() == (4008, "slow")


def test_many_slow_users_at_once_are_all_dropped(club: InMemoryServer):
    """The Server puts on none of its own channels for it: it would wait for itself."""
    asleep = [club.join(str(n), queue_bytes=1000, buffers=4096) for n in range(50)]
    awake = club.join("awake")
    for _ in range(3):
        awake.say(LARGE)
        club.settle()

    assert club.names() == ["awake"]
    assert club.server.errors == 50
    assert awake.heard() == [LARGE] * 3
    for guest in asleep:
        guest.leave()
    club.settle()
    assert club.names() == ["awake"]


def test_the_reason_is_logged_once(club: InMemoryServer, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "chatroom")
    asleep = club.join("asleep", queue_bytes=1000, buffers=4096)
    asleep.say(LARGE)
    club.settle()
    asleep.say(LARGE)
    club.settle()
    asleep.leave()
    club.settle()

    lines = [record.getMessage() for record in caplog.records]
    number = asleep.user.id
    assert lines[1:] == [
        f'left: user {number} "asleep" (127.0.0.1) room "lobby", now 0: slow',
        f"error: User {number} is disconnected. Cause: slow",
    ]


# -- a history that fails ----------------------------------------------------------------------


def closed_with(guest: Guest) -> bytes | None:
    """The payload of the Close that has arrived; None where there is none."""
    return next((f.payload for f in guest.peer.arrived() if f.opcode == CLOSE), None)


NOT_STORED = CloseCode.SERVER_ERROR.to_bytes(2, "big") + b"not stored: history unavailable"
UNAVAILABLE = CloseCode.SERVER_ERROR.to_bytes(2, "big") + b"history unavailable"


@pytest.mark.parametrize("broken", ["append", "head"])
def test_what_is_not_stored_is_seen_by_nobody_and_its_senders_are_told(
    club: InMemoryServer, broken: str
):
    ann, bob, eve = (club.join(name) for name in ("Ann", "Bob", "Eve"))
    late = club.guest("Late", "new room")  # its room must be looked up: that can fail too
    eve.say("before")
    club.settle()
    assert [guest.heard() for guest in (ann, bob, eve)] == [["before"]] * 3

    club.disk.failing.add(broken)
    for guest in (ann, bob, ann, late):
        guest.say("lost")
    club.settle()

    assert closed_with(ann) == closed_with(bob) == closed_with(late) == NOT_STORED
    assert closed_with(eve) is None
    assert club.disk.stored() == ["before"]
    assert club.server.errors == 1
    assert club.rooms() == ["lobby"]


def test_a_seq_is_not_used_up_by_what_is_not_stored(club: InMemoryServer):
    """The room works again when the disk does, without a hole."""
    ann, bob = club.join("Ann"), club.join("Bob")
    club.disk.failing.add("append")
    ann.say("lost")
    club.settle()
    club.disk.failing.clear()
    bob.say("found")
    club.settle()

    assert bob.heard() == ["found"]
    assert [message.seq for message in club.disk.messages()] == [1]
    assert club.join("Carl").heard() == ["found"]


def test_behind_a_message_that_was_not_stored_nothing_of_its_sender_is(club: InMemoryServer):
    """Else the client, which says it all again, would say a part of it twice."""
    ann, bob = club.join("Ann"), club.join("Bob")
    club.disk.failing.add("append")
    ann.say("one")
    club.settle()
    club.disk.failing.clear()
    ann.say("two")
    bob.say("hello")
    club.settle()

    assert club.disk.stored() == ["hello"]
    assert club.names() == ["Bob"]


def test_a_fault_of_ours_in_the_history_tells_the_senders_too(
    club: InMemoryServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    ann = club.join("Ann")
    monkeypatch.setattr(club.disk, "append", lambda *_: 1 / 0)
    ann.say("lost")
    club.settle()

    assert closed_with(ann) == NOT_STORED
    assert "ZeroDivisionError" in caplog.text


def test_who_cannot_get_the_past_cannot_join_and_is_told(club: InMemoryServer):
    club.disk.failing.add("head")
    ann = club.join("Ann")

    assert closed_with(ann) == UNAVAILABLE
    assert club.rooms() == []
    assert club.server.errors == 1

    club.disk.failing.clear()
    assert club.join("Bob").heard() == []


# -- errors ------------------------------------------------------------------------------------


def test_a_users_failure_is_counted_and_logged(
    club: InMemoryServer, caplog: pytest.LogCaptureFixture
):
    club.server.error.put(UserError(7, "its writer failed: broken pipe"))
    club.settle()

    assert club.server.errors == 1
    assert "User 7 is disconnected. Cause: its writer failed: broken pipe" in caplog.text


# -- with its thread ---------------------------------------------------------------------------


@pytest.fixture
def running(club: InMemoryServer) -> Iterator[InMemoryServer]:
    club.server.start()
    yield club
    club.server.stop()


def test_a_fault_of_ours_does_not_end_the_thread(
    running: InMemoryServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(running.server._entrance, "add", lambda user: 1 / 0)
    running.guest("Eve").join()
    wait_for(lambda: running.server.errors, "the fault")
    monkeypatch.undo()

    ann = running.guest("Ann").join()
    ann.say("still here")
    assert bodies([ann.peer.frame()]) == ["still here"]
    assert "ZeroDivisionError" in caplog.text


def test_stop_commits_and_delivers_all_that_was_put_before(club: InMemoryServer):
    ann, bob = club.guest("Ann").join(), club.guest("Bob").join()
    ann.say(*numbers(1, 1000))
    club.server.start()
    club.server.stop()
    club.server.stop()

    assert club.disk.stored() == numbers(1, 1000)
    assert ann.heard() == bob.heard() == numbers(1, 1000)


def test_a_stopped_server_takes_nothing_more(running: InMemoryServer):
    ann = running.guest("Ann").join()
    running.server.stop()

    for put in (ann.join, ann.leave, lambda: ann.say("late")):
        with pytest.raises(ChannelClosed):
            put()
    with pytest.raises(ChannelClosed):
        running.server.check(1)


class Chatter:
    """Four who talk without a pause until the Server stops."""

    def __init__(self, club: InMemoryServer) -> None:
        self.said: list[str] = []
        self._threads = [
            threading.Thread(target=self._go_on, args=(club.guest(str(number)),))
            for number in range(4)
        ]
        for thread in self._threads:
            thread.start()
        wait_for(lambda: len(self.said) > 3 * module.BROADCAST_SLOTS, "a channel never empty")

    def _go_on(self, guest: Guest) -> None:
        with contextlib.suppress(ChannelClosed):
            for number in itertools.count():
                guest.say(f"{guest.name} {number}")
                self.said.append(f"{guest.name} {number}")

    def end(self) -> None:
        for thread in self._threads:
            thread.join(DEADLINE)


@pytest.fixture
def talk(running: InMemoryServer) -> Iterator[Chatter]:
    talk = Chatter(running)
    yield talk
    running.server.stop()
    talk.end()


def test_nothing_is_lost_in_silence_while_the_server_stops(running: InMemoryServer, talk: Chatter):
    """Whoever's put returns has said it; the others are told that it is over."""
    running.server.stop()
    talk.end()

    assert sorted(running.disk.stored()) == sorted(talk.said)


def test_a_room_full_of_talk_lets_others_join_leave_and_ask(running: InMemoryServer, talk: Chatter):
    """What waits on other channels gets its turn, in its order of arrival."""
    before = len(talk.said)
    for number in range(5):
        ann = running.guest("Ann", f"quiet room {number}").join()
        ann.say("hello")
        assert bodies([ann.peer.frame()]) == ["hello"]
        running.server.check(DEADLINE)
        ann.leave()

    assert len(talk.said) - before < 5 * 50 * module.BROADCAST_SLOTS
    assert running.server._ready.qsize() < 10 * module.BROADCAST_SLOTS


def test_more_messages_than_slots_make_readers_wait_and_not_the_server(club: InMemoryServer):
    """The original stands still for good after the hundredth."""
    ann = club.guest("Ann").join().start_writer()
    everything = numbers(1, 3 * module.BROADCAST_SLOTS)
    talking = threading.Thread(target=ann.say, args=everything)
    talking.start()
    club.server.start()
    try:
        assert bodies(ann.peer.frame() for _ in everything) == everything
    finally:
        talking.join(DEADLINE)
        club.server.stop()


# -- health ------------------------------------------------------------------------------------


def test_a_healthy_server_says_so_by_a_real_write(running: InMemoryServer):
    running.server.check(DEADLINE)

    running.disk.failing.add("probe")
    with pytest.raises(HistoryUnavailable, match="disk full"):
        wait_for(lambda: running.server.check(DEADLINE), "the age of the proof")


def test_a_message_that_was_stored_is_proof_enough(running: InMemoryServer):
    running.disk.failing.add("probe")
    ann = running.guest("Ann").join()
    ann.say("hello")
    ann.peer.frame()

    running.server.check(DEADLINE)


def test_a_message_that_was_not_stored_ends_the_proof(running: InMemoryServer):
    ann = running.guest("Ann").join()
    ann.say("hello")
    ann.peer.frame()
    running.disk.failing |= {"append", "probe"}
    ann.say("lost")
    assert ann.peer.closed_with()[0] == 1011

    with pytest.raises(HistoryUnavailable):
        running.server.check(DEADLINE)


def test_what_is_left_out_proves_nothing(running: InMemoryServer):
    """Ann is told of the failure and goes on talking; nothing of it reaches the disk."""
    running.disk.failing |= {"append", "probe"}
    ann = running.guest("Ann").join()
    ann.say("lost")
    assert ann.peer.closed_with()[0] == 1011
    ann.say("lost too")

    with pytest.raises(HistoryUnavailable):
        running.server.check(DEADLINE)


def test_a_server_that_does_not_answer_is_not_healthy(club: InMemoryServer):
    with pytest.raises(ChatError, match="the Server thread did not answer within"):
        club.server.check(0.01)


def test_a_fault_while_a_subscriber_goes_is_logged_and_counted(
    club: InMemoryServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """Nobody waits for an answer, so that nobody else would hear of it."""

    def fail(*_arguments: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(club.server._entrance, "unsubscribe", fail)
    club.server.start()
    club.server.unsubscribe("lobby", Deaf())
    club.server.stop()

    assert club.server.errors == 1
    assert "boom" in caplog.text


class Deaf:
    """A subscriber."""

    def take(self, batch: object) -> None:
        pass
